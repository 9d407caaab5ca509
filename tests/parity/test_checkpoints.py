# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of PyTorch, in all the forms that people save: read without it, written for it."""

from __future__ import annotations

import argparse
import collections
import inspect
import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="python3-torch is not installed")
torchvision = pytest.importorskip("torchvision", reason="python3-torchvision is not installed")

import tensors  # noqa: E402

WEIGHTS = Path(os.environ["BERTH_WEIGHTS"])
ZIPPED = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
STRICT = {"weights_only": True} if "weights_only" in inspect.signature(torch.load).parameters else {}
State = dict[str, torch.Tensor]
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
          torch.uint8, torch.bool]  # fmt: skip


def run(*arguments: object, status: int = 0) -> str:
    done = subprocess.run([WEIGHTS, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def look(path: Path) -> dict:
    return json.loads(run("inspect", "--json", "--tensors", path))


def bits(tensor: torch.Tensor) -> bytes:
    """Compared bit by bit, a NaN equals itself."""
    flat = tensor.detach().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy()) if flat.numel() > 0 else b""


def equal(ours: State, theirs: State) -> None:
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype, name
        assert ours[name].shape == tensor.shape, name
        assert bits(ours[name]) == bits(tensor), name


def reads_as(path: Path, expected: State) -> None:
    """What is read from `path`, seen through a safetensors file."""
    out = path.with_name("out.safetensors")
    run("convert", "--force", path, out)
    equal(tensors.read(out), expected)


def network(name: str = "resnet18", **options: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return getattr(torchvision.models, name)(**options)


@pytest.fixture
def folder(tmp_path: Path):
    yield tmp_path
    for file in tmp_path.iterdir():
        file.unlink()


@ZIPPED
def test_a_state_dict_is_read(folder: Path, zipped: bool) -> None:
    state = network().state_dict()
    torch.save(state, folder / "x.pth", _use_new_zipfile_serialization=zipped)
    reads_as(folder / "x.pth", state)


@ZIPPED
def test_half_precision_is_kept(folder: Path, zipped: bool) -> None:
    state = network(num_classes=5).half().state_dict()
    torch.save(state, folder / "x.pth", _use_new_zipfile_serialization=zipped)
    reads_as(folder / "x.pth", state)


@ZIPPED
@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])  # torch.load cannot read 0 itself
def test_every_protocol_of_pickle_is_read(folder: Path, zipped: bool, protocol: int) -> None:
    state = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)).state_dict()
    path = folder / "x.pth"
    torch.save(
        {"names": ["\u00e4", "it's"], "n": -5, "lr": 0.1, "state_dict": state}, path, pickle_protocol=protocol,
        _use_new_zipfile_serialization=zipped,
    )  # fmt: skip
    reads_as(path, state)
    assert look(path)["metadata"] == {"names": '["\u00e4","it\'s"]', "n": "-5", "lr": "0.1"}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@ZIPPED
def test_every_dtype_is_read(folder: Path, zipped: bool, dtype: torch.dtype) -> None:
    state = {"w": (torch.arange(-6, 6).reshape(3, 4) * 1.5).to(dtype), "scalar": torch.tensor(3).to(dtype)}
    torch.save(state, folder / "x.pth", _use_new_zipfile_serialization=zipped)
    reads_as(folder / "x.pth", state)


@ZIPPED
def test_views_and_shared_storages_are_read(folder: Path, zipped: bool) -> None:
    base = torch.arange(24.0)
    state = {
        "whole": base, "part": base[5:9], "turned": base.reshape(4, 6).t(), "permuted": base.reshape(2, 3, 4).permute(2, 0, 1),
        "every_other": base[::2], "spread": base[3].expand(5, 2), "last": base[23], "none": torch.zeros(0, 7),
        "channels_last": base.reshape(1, 2, 3, 4).to(memory_format=torch.channels_last), "ones": base[:1].reshape(1, 1, 1),
        "parameter": torch.nn.Parameter(base[2:4]), "nan": torch.tensor([float("nan"), -0.0, float("inf")]),
    }  # fmt: skip
    torch.save(state, folder / "x.pth", _use_new_zipfile_serialization=zipped)
    reads_as(folder / "x.pth", state)


@ZIPPED
def test_weights_among_other_things_are_found(folder: Path, zipped: bool) -> None:
    net = network("mobilenet_v3_small", num_classes=3)
    optimizer = torch.optim.Adam(net.parameters())
    sum(parameter.sum() for parameter in net.parameters()).backward()
    optimizer.step()
    state = net.state_dict()
    path = folder / "x.pth"
    torch.save(
        {
            "epoch": 7, "arch": "mobilenet", "best_acc1": torch.tensor(71.5), "optimizer": optimizer.state_dict(),
            "args": argparse.Namespace(lr=0.1, data=Path("/data")), "class_to_idx": {"a": 0, "b": 1}, "state_dict": state,
        }, path, _use_new_zipfile_serialization=zipped,
    )  # fmt: skip
    reads_as(path, state)
    seen = look(path)
    assert seen["metadata"] == {
        "epoch": "7", "arch": "mobilenet", "best_acc1": "71.5", "class_to_idx": '{"a":0,"b":1}',
        "args": '{"lr":0.1,"data":"/data"}',
    }  # fmt: skip
    assert seen["notes"] == ['"optimizer" is left out']


def test_a_numpy_number_is_metadata(folder: Path) -> None:
    numpy = pytest.importorskip("numpy")
    torch.save({"best": numpy.float64(0.25), "n": numpy.int64(-3), "model": {"w": torch.ones(1)}}, folder / "x.pth")
    assert look(folder / "x.pth")["metadata"] == {"best": "0.25", "n": "-3"}


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "net"])
def test_the_usual_keys_are_known(folder: Path, key: str) -> None:
    state = {"w": torch.ones(2)}
    torch.save({key: state, "epoch": 1}, folder / "x.pth")
    reads_as(folder / "x.pth", state)


def test_the_names_of_data_parallel_are_the_modules(folder: Path) -> None:
    net = network(num_classes=2)
    torch.save(torch.nn.DataParallel(net).state_dict(), folder / "x.pth")
    reads_as(folder / "x.pth", net.state_dict())


def test_averaged_weights_are_preferred(folder: Path) -> None:
    net = torch.nn.Linear(3, 4)
    averaged = torch.optim.swa_utils.AveragedModel(net)
    with torch.no_grad():
        averaged.module.weight.add_(1)
    torch.save({"model": net.state_dict(), "model_ema": averaged.state_dict()}, folder / "x.pth")
    reads_as(folder / "x.pth", averaged.module.state_dict())


class Own(torch.nn.Module):
    """Everything that a state_dict treats specially."""

    def __init__(self) -> None:
        super().__init__()
        self.tied = torch.nn.Linear(3, 3)
        self.tied_again = self.tied
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 1), torch.nn.ModuleDict({"a": torch.nn.BatchNorm1d(2)})])
        self.scale = torch.nn.Parameter(torch.ones(2))
        self.register_parameter("absent", None)
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("passing", torch.arange(4), persistent=False)
        self.names = {0: "cat", 1: "dog"}


@ZIPPED
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make",
    [Own, network, lambda: network("swin_v2_t"), lambda: torch.nn.DataParallel(Own()).half()],
    ids=["own", "resnet18", "swin", "parallel half"],
)
def test_a_whole_module_is_its_state_dict(folder: Path, make: Callable[[], torch.nn.Module], zipped: bool) -> None:
    net = make()
    path = folder / "x.pt"
    torch.save(net, path, _use_new_zipfile_serialization=zipped)
    reads_as(path, getattr(net, "module", net).state_dict())


@pytest.mark.filterwarnings("ignore")
def test_a_detectors_checkpoint_is_read(folder: Path) -> None:
    net = Own().half()
    torch.save(
        {"epoch": -1, "best_fitness": None, "model": net, "ema": None, "updates": 5, "optimizer": None,
         "opt": {"imgsz": 640, "save_dir": Path("runs/x")}, "date": "2026-01-01"}, folder / "best.pt",
    )  # fmt: skip
    reads_as(folder / "best.pt", net.state_dict())
    assert look(folder / "best.pt")["metadata"] == {
        "epoch": "-1", "updates": "5", "opt": '{"imgsz":640,"save_dir":"runs/x"}', "date": "2026-01-01",
        "names": '{"0":"cat","1":"dog"}',
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["script", "trace"])
def test_torchscript_is_read(folder: Path, how: str) -> None:
    net = network(num_classes=4).eval()
    script = torch.jit.script(net) if how == "script" else torch.jit.trace(net, torch.rand(1, 3, 64, 64))
    torch.jit.save(script, str(folder / "x.pt"))
    reads_as(folder / "x.pt", net.state_dict())
    assert look(folder / "x.pt")["format"] == "torchscript"


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "vit_b_16", "vit_b_32",
                                  "vit_l_16", "vit_l_32", "vit_h_14", "swin_v2_t", "swin_v2_s", "swin_v2_b",
                                  "mobilenet_v3_small", "mobilenet_v3_large"])  # fmt: skip
def test_an_architecture_is_told(folder: Path, name: str) -> None:
    with torch.no_grad():
        state = network(name, num_classes=37).half().state_dict()
    torch.save(state, folder / "x.pth")
    seen = look(folder / "x.pth")
    assert seen["model"]["name"] == name
    assert seen["model"]["num_classes"] == 37
    assert seen["model"]["image_size"] == (224 if name.startswith("vit") else None)
    assert seen["model"]["hidden"] == {"mobilenet_v3_small": 1024, "mobilenet_v3_large": 1280}.get(name)
    assert seen["parameters"] == sum(parameter.numel() for parameter in network(name, num_classes=37).parameters())


@pytest.mark.parametrize("name", ["resnext50_32x4d", "wide_resnet50_2", "mobilenet_v2", "swin_t", "densenet121"])
def test_a_relative_is_not_taken_for_another(folder: Path, name: str) -> None:
    torch.save(network(name).state_dict(), folder / "x.pth")
    assert look(folder / "x.pth")["model"] is None


@pytest.mark.parametrize("name", ["resnet18", "swin_v2_t"])
def test_what_is_written_is_loaded_there(folder: Path, name: str) -> None:
    state = network(name, num_classes=37).state_dict()
    state["none"] = torch.zeros(0, 3)
    tensors.write(folder / "x.safetensors", state)
    run("convert", folder / "x.safetensors", folder / "x.pth")
    loaded = torch.load(folder / "x.pth", **STRICT)
    assert isinstance(loaded, collections.OrderedDict)
    equal(loaded, state)
    del loaded["none"]
    network(name, num_classes=37).load_state_dict(loaded)
    assert zipfile.ZipFile(folder / "x.pth").testzip() is None


def test_every_dtype_is_written(folder: Path) -> None:
    state = {str(dtype): (torch.arange(-6, 6).reshape(3, 2, 2) * 1.5).to(dtype) for dtype in DTYPES}
    torch.save(state, folder / "x.pth")
    run("convert", folder / "x.pth", folder / "y.pth")
    equal(torch.load(folder / "y.pth", **STRICT), state)


@pytest.mark.parametrize(("word", "dtype"), [("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)])
def test_numbers_are_rounded_as_there(folder: Path, word: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    numbers = torch.cat([torch.randn(20000) * 10.0**power for power in range(-9, 6)])
    state = {"f32": numbers, "f64": numbers.double() * (1 + 2**-40), "f16": numbers.half(), "bf16": numbers.bfloat16(),
             "count": torch.arange(3)}  # fmt: skip
    torch.save(state, folder / "x.pth")
    run("convert", "--dtype", word, folder / "x.pth", folder / "y.pth")
    # From double PyTorch rounds twice, by way of float; once is right.
    loaded = torch.load(folder / "y.pth", **STRICT)
    expected = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in state.items()}
    wide = loaded.pop("f64")
    equal(loaded, {key: tensor for key, tensor in expected.items() if key != "f64"})
    assert wide.dtype == dtype
    finite = wide.isfinite()
    ours = (wide[finite].double() - state["f64"][finite]).abs()
    theirs = (expected["f64"][finite].double() - state["f64"][finite]).abs()
    assert bool((ours <= theirs).all())


@pytest.mark.parametrize(
    ("tensor", "word"),
    [
        (lambda: torch.zeros(2, dtype=torch.complex64), "ComplexFloatStorage"),
        (lambda: torch.eye(3).to_sparse(), "sparse"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "_rebuild_qtensor"),
    ],
    ids=["complex", "sparse", "quantised"],
)
def test_unsupported_tensors_are_named(folder: Path, tensor: Callable[[], torch.Tensor], word: str) -> None:
    torch.save({"fine": torch.ones(1), "odd.one": tensor()}, folder / "x.pth")
    message = run("inspect", folder / "x.pth", status=1)
    assert "odd.one" in message
    assert word in message


def test_a_pickle_that_would_call_something_calls_nothing(folder: Path) -> None:
    mark = folder / "called"

    class Call:
        def __reduce__(self) -> tuple:
            return os.system, (f"touch {mark}",)

    torch.save({"state_dict": {"w": torch.ones(1)}, "x": Call()}, folder / "x.pth")
    assert look(folder / "x.pth")["tensor_count"] == 1
    assert not mark.exists()


def test_a_download_cut_short_is_refused(folder: Path) -> None:
    torch.save(network().state_dict(), folder / "x.pth")
    whole = (folder / "x.pth").read_bytes()
    for size in (100, len(whole) // 2, len(whole) - 1):
        (folder / "x.pth").write_bytes(whole[:size])
        assert "cut short" in run("inspect", folder / "x.pth", status=1)
