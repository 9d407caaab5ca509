# SPDX-License-Identifier: Apache-2.0
"""Training and inference by the built-in worker, through REST."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import programs
from harness.client import Client, Json
from harness.daemon import Daemon
from harness.pictures import DataSet
from harness.sse import EventReader, read_log
from harness.training import METRICS, accuracy, epochs_of, infer, train, training_request
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("worker")

LONG = 300.0


@dataclass
class Trained:
    daemon: Daemon
    data: DataSet
    save: Path
    created: Json
    task: Json
    seen: list[Json]  # the task, as often as it could be asked for while it ran
    log: list[Json]

    @property
    def client(self) -> Client:
        return self.daemon.client


@pytest.fixture(scope="module")
def trained() -> Iterator[Trained]:
    """Three epochs that several tests look at."""
    if not programs.worker_installed() or not programs.BERTHD.exists():
        pytest.skip(f"no berth-worker-vision in {programs.BIN_DIR}")
    folder = Path(tempfile.mkdtemp(prefix="berth-test-"))
    daemon = Daemon(folder / "d").start()
    try:
        data = DataSet(folder / "data")
        body = training_request(data, folder / "out", num_epochs=3, task_id="training", device="cuda")
        created = daemon.client.post("/api/v2/training/start", body)
        reader = EventReader(daemon.client, "/api/v2/training/training/logs")
        seen: list[Json] = []

        def ended() -> bool:
            seen.append(daemon.client.get("/api/v2/training/training"))
            return seen[-1]["status"] in ("completed", "failed", "cancelled")

        wait_until(ended, "the training ends", within=LONG)
        log = [event.data for event in reader.join()]
        yield Trained(daemon, data, folder / "out", created, seen[-1], seen, log)
    finally:
        daemon.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_training_completes_with_all_fields(trained: Trained) -> None:
    created = trained.created
    assert (created["task_type"], created["status"], created["progress"]) == ("training", "pending", 0)
    assert (created["device"], created["total_epochs"], created["priority"]) == ("cuda", 3, 5)
    assert (created["current_epoch"], created["latest_metrics"]) == (None, None)
    task = trained.task
    assert task["status"] == "completed", task["message"]
    assert (task["progress"], task["current_epoch"], task["total_epochs"]) == (100, 3, 3)
    assert (task["device"], task["fallback"]) == ("cpu", "no_gpu")
    assert task["error"] is None


def test_metrics_are_complete_and_in_their_units(trained: Trained) -> None:
    metrics = trained.task["latest_metrics"]
    assert set(METRICS) <= metrics.keys()
    assert [name for name in METRICS if metrics[name] is None] == []
    assert (metrics["epoch"], metrics["total_epochs"], metrics["learning_rate"]) == (3, 3, 0.001)
    for percent in ("train_acc", "val_acc", "mAP", "best_acc"):
        assert 0 <= metrics[percent] <= 100
    for fraction in ("macro_f1", "micro_f1", "top1_acc", "top3_acc", "top5_acc", "precision", "recall"):
        assert 0 <= metrics[fraction] <= 1
    assert metrics["top1_acc"] * 100 == pytest.approx(metrics["val_acc"], abs=0.1)
    assert metrics["top3_acc"] == metrics["top5_acc"] == 1, "three classes"
    assert metrics["micro_f1"] * 100 == pytest.approx(metrics["val_acc"], abs=0.1)
    epochs = epochs_of(trained.log)
    assert list(epochs) == [1, 2, 3]
    assert metrics["best_acc"] == max(epoch["val_acc"] for epoch in epochs.values())


def test_progress_is_monotonic_and_never_ahead_of_finished_work(trained: Trained) -> None:
    values = [task["progress"] for task in trained.seen]
    assert values == sorted(values)
    assert len(set(values)) > 3, "it is told within epochs, too"
    for task in trained.seen[:-1]:
        finished = (task["latest_metrics"] or {}).get("epoch") or 0
        assert task["progress"] < 100 or finished == 3, "all is done only at the end"
        assert task["progress"] <= 100 * (finished + 1) / 3
        assert (task["current_epoch"] or 0) <= finished + 1


def test_the_log_has_the_documented_order(trained: Trained) -> None:
    records, last = trained.log[:-1], trained.log[-1]
    assert last.keys() == {"status", "message"}
    assert last["status"] == "completed"
    for record in records:
        assert record.keys() >= {"timestamp", "level", "message"}
    stages = [record["stage"] for record in records if record.get("stage")]
    order = [stage for i, stage in enumerate(stages) if i == 0 or stage != stages[i - 1]]
    assert order == ["epoch_start", "training", "validation", "epoch_end"] * 3 + ["completed"]
    for record in records:
        if record.get("stage") not in (None, "completed"):
            assert record["metrics"]["total_epochs"] == 3
    by_stage = {
        stage: [r.get("metrics") or {} for r in records if r.get("stage") == stage] for stage in set(stages)
    }
    assert [m["epoch"] for m in by_stage["epoch_start"]] == [1, 2, 3]
    assert all(m.keys() >= {"train_loss", "train_acc"} for m in by_stage["training"])
    assert sum("val_acc" in m and "val_loss" in m for m in by_stage["validation"]) >= 3


def test_a_late_reader_gets_the_same_log(trained: Trained) -> None:
    for path in (
        "/api/v2/training/training/logs",
        "/api/v2/tasks/training/logs",
        "/api/v2/train/training/logs",
    ):
        assert [e.data for e in EventReader(trained.client, path).join()] == trained.log


def test_without_a_language_the_originals_words_are_used(trained: Trained) -> None:
    client = Client(trained.daemon.address, None, language="")
    task = client.get("/api/v2/training/training")
    assert task["message"].startswith("训练完成")
    texts = [e.data["message"] for e in read_log(client, "training")]
    assert texts[0] == "等待CUDA资源..."
    assert texts[-2] == "训练完成！"
    assert texts[-1] == "任务结束"
    assert client.request("GET", "/api/v2/training/none").detail == "任务 none 不存在"


def test_lists_and_health_count_it(trained: Trained) -> None:
    listed = trained.client.get("/api/v2/tasks")
    assert "training" in [task["task_id"] for task in listed["training_tasks"]]
    assert listed["total_training"] == len(listed["training_tasks"])
    assert trained.client.get("/api/v1/health")["training_tasks"] >= 1
    assert "resnet18" in trained.client.get("/api/v1/info")["supported_models"]
    assert trained.client.request("GET", "/api/v2/inference/training").status == 404


def test_the_checkpoints_are_there(trained: Trained) -> None:
    for name in ("best_model.safetensors", "last_model.safetensors"):
        weights = trained.save / name
        size = int.from_bytes(weights.read_bytes()[:8], "little")
        header = json.loads(weights.read_bytes()[8 : 8 + size])
        assert sum("conv" in tensor for tensor in header) > 15
    assert (trained.save / "config.yaml").exists()
    assert trained.task["result"]["weights"] == str(trained.save / "best_model.safetensors")


def test_inference_reproduces_the_best_epoch(trained: Trained, folder: Path) -> None:
    client = trained.client
    task_id = infer(client, trained.save / "best_model.safetensors", trained.data.val, folder / "r")
    task = client.wait_end(task_id, within=LONG)
    assert (task["status"], task["task_type"], task["progress"]) == ("completed", "inference", 100), task[
        "message"
    ]
    content = json.loads((folder / "r/result.json").read_text())
    assert content.keys() >= {
        "model", "weights", "class_names", "predictions", "failed", "images", "seconds", "images_per_second",
    }  # fmt: skip
    assert (content["model"], content["class_names"], content["failed"]) == (
        "resnet18",
        trained.data.names,
        [],
    )
    files = sorted(str(p.relative_to(trained.data.val)) for p in trained.data.val.rglob("*.*"))
    assert sorted(entry["path"] for entry in content["predictions"]) == files
    assert content["images"] == len(files)
    for entry in content["predictions"]:
        assert sum(entry["probabilities"]) == pytest.approx(1, abs=1e-3)
        assert entry["probabilities"][entry["index"]] == max(entry["probabilities"]) == entry["confidence"]
        assert content["class_names"][entry["index"]] == entry["class"]
    best = max(epoch["val_acc"] for epoch in epochs_of(trained.log).values())
    assert accuracy(folder / "r/result.json") == pytest.approx(best, abs=0.1)
    with (folder / "r/result.csv").open(newline="") as text:
        assert len(list(csv.reader(text))) == len(files) + 1
    answer = client.get(f"/api/v2/inference/{task_id}")
    assert answer["result_path"] == str(folder / "r/result.json")
    assert len(answer["result"]["predictions"]) == len(files)
    assert client.request("GET", f"/api/v2/training/{task_id}").status == 404


def test_inference_of_one_file_and_with_the_configuration(trained: Trained, folder: Path) -> None:
    client = trained.client
    picture = next((trained.data.val / "blue").glob("*.png"))
    config = str(trained.save / "config.yaml")
    weights = trained.save / "last_model.safetensors"
    task = client.wait_end(infer(client, weights, picture, folder / "r", cfg_path=config), within=LONG)
    assert task["status"] == "completed", task["message"]
    (entry,) = json.loads((folder / "r/result.json").read_text())["predictions"]
    assert entry["class"] in trained.data.names
    assert Path(entry["path"]).name == picture.name


def test_a_training_can_begin_with_weights(trained: Trained, folder: Path) -> None:
    client = trained.client
    weights = str(trained.save / "best_model.safetensors")
    task_id = train(client, trained.data, folder / "out", num_epochs=1, weight_path=weights)
    task = client.wait_end(task_id, within=LONG)
    assert task["status"] == "completed", task["message"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"model": "resnet19"}, 400),
        ({"train_path": "/nonexistent/train"}, 400),
        ({"val_path": "/nonexistent/val"}, 400),
        ({"weight_path": "/nonexistent/weights"}, 400),
        ({"device": "banana"}, 422),
        ({"device": "GPU-01234567"}, 400),
        ({"num_classes": None}, 422),
        ({"batch_size": 0}, 422),
        ({"num_epochs": 0}, 422),
        ({"learning_rate": 0}, 422),
        ({"image_size": 31}, 422),
        ({"priority": 11}, 422),
        ({"model": 3}, 422),
    ],
)
def test_a_wrong_request_is_refused_at_once(
    trained: Trained, folder: Path, change: Json, status: int
) -> None:
    before = trained.client.get("/api/v2/tasks")["total"]
    body = training_request(trained.data, folder / "out", **change)
    answer = trained.client.request("POST", "/api/v2/training/start", body)
    assert answer.status == status
    ((name, value),) = change.items()
    if status == 422:
        assert answer.violations()[0][1] == ["body", name]
    elif name.endswith("path"):
        assert str(value) in answer.detail
    assert trained.client.get("/api/v2/tasks")["total"] == before


@pytest.mark.parametrize("missing", ["model", "num_classes", "train_path", "val_path", "save_path"])
def test_required_fields_of_a_training(trained: Trained, folder: Path, missing: str) -> None:
    body = training_request(trained.data, folder / "out")
    del body[missing]
    answer = trained.client.request("POST", "/api/v2/training/start", body)
    assert (answer.status, answer.violations()) == (422, [("missing", ["body", missing])])


@pytest.mark.parametrize("field", ["weight_path", "source_path", "cfg_path"])
def test_inference_with_a_path_that_is_not_there_is_refused(
    trained: Trained, folder: Path, field: str
) -> None:
    body = {
        "weight_path": str(trained.save / "best_model.safetensors"),
        "source_path": str(trained.data.val),
        "save_path": str(folder),
        field: "/nonexistent/x",
    }
    answer = trained.client.request("POST", "/api/v2/inference/start", body)
    assert answer.status == 400
    assert "/nonexistent/x" in answer.detail


def test_two_trainings_at_once_never_see_each_other(daemon: Daemon, folder: Path) -> None:
    client = daemon.client
    sets = {
        "one": DataSet(folder / "set-one", classes=3, seed=2),
        "two": DataSet(folder / "set-two", 2, seed=3),
    }
    epochs = {"one": 2, "two": 3}
    for name, data in sets.items():
        train(client, data, folder / f"out-{name}", task_id=name, num_epochs=epochs[name])
    readers = {name: EventReader(client, f"/api/v2/training/{name}/logs") for name in sets}
    wait_until(
        lambda: client.get("/api/v2/resources")["device_usage"]["cpu"]["training"] == 2, "both run at once"
    )
    for name, other in (("one", "two"), ("two", "one")):
        task = client.wait_end(name, within=LONG)
        assert task["status"] == "completed", task["message"]
        assert task["latest_metrics"]["total_epochs"] == epochs[name]
        records = [event.data for event in readers[name].join()]
        text = json.dumps(records)
        assert f"set-{name}" in text
        assert f"out-{name}" in text
        assert f"set-{other}" not in text
        assert f"out-{other}" not in text
        assert {
            r["metrics"]["total_epochs"] for r in records if "total_epochs" in (r.get("metrics") or {})
        } == {epochs[name]}
        assert list(epochs_of(records)) == list(range(1, epochs[name] + 1))
        assert sum(r.get("stage") == "epoch_start" for r in records) == epochs[name]


def test_kill_9_of_the_daemon_during_a_training(daemon: Daemon, folder: Path) -> None:
    data = DataSet(folder / "data", train=16, val=6, side=32)
    train(daemon.client, data, folder / "out", task_id="t", num_epochs=12, image_size=32)
    wait_until(lambda: daemon.client.task("t")["latest_metrics"], "the first epoch is over", within=LONG)
    reader = EventReader(daemon.client, "/api/v2/training/t/logs")
    reader.wait_events(8)
    before = reader.break_off()
    processes = [p.pid for p in daemon.task_processes("t")]
    daemon.kill9()
    daemon.start()
    task = daemon.client.get("/api/v2/training/t")
    assert (task["status"], task["attempt"]) == ("running", 1)
    assert [p.pid for p in daemon.task_processes("t")] == processes
    task = daemon.client.wait_end("t", within=LONG)
    assert (task["status"], task["progress"], task["attempt"]) == ("completed", 100, 1), task["message"]
    assert task["latest_metrics"]["epoch"] == task["current_epoch"] == 12
    assert [name for name in METRICS if task["latest_metrics"][name] is None] == []
    whole = read_log(daemon.client, "t")
    assert before + read_log(daemon.client, "t", last_id=before[-1].id) == whole
    records = [event.data for event in whole]
    assert list(epochs_of(records)) == list(range(1, 13))
    assert sum(r.get("stage") == "epoch_start" for r in records) == 12
