# SPDX-License-Identifier: Apache-2.0
"""One training in several processes: a task like any other."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.client import Client
from harness.daemon import Daemon
from harness.pictures import DataSet
from harness.training import train, training_request, worker_process
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("worker")

LONG = 300.0
TWO = {"device": "cpu", "processes": 2, "image_size": 32, "batch_size": 8}


def ranks_of(daemon: Daemon, task: str) -> list[int]:
    """The processes that train, below the one that the daemon has started."""
    first = worker_process(daemon, task).pid
    return [int(word) for word in Path(f"/proc/{first}/task/{first}/children").read_text().split()]


def test_a_process_on_each_gpu(two_gpus: Daemon, folder: Path) -> None:
    client = two_gpus.client
    made = DataSet(folder / "data", train=2, val=1, side=32)
    for device, wish, processes in (("cuda", {"gpus": 2}, 2), ("cuda:1,cuda:0", {}, 2), ("cuda", {}, 1)):
        ended = client.wait_end(train(client, made, folder / "out", device=device, **wish), within=LONG)
        assert ended["status"] == "completed", ended["message"]
        result = ended["result"]
        assert (result["processes"], len(result["seen"]), result["device"]) == (processes, processes, "cuda:0")
        assert len(set(result["seen"])) == processes


def test_two_processes_train_one_model(client: Client, folder: Path) -> None:
    made = DataSet(folder / "data", train=12, val=4, side=32)
    ended = client.wait_end(train(client, made, folder / "out", num_epochs=2, **TWO), within=LONG)
    assert ended["status"] == "completed", ended["message"]
    assert (ended["result"]["processes"], ended["result"]["epochs"], ended["progress"]) == (2, 2, 100)
    assert (folder / "out/best_model.safetensors").exists()


def test_a_rank_that_dies_ends_the_task_and_cancel_ends_all_ranks(daemon: Daemon, folder: Path) -> None:
    client = daemon.client
    made = DataSet(folder / "data", train=12, val=4, side=32)

    def started(out: Path) -> tuple[str, list[int]]:
        task = train(client, made, out, num_epochs=1000, **TWO)
        wait_until(lambda: (out / "history.json").exists(), "an epoch", within=LONG)
        ranks = ranks_of(daemon, task)
        assert len(ranks) == 2
        return task, ranks

    task, ranks = started(folder / "one")
    os.kill(ranks[1], signal.SIGKILL)
    ended = client.wait_end(task, within=LONG)
    assert ended["status"] == "failed"
    assert "rank 1 of 2 was killed" in ended["message"]
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)

    task, ranks = started(folder / "two")
    client.post(f"/api/v2/training/{task}/stop", {})
    assert client.wait_end(task, within=LONG)["status"] == "cancelled"
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)


def test_what_does_not_go_together_is_refused_with_words(client: Client, folder: Path) -> None:
    made = DataSet(folder / "data", train=2, val=1, side=32)
    for fields, field, words in (
        ({"device": "cpu", "gpus": 2}, "gpus", "give processes"),
        ({"device": "cuda", "processes": 2}, "processes", "give gpus"),
        ({"device": "cpu", "processes": 8, "batch_size": 15}, "batch_size", "16 at least"),
        ({"gpus": 4, "batch_size": 6}, "batch_size", "8 at least"),
        ({"gpus": 0}, "gpus", "greater than or equal to 1"),
    ):
        answer = client.request(
            "POST", "/api/v2/training/start", training_request(made, folder / "out", **fields)
        )
        assert answer.status == 422
        errors = {error["loc"][-1]: error["msg"] for error in answer.detail}
        assert words in errors[field], errors
