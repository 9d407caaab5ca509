# SPDX-License-Identifier: Apache-2.0
"""Real pictures: ResNet-18 from scratch on cifar10-mini, and its inference."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import programs
from harness.client import Client
from harness.sse import read_log
from harness.training import accuracy, epochs_of, infer

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.slow]

EPOCHS = 10


def pictures() -> Path:
    data = programs.data_set("cifar10-mini")
    if data is None:
        pytest.skip("no cifar10-mini under BERTH_TEST_DATA")
    assert data is not None
    return data


def test_ten_epochs_reach_thirty_percent_and_inference_reproduces_it(client: Client, folder: Path) -> None:
    data = pictures()
    body = {
        "model": "resnet18",
        "num_classes": 10,
        "train_path": str(data / "train"),
        "val_path": str(data / "val"),
        "save_path": str(folder / "out"),
        "batch_size": 32,
        "num_epochs": EPOCHS,
        "learning_rate": 0.001,
        "image_size": 64,
        "pretrained": False,
        "device": "cuda",
        "task_id": "cifar",
    }
    client.post("/api/v2/training/start", body)
    task = client.wait_end("cifar", within=1200)
    assert task["status"] == "completed", task["message"]
    epochs = epochs_of([event.data for event in read_log(client, "cifar")])
    assert list(epochs) == list(range(1, EPOCHS + 1))
    best = max(epoch["val_acc"] for epoch in epochs.values())
    print("validation accuracy by epoch:", [round(epoch["val_acc"], 2) for epoch in epochs.values()])
    assert best >= 30
    assert task["latest_metrics"]["best_acc"] == pytest.approx(best)
    weights = folder / "out/best_model.safetensors"
    done = client.wait_end(infer(client, weights, data / "val", folder / "r", task_id="infer"), within=300)
    assert done["status"] == "completed", done["message"]
    assert accuracy(folder / "r/result.json") == pytest.approx(best, abs=0.1)
