# SPDX-License-Identifier: Apache-2.0
"""What the documents of the originals show as code: RFUAVClient and its examples, against the daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import programs
from harness.daemon import Daemon
from harness.pictures import DataSet
from harness.training import METRICS

pytestmark = pytest.mark.usefixtures("worker")

EXAMPLES = programs.ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

from test_refactored_api import RFUAVClient, RFUAVError  # noqa: E402


@pytest.fixture
def paths(folder: Path) -> dict[str, str]:
    data = folder / "files"
    for name in ("data/train", "data/val", "data/test", "configs", "models"):
        (data / name).mkdir(parents=True)
    (data / "configs/model.yaml").write_text("model: resnet18\nnum_classes: 37\nimage_size: 224\n")
    (data / "models/best.pth").write_bytes(b"weights")
    return {
        "train_path": str(data / "data/train"),
        "val_path": str(data / "data/val"),
        "save_path": str(data / "models/output"),
        "cfg_path": str(data / "configs/model.yaml"),
        "weight_path": str(data / "models/best.pth"),
        "source_path": str(data / "data/test"),
    }


def picked(paths: dict[str, str], *names: str) -> dict[str, str]:
    return {name: paths[name] for name in names}


def test_a_gpu_is_chosen_or_named_for_a_training(two_gpus: Daemon, paths: dict[str, str]) -> None:
    client = RFUAVClient(f"http://{two_gpus.address}")
    data = picked(paths, "train_path", "val_path")
    for model, device, given in (
        ("resnet18", "cuda", ("cuda:0", "cuda:1")),
        ("resnet50", "cuda:0", ("cuda:0",)),
        ("vit_b_16", "cuda:1", ("cuda:1",)),
    ):
        task = client.start_training(
            model=model, num_classes=37, save_path=paths["save_path"], device=device, **data
        )
        assert (task["status"], task["message"]) == ("pending", "等待开始")
        ended = client.wait_for_task(task["task_id"], timeout=30, interval=0.05)
        assert ended["status"] == "completed"
        assert ended["device"] in given


def test_a_gpu_is_chosen_or_named_for_an_inference(two_gpus: Daemon, paths: dict[str, str]) -> None:
    client = RFUAVClient(f"http://{two_gpus.address}")
    files = picked(paths, "cfg_path", "weight_path", "source_path")
    for device, given in (("cuda", ("cuda:0", "cuda:1")), ("cuda:1", ("cuda:1",))):
        task = client.start_inference(device=device, **files)
        ended = client.wait_for_task(task["task_id"], timeout=30, interval=0.05)
        assert (ended["status"], ended["device"] in given) == ("completed", True)
        assert client.get_inference_status(task["task_id"])["task_type"] == "inference"


def test_two_models_side_by_side_and_inferences_spread(two_gpus: Daemon, paths: dict[str, str]) -> None:
    client = RFUAVClient(f"http://{two_gpus.address}")
    data = picked(paths, "train_path", "val_path")
    tasks = [
        client.start_training(
            model=model, num_classes=37, save_path=f"{paths['save_path']}/{model}", device=device, **data
        )
        for model, device in (("resnet50", "cuda:0"), ("vit_b_16", "cuda:1"))
    ]
    ended = [client.wait_for_task(task["task_id"], timeout=30, interval=0.05) for task in tasks]
    assert [task["device"] for task in ended] == ["cuda:0", "cuda:1"]
    assert ended[1]["started_at"] < ended[0]["finished_at"]
    files = picked(paths, "cfg_path", "weight_path")
    batch = client.start_batch_inference(source_paths=[paths["source_path"]] * 4, device="cuda", **files)
    assert batch["total"] == 4
    devices = {
        client.wait_for_task(task_id, timeout=30, interval=0.05)["device"] for task_id in batch["task_ids"]
    }
    assert devices == {"cuda:0", "cuda:1"}


def test_limits_of_single_gpus(two_gpus: Daemon) -> None:
    client = RFUAVClient(f"http://{two_gpus.address}")
    limits = {"cuda:0": {"training": 1, "inference": 4}, "cuda:1": {"training": 2, "inference": 6}}
    answer = client.update_resource_config(limits)
    assert answer["status"] == "success"
    assert {name: client.get_resources()["limits"][name] for name in limits} == limits
    assert [gpu["device_name"] for gpu in client.get_gpu_info()["devices"]] == ["cuda:0", "cuda:1"]


def test_a_gpu_that_is_not_there_is_an_error_with_words(two_gpus: Daemon, paths: dict[str, str]) -> None:
    client = RFUAVClient(f"http://{two_gpus.address}", language="en")
    data = picked(paths, "train_path", "val_path", "save_path")
    with pytest.raises(RFUAVError, match="Device index 2 is out of range") as refused:
        client.start_training(model="resnet18", num_classes=37, device="cuda:2", **data)
    assert 400 <= refused.value.status < 500


def test_every_method_of_the_client(daemon: Daemon, folder: Path) -> None:
    client = RFUAVClient(f"http://{daemon.address}")
    data = DataSet(folder / "data", train=4, val=2, side=32)
    fields = {
        "model": "resnet18", "num_classes": 3, "train_path": str(data.train), "val_path": str(data.val),
        "save_path": str(folder / "out"), "image_size": 32, "device": "cpu", "pretrained": False,
    }  # fmt: skip
    task = client.start_training(num_epochs=1, **fields)["task_id"]
    records = list(client.stream_training_logs(task))
    assert records[-1] | {"message": "任务结束"} == records[-1]
    status = client.get_training_status(task)
    assert (status["status"], set(status["latest_metrics"])) == ("completed", set(METRICS))
    stopped = client.start_training(num_epochs=1000, **fields)["task_id"]
    assert client.stop_training(stopped)["message"] == "训练任务已停止"
    assert client.wait_for_task(stopped, timeout=60)["status"] == "cancelled"
    other = client.start_training(num_epochs=1000, **fields)["task_id"]
    assert client.cancel_task(other)["message"] == "任务已取消"
    client.wait_for_task(other, timeout=60)
    assert client.get_all_tasks(status="cancelled", task_type="training")["total_training"] == 2
    assert client.delete_task(other)["message"] == "任务记录已删除"
    with pytest.raises(RFUAVError) as unknown:
        client.get_task(other)
    assert unknown.value.status == 404
    assert client.health_check()["status"] == "healthy"
    assert "resnet18" in client.get_system_info()["supported_models"]
    with pytest.raises(TimeoutError):
        client.wait_for_task(
            client.start_training(num_epochs=1000, **fields)["task_id"], timeout=0.1, interval=0.05
        )


def test_the_gpu_selection_example(daemon: Daemon, folder: Path) -> None:
    data = DataSet(folder / "data", train=4, val=2, side=32)
    done = subprocess.run(
        [sys.executable, EXAMPLES / "gpu_selection_example.py", "--url", f"http://{daemon.address}", "--train", data.train,
         "--val", data.val, "--save", folder / "out", "--epochs", "1", "--image-size", "32"],
        capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": completed on cpu") == 8, done.stdout
