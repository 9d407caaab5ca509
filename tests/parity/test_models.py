# SPDX-License-Identifier: Apache-2.0
"""Our classifiers against torchvision's: weights go in both directions, outputs, losses and gradients are the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="python3-torch is not installed")
torchvision = pytest.importorskip("torchvision", reason="python3-torchvision is not installed")

import tensors  # noqa: E402

PARITY = Path(os.environ["BERTH_PARITY"])
CLASSES, SIZE, PICTURES = 37, 224, 2
MODELS = [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14",
    "swin_v2_t", "swin_v2_s", "swin_v2_b",
    "mobilenet_v3_small", "mobilenet_v3_large",
]  # fmt: skip


def reference(name: str) -> torch.nn.Module:
    """torchvision's, with weights that leave nothing at zero, and nothing dropped."""
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=CLASSES)
    for module in model.modules():
        if isinstance(module, (torch.nn.Dropout, torchvision.ops.StochasticDepth)):
            module.p = 0.0
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.01)
        for key, buffer in model.named_buffers():
            if key.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif key.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return model


def ours(*arguments: object) -> None:
    done = subprocess.run([PARITY, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of what is meant to be equal, relative to the larger one's size."""
    return float((a - b).abs().max() / max(1.0, float(b.abs().max())))


@pytest.fixture
def pictures() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(PICTURES, 3, SIZE, SIZE)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for file in tmp_path.iterdir():
        file.unlink()  # gigabytes


@pytest.mark.parametrize("name", MODELS)
def test_weights_from_there_give_their_outputs_here(name: str, pictures: torch.Tensor, folder: Path) -> None:
    model = reference(name).eval()
    with torch.no_grad():
        expected = model(pictures)
    assert expected.std() > 1e-3, "a model that says nothing proves nothing"
    tensors.write(folder / "weights", model.state_dict())
    tensors.write(folder / "in", {"x": pictures})
    ours("run", name, CLASSES, folder / "weights", folder / "in", folder / "out")
    assert difference(tensors.read(folder / "out")["y"], expected) <= 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_weights_from_here_give_our_outputs_there(name: str, pictures: torch.Tensor, folder: Path) -> None:
    ours("init", name, CLASSES, folder / "fresh")
    weights = tensors.read(folder / "fresh")
    for key, value in weights.items():
        if value.dtype == torch.float32 and "relative" not in key:
            # Variances stay positive; weights that all grow would blow up in deep models.
            noise = torch.randn_like(value)
            value.add_(noise.abs() if value.dim() == 1 else noise, alpha=0.01 if value.dim() == 1 else 1e-4)
    tensors.write(folder / "weights", weights)
    model = getattr(torchvision.models, name)(num_classes=CLASSES).eval()
    model.load_state_dict(weights)  # strict: every name and shape
    with torch.no_grad():
        expected = model(pictures)
    assert expected.std() > 1e-3
    tensors.write(folder / "in", {"x": pictures})
    ours("run", name, CLASSES, folder / "weights", folder / "in", folder / "out")
    assert difference(tensors.read(folder / "out")["y"], expected) <= 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_a_training_step_has_the_same_loss_and_gradients(name: str, pictures: torch.Tensor, folder: Path) -> None:
    model = reference(name).train()
    labels = torch.arange(PICTURES) * 3
    tensors.write(folder / "weights", model.state_dict())
    tensors.write(folder / "in", {"x": pictures, "labels": labels})
    loss = torch.nn.functional.cross_entropy(model(pictures), labels)
    loss.backward()
    ours("step", name, CLASSES, folder / "weights", folder / "in", folder / "out")
    results = tensors.read(folder / "out")
    assert float(results["loss"]) == pytest.approx(float(loss), rel=1e-3)
    expected = {key: parameter.grad for key, parameter in model.named_parameters()}
    assert set(results) == {"loss", *("grad." + key for key in expected)}
    largest = max(float(gradient.norm()) for gradient in expected.values())
    assert largest > 0
    for key, gradient in expected.items():
        # Where the true gradient is 0 (a bias before a normalisation), what is there is rounding.
        allowed = 1e-3 * (float(gradient.norm()) + 1e-3 * largest)
        assert float((results["grad." + key] - gradient).norm()) <= allowed, key
