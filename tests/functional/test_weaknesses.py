# SPDX-License-Identifier: Apache-2.0
"""What the originals got wrong and a client could see, as far as no other test shows that it is right here.

| weakness | shown by |
| --- | --- |
| 1 limits exceeded | test_limits: a limit holds |
| 2 a queued task that was cancelled ran | test_training_failures: cancelling a queued training |
| 3 cancelling did nothing | here (inference), test_preprocessing, test_training_failures |
| 4 tasks that stayed "running" for ever | test_training_failures |
| 5, 22 unknown devices, models and paths | test_tasks, test_training |
| 6 a slot given back that nobody had | core_tests: a million random inputs, all figures recounted after each |
| 7 an id given twice | test_tasks |
| 8 priority ignored | test_restart: in order |
| 9 batches one after the other | test_documents: side by side; test_model_service: all or none |
| 10 nothing survived a restart | test_restart |
| 11 lists that saw no task | test_training |
| 12 changing one limit dropped the other | test_limits |
| 13, 15 inference off the GPU, the wrong GPU | test_documents |
| 14 other programs' memory not seen | test_gpus, test_second_look |
| 16, 17 logs mixed up, lost, stolen | test_streams, test_training |
| 18 two classes, 20 `pretrained`, 21 names and numbers | here |
| 19 weights without classes, YAML that inference cannot read | test_model_service |
| 23 any path, any client | test_access |
| 24 the processor's figures cost 100 ms | test_gpu_faults: every route |
| 25 did not start | every test |
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.client import Client
from harness.daemon import Daemon
from harness.pictures import DataSet
from harness.training import infer, train, worker_process
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("worker")

LONG = 300.0
SMALL = {"image_size": 32, "batch_size": 8, "num_epochs": 1}


def test_two_classes_can_be_trained(client: Client, folder: Path) -> None:
    data = DataSet(folder / "data", classes=2, train=8, val=4, side=32)
    ended = client.wait_end(train(client, data, folder / "out", **SMALL), within=LONG)
    assert ended["status"] == "completed", ended["message"]
    assert ended["latest_metrics"]["top3_acc"] == 1.0


@pytest.mark.parametrize("pretrained", [True, False])
def test_pretrained_is_a_wish_and_no_file(client: Client, folder: Path, pretrained: bool) -> None:
    data = DataSet(folder / "data", classes=2, train=8, val=4, side=32)
    task = train(client, data, folder / "out", pretrained=pretrained, weight_path=None, **SMALL)
    assert client.wait_end(task, within=LONG)["status"] == "completed"


def test_a_running_inference_can_be_cancelled(daemon: Daemon, folder: Path) -> None:
    client = daemon.client
    data = DataSet(folder / "data", classes=2, train=8, val=4, side=32)
    client.wait_end(train(client, data, folder / "out", **SMALL), within=LONG)
    picture = next(data.val.glob("*/*.png"))
    (folder / "list.txt").write_text((str(picture) + "\n") * 2_000_000)
    task = infer(
        client, folder / "out/best_model.safetensors", folder / "list.txt", folder / "r", annotate=False
    )
    wait_until(lambda: worker_process(daemon, task) is not None, "it runs", within=LONG)
    client.post(f"/api/v2/tasks/{task}/cancel", {})
    assert client.wait_end(task, within=LONG)["status"] == "cancelled"
    assert worker_process(daemon, task) is None
    assert not (folder / "r/result.json").exists()


def test_names_are_whole_and_predictions_can_be_read_by_programs(client: Client, folder: Path) -> None:
    data = DataSet(folder / "data", classes=2, train=8, val=4, side=32)
    client.wait_end(train(client, data, folder / "out", **SMALL), within=LONG)
    source = folder / "pictures"
    source.mkdir()
    shutil.copy(next(data.val.glob("*/*.png")), source / "a.b.jpeg")  # what it is, its content says
    task = infer(
        client,
        folder / "out/best_model.safetensors",
        source,
        folder / "r",
        cfg_path=str(folder / "out/config.yaml"),
    )
    ended = client.wait_end(task, within=LONG)
    assert ended["status"] == "completed", ended["message"]
    result = json.loads((folder / "r/result.json").read_text())
    assert [entry["path"] for entry in result["predictions"]] == ["a.b.jpeg"]
    assert abs(sum(result["predictions"][0]["probabilities"]) - 1) < 1e-5
    assert ended["result"]["predictions"][0]["class"] in data.names
    assert (folder / "r/a.b.jpeg.jpg").read_bytes().startswith(b"\xff\xd8")
    assert result["images_per_second"] == pytest.approx(1 / result["seconds"])
