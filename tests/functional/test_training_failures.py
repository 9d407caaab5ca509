# SPDX-License-Identifier: Apache-2.0
"""Trainings and inferences that cannot work end `failed` with cause and file; nothing hangs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import programs
from harness.client import Client, Json
from harness.daemon import Daemon, MakeDaemon
from harness.pictures import COLOURS, DataSet, noise, write_png
from harness.sse import read_log
from harness.training import infer, train, worker_process
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("worker")

LONG = 300.0
SMALL = {"image_size": 32, "num_epochs": 1}


@pytest.fixture
def data(folder: Path) -> DataSet:
    return DataSet(folder / "data", train=8, val=4, side=32)


@pytest.fixture(scope="module")
def checkpoint() -> Iterator[Path]:
    """The folder of a trained resnet18."""
    if not programs.worker_installed() or not programs.BERTHD.exists():
        pytest.skip(f"no berth-worker-vision in {programs.BIN_DIR}")
    folder = Path(tempfile.mkdtemp(prefix="berth-test-"))
    daemon = Daemon(folder / "d").start()
    try:
        made = DataSet(folder / "data", train=8, val=4, side=32)
        task = daemon.client.wait_end(train(daemon.client, made, folder / "out", **SMALL), within=LONG)
        assert task["status"] == "completed", task["message"]
        yield folder / "out"
    finally:
        daemon.close()
        shutil.rmtree(folder, ignore_errors=True)


def failed(client: Client, task_id: str, file: Path | str | None = None) -> Json:
    """The task's error, which names the file; the log ends and says it, too."""
    task = client.wait_end(task_id, within=LONG)
    assert task["status"] == "failed", task
    error = task["error"]
    assert error["code"]
    assert error["message"]
    assert error["message"] in task["message"]
    if file is not None:
        assert str(file) in error["message"]
        assert error["file"] == str(file)
    records = [event.data for event in read_log(client, task_id)]
    assert records[-1]["status"] == "failed"
    assert any(
        record.get("level") == "ERROR" and error["message"] in record["message"] for record in records[:-1]
    )
    resources = client.get("/api/v2/resources")
    assert resources["active_tasks"] == {}, "the slot is free"
    return task


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"I am no picture", "train"),
        (b"", "val"),
        (b"\x89PNG\r\n\x1a\n cut", "train"),
        (b"\xff\xd8\xff\xe0 cut", "val"),
        (b"BM cut", "train"),
    ],
    ids=["text", "empty", "png", "jpeg", "bmp"],
)
def test_a_file_that_is_no_image_is_named_and_left_out(
    client: Client, folder: Path, data: DataSet, content: bytes, part: str
) -> None:
    bad = data.root / part / "blue" / "000bad.png"
    bad.write_bytes(content)
    task = train(client, data, folder / "out", **SMALL)
    ended = client.wait_end(task, within=LONG)
    assert ended["status"] == "completed", ended
    assert ended["result"]["unreadable"] == 1
    records = [event.data for event in read_log(client, task)]
    warnings = [record for record in records if record.get("level") == "WARNING"]
    assert any(str(bad) in record["message"] for record in warnings)


def test_pictures_that_are_all_no_images(client: Client, folder: Path, data: DataSet) -> None:
    for picture in data.train.glob("*/*.*"):
        picture.write_bytes(b"I am no picture")
    failed(client, train(client, data, folder / "out", **SMALL))


def test_an_empty_class_folder(client: Client, folder: Path, data: DataSet) -> None:
    empty = data.train / "crimson"
    for file in empty.iterdir():
        file.unlink()
    failed(client, train(client, data, folder / "out", **SMALL), empty)


def test_classes_that_differ_between_training_and_validation(
    client: Client, folder: Path, data: DataSet
) -> None:
    (data.val / "blue").rename(data.val / "green")
    task = failed(client, train(client, data, folder / "out", **SMALL))
    assert "green" in task["error"]["message"] or "blue" in task["error"]["message"]


def test_another_number_of_classes_than_asked_for(client: Client, folder: Path, data: DataSet) -> None:
    task = failed(client, train(client, data, folder / "out", **SMALL, num_classes=7))
    assert "7" in task["error"]["message"]
    assert "3" in task["error"]["message"]


def test_weights_of_another_model(client: Client, folder: Path, data: DataSet, checkpoint: Path) -> None:
    weights = checkpoint / "best_model.safetensors"
    fields = SMALL | {"model": "resnet50", "weight_path": str(weights)}
    failed(client, train(client, data, folder / "out", **fields), weights)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x02}q\x00.", b"x" * 1000, (2**62).to_bytes(8, "little") + b"{}"],
    ids=["empty", "pickle", "text", "huge header"],
)
def test_weights_that_are_no_weights(client: Client, folder: Path, data: DataSet, content: bytes) -> None:
    weights = folder / "weights.safetensors"
    weights.write_bytes(content)
    failed(client, train(client, data, folder / "out", **SMALL, weight_path=str(weights)), weights)
    failed(client, infer(client, weights, data.val, folder / "r"), weights)


def test_a_checkpoint_that_is_not_what_it_says(
    client: Client, folder: Path, data: DataSet, checkpoint: Path
) -> None:
    weights = shutil.copy(checkpoint / "best_model.safetensors", folder / "best_model.safetensors")
    for sidecar in checkpoint.glob("best_model*.json"):
        (folder / sidecar.name).write_text(sidecar.read_text().replace("resnet18", "resnet50"))
    failed(client, infer(client, weights, data.val, folder / "r"), weights)
    assert not (folder / "r/result.json").exists()


def test_inference_with_a_configuration_of_another_model(
    client: Client, folder: Path, data: DataSet, checkpoint: Path
) -> None:
    weights = shutil.copy(checkpoint / "best_model.safetensors", folder / "best_model.safetensors")
    for sidecar in checkpoint.glob("best_model*.json"):
        shutil.copy(sidecar, folder / sidecar.name)
    config = folder / "config.yaml"
    config.write_text((checkpoint / "config.yaml").read_text().replace("resnet18", "resnet50"))
    task = failed(client, infer(client, weights, data.val, folder / "r", cfg_path=str(config)))
    assert str(weights) in task["error"]["message"] or str(config) in task["error"]["message"]
    assert not (folder / "r/result.json").exists()


def test_inference_without_any_readable_picture(client: Client, folder: Path, checkpoint: Path) -> None:
    source = folder / "source"
    source.mkdir()
    weights = checkpoint / "best_model.safetensors"
    failed(client, infer(client, weights, source, folder / "r"), source)
    bad = source / "x.png"
    bad.write_bytes(b"no picture")
    failed(client, infer(client, weights, source, folder / "r"), bad)
    failed(client, infer(client, weights, bad, folder / "r"), bad)


def test_inference_passes_over_a_bad_file_and_lists_it(
    client: Client, folder: Path, checkpoint: Path
) -> None:
    import random

    source = folder / "source"
    source.mkdir()
    write_png(source / "good.png", noise(random.Random(1), COLOURS["blue"], 32))
    (source / "bad.png").write_bytes(b"no picture")
    weights = checkpoint / "best_model.safetensors"
    task = client.wait_end(infer(client, weights, source, folder / "r"), within=LONG)
    assert task["status"] == "completed", task["message"]
    result = json.loads((folder / "r/result.json").read_text())
    assert [entry["path"] for entry in result["predictions"]] == ["good.png"]
    assert [entry["path"] for entry in result["failed"]] == ["bad.png"]
    assert result["failed"][0]["reason"]
    assert [e["path"] for e in client.get(f"/api/v2/inference/{task['task_id']}")["result"]["failed"]] == [
        "bad.png"
    ]


def test_a_place_that_cannot_be_written(client: Client, folder: Path, data: DataSet) -> None:
    occupied = folder / "file"
    occupied.write_text("not a folder")
    task = failed(client, train(client, data, occupied / "out", **SMALL))
    assert str(occupied) in task["error"]["message"]


@pytest.mark.parametrize("room", ["20m", "60m"])
def test_a_full_disk(client: Client, folder: Path, data: DataSet, room: str) -> None:
    """20 MB: no checkpoint of 45 MB fits. 60 MB: the first does, the second does not."""
    place = folder / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        task = failed(client, train(client, data, place / "out", **SMALL))
        assert str(place) in task["error"]["message"]
        assert task["error"]["code"] == "no_space", task["error"]
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_worker_that_crashes(
    daemon: Daemon, client: Client, folder: Path, data: DataSet, number: int
) -> None:
    task_id = train(client, data, folder / "out", image_size=32, num_epochs=10_000)
    wait_until(lambda: client.task(task_id)["latest_metrics"], "it trains", within=LONG)
    process = worker_process(daemon, task_id)
    assert process is not None
    os.kill(process.pid, number)
    task = failed(client, task_id)
    assert (task["signal"], task["exit_code"]) == (number, None)
    assert signal.Signals(number).name in task["error"]["message"]
    assert task["progress"] < 100
    assert task["latest_metrics"]["epoch"] >= 1, "what was reported stays"


def test_a_worker_that_is_not_there_is_503(make_daemon: MakeDaemon, folder: Path, data: DataSet) -> None:
    empty = folder / "empty"
    empty.mkdir()
    daemon: Daemon = make_daemon(config={"worker_dir": str(empty)})
    from harness.training import training_request

    body = training_request(data, folder / "out")
    assert daemon.client.request("POST", "/api/v2/training/start", body).status == 503
    assert daemon.client.run("true")["status"] == "completed"
    # Installed later, it is there without a restart; taken away, it is gone.
    assert daemon.client.get("/api/v1/info")["supported_models"] == []
    for name in (programs.WORKER.name, programs.WORKER.name + ".json"):
        (empty / name).symlink_to(programs.WORKER.with_name(name))
    wait_until(lambda: daemon.client.get("/api/v1/info")["supported_models"], "the worker is seen")
    assert daemon.client.request("POST", "/api/v2/training/start", {**body, "model": "x"}).status == 400
    (empty / programs.WORKER.name).unlink()
    wait_until(lambda: not daemon.client.get("/api/v1/info")["supported_models"], "it is gone again")


@pytest.mark.parametrize("route", ["/api/v2/training/{}/stop", "/api/v2/tasks/{}/cancel"])
def test_cancelling_a_running_training(
    daemon: Daemon, client: Client, folder: Path, data: DataSet, route: str
) -> None:
    task_id = train(client, data, folder / "out", image_size=32, num_epochs=10_000)
    wait_until(lambda: client.task(task_id)["latest_metrics"], "it trains", within=LONG)
    begin = time.monotonic()
    answer = client.post(route.format(task_id))
    assert (answer["status"], answer["task_id"]) == ("success", task_id)
    task = client.wait_end(task_id)
    assert time.monotonic() - begin < 20
    assert task["status"] == "cancelled"
    assert daemon.task_processes(task_id) == []
    assert client.get("/api/v2/resources")["device_usage"]["cpu"]["training"] == 0
    assert client.request("POST", route.format(task_id)).status == 409
    assert read_log(client, task_id)[-1].data["status"] == "cancelled"


def test_cancelling_a_queued_training_means_it_never_starts(
    client: Client, folder: Path, data: DataSet
) -> None:
    client.limits({"cpu": {"training": 0}})
    task_id = train(client, data, folder / "out", **SMALL)
    client.wait_state(task_id, "queued")
    client.post(f"/api/v2/training/{task_id}/stop")
    client.limits({"cpu": {"training": 1}})
    after = train(client, data, folder / "after", **SMALL)
    assert client.wait_end(after, within=LONG)["status"] == "completed"
    task = client.task(task_id)
    assert (task["status"], task["attempt"]) == ("cancelled", 0)
    assert not (folder / "out").exists()


def test_a_learning_rate_that_diverges_is_named(client: Client, folder: Path, data: DataSet) -> None:
    fields = SMALL | {"learning_rate": 1e30, "num_epochs": 3}
    task = client.wait_end(train(client, data, folder / "out", **fields), LONG)
    assert task["status"] == "failed"
    assert task["error"]["code"] == "diverged"


def test_two_trainings_in_one_folder_do_not_mix(client: Client, data: DataSet, folder: Path) -> None:
    first = train(client, data, folder / "out", image_size=32, num_epochs=200)
    wait_until(lambda: (folder / "out/history.json").exists(), "the first is at work", within=LONG)
    second = train(client, data, folder / "out", **SMALL)
    refused = client.wait_end(second, within=LONG)
    assert refused["status"] == "failed"
    assert f"another task is writing to save_path {folder / 'out'}" in refused["message"]
    client.cancel(first)
    assert client.wait_end(first, within=LONG)["status"] == "cancelled"


def test_what_resume_finds_is_told_as_it_is(daemon: Daemon, data: DataSet, folder: Path) -> None:
    client = daemon.client
    out = folder / "out"
    killed = train(client, data, out, image_size=32, num_epochs=200)
    wait_until(lambda: (out / "history.json").exists(), "an epoch has ended", within=LONG)
    worker = worker_process(daemon, killed)
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert client.wait_end(killed, within=LONG)["status"] == "failed"
    (out / "training_state.safetensors").unlink(missing_ok=True)  # as it is before the first one is saved
    again = client.wait_end(train(client, data, out, resume=True, **SMALL), within=LONG)
    assert "was stopped before its state was saved" in again["message"]
    done = client.wait_end(train(client, data, folder / "done", **SMALL), within=LONG)
    assert done["status"] == "completed", done["message"]
    history = client.get(f"/api/v2/training/{done['task_id']}/history")
    assert history["ended"] is True
    again = client.wait_end(train(client, data, folder / "done", resume=True, **SMALL), within=LONG)
    assert "has ended: choose another save_path" in again["message"]


def test_a_file_that_is_no_weights_is_not_quoted(client: Client, data: DataSet, folder: Path) -> None:
    secret = folder / "secret.txt"
    secret.write_text("c9521a5a0fb7 a secret of somebody else\n")
    ended = client.wait_end(infer(client, secret, folder / "data/val", folder / "out"), within=LONG)
    assert ended["status"] == "failed"
    assert "is a text, not weights" in ended["message"]
    assert "secret of" not in json.dumps(ended)
