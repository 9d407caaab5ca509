# SPDX-License-Identifier: Apache-2.0
"""What a training and an inference can be asked for beyond the originals' requests."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import signal
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import programs
from harness.client import Client
from harness.command_line import CommandLine
from harness.daemon import Daemon
from harness.pictures import DataSet
from harness.sse import read_log
from harness.training import METRICS, infer, train, training_request, worker_process
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("worker")

LONG = 300.0
SMALL = {"image_size": 32, "batch_size": 8, "num_epochs": 2}


@pytest.fixture(scope="module")
def folder_of_model() -> Iterator[Path]:
    """The data set and, below `out`, what a training with many wishes left."""
    if not programs.worker_installed() or not programs.BERTHD.exists():
        pytest.skip(f"no berth-worker-vision in {programs.BIN_DIR}")
    folder = Path(tempfile.mkdtemp(prefix="berth-test-"))
    daemon = Daemon(folder / "d").start()
    try:
        made = DataSet(folder / "data", train=8, val=4, side=32)
        wishes = {
            "optimizer": "adamw",
            "weight_decay": 0.05,
            "schedule": "cosine",
            "warmup_epochs": 0.5,
            "label_smoothing": 0.1,
            "class_weights": "balanced",
            "mixed_precision": True,
            "accumulate_steps": 2,
            "clip_norm": 1.0,
            "augment": {"horizontal_flip": 0.5, "brightness": 0.1},
            "seed": 7,
            "save_every": 1,
            "keep_checkpoints": 1,
            "checkpoint_format": "both",
        }
        task = train(daemon.client, made, folder / "out", task_id="t", **SMALL, **wishes)
        ended = daemon.client.wait_end(task, within=LONG)
        assert ended["status"] == "completed", ended["message"]
        assert {key: ended["parameters"][key] for key in wishes} == wishes
        (folder / "history.json").write_text(json.dumps(daemon.client.get("/api/v2/training/t/history")))
        (folder / "report.json").write_text(json.dumps(daemon.client.get("/api/v2/training/t/report")))
        yield folder
    finally:
        daemon.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_history_and_report_are_served_and_drawn(folder_of_model: Path) -> None:
    history = json.loads((folder_of_model / "history.json").read_text())
    assert [epoch["epoch"] for epoch in history["epochs"]] == [1, 2]
    assert all(set(epoch) == set(METRICS) for epoch in history["epochs"])
    assert history["epochs"][1]["learning_rate"] < history["epochs"][0]["learning_rate"]
    report = json.loads((folder_of_model / "report.json").read_text())
    matrix = report["confusion_matrix"]
    for row, per_class in zip(matrix, report["classes"], strict=True):
        assert sum(row) == per_class["support"] == 4
        assert math.isclose(per_class["recall"], row[report["classes"].index(per_class)] / 4)
    right = sum(row[i] for i, row in enumerate(matrix))
    assert math.isclose(100 * right / sum(map(sum, matrix)), report["metrics"]["val_acc"])
    for name in ("learning_curves.png", "confusion_matrix.png"):
        assert (folder_of_model / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_checkpoints_have_the_names_and_forms_asked_for(folder_of_model: Path) -> None:
    names = {path.name for path in (folder_of_model / "out").iterdir()}
    for stem in ("best_model", "last_model", "ResNet_epoch_2"):
        assert {f"{stem}.pth", f"{stem}.safetensors", f"{stem}.json"} <= names
    assert not any(name.startswith("ResNet_epoch_1") for name in names)
    assert "training_state.safetensors" not in names


def test_both_forms_and_the_originals_yaml_give_the_same_predictions(
    client: Client, folder: Path, folder_of_model: Path
) -> None:
    out = folder_of_model / "out"
    bare = folder / "bare"
    bare.mkdir()
    shutil.copy(out / "best_model.pth", bare / "w.pth")
    results = []
    for name, weights, fields in (
        ("s", out / "best_model.safetensors", {}),
        ("p", bare / "w.pth", {"cfg_path": str(out / "config.yaml")}),
    ):
        ended = client.wait_end(
            infer(client, weights, folder_of_model / "data" / "val", folder / name, **fields), within=LONG
        )
        assert ended["status"] == "completed", ended["message"]
        results.append(json.loads((folder / name / "result.json").read_text())["predictions"])
    assert results[0] == results[1]


def test_top_classes_and_annotated_pictures_as_asked_for(
    client: Client, folder: Path, folder_of_model: Path
) -> None:
    weights, source = folder_of_model / "out/best_model.safetensors", folder_of_model / "data/val"
    ended = client.wait_end(infer(client, weights, source, folder / "a", top_k=2), within=LONG)
    assert {len(entry["top"]) for entry in ended["result"]["predictions"]} == {2}
    pictures = {str(path.relative_to(source)) for path in source.glob("*/*")}
    annotated = {str(path.relative_to(folder / "a")) for path in (folder / "a").glob("*/*")}
    assert annotated == {name + ".jpg" for name in pictures}
    client.wait_end(infer(client, weights, source, folder / "b", annotate=False), within=LONG)
    assert {path.name for path in (folder / "b").iterdir()} == {"result.json", "result.csv"}


def test_pictures_of_a_user_are_never_written_over(
    client: Client, folder: Path, folder_of_model: Path
) -> None:
    weights = folder_of_model / "out/best_model.safetensors"
    source = folder / "source"
    shutil.copytree(folder_of_model / "data/val", source)
    picture = next(source.glob("*/*"))
    name = picture.relative_to(source)
    mine = folder / "mine" / name.with_name(name.name + ("" if name.suffix == ".jpg" else ".jpg"))
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    refused = client.wait_end(infer(client, weights, source, folder / "mine"), within=LONG)
    assert refused["status"] == "failed"
    assert "which would be replaced: choose another folder" in refused["message"]
    assert mine.read_bytes() == b"mine"
    counts = []
    for _ in range(2):  # the second time the first one's pictures lie below the source
        ended = client.wait_end(infer(client, weights, source, source), within=LONG)
        assert ended["status"] == "completed", ended["message"]
        counts.append(len(ended["result"]["predictions"]))
    assert counts[0] == counts[1] == len(list((folder_of_model / "data/val").glob("*/*")))


def test_a_list_and_a_recording(client: Client, folder: Path, folder_of_model: Path) -> None:
    weights = folder_of_model / "out/best_model.safetensors"
    picture = next((folder_of_model / "data/val").glob("*/*"))
    recording = folder / "drone.iq"
    samples = struct.pack("<2000f", *(math.sin(i / 5) for i in range(2000)))
    recording.write_bytes(samples * 20_000)  # 0.2 s at 100 MS/s: two slices
    (folder / "list.txt").write_text(
        f"# two sources\n{os.path.relpath(picture, folder)}\n\ndrone.iq\nnone.png\n"
    )
    ended = client.wait_end(infer(client, weights, folder / "list.txt", folder / "out"), within=LONG)
    assert ended["status"] == "completed", ended["message"]
    with (folder / "out/result.csv").open() as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    assert paths == [os.path.relpath(picture, folder), "drone.iq (1)", "drone.iq (2)"]
    assert [entry["path"] for entry in ended["result"]["failed"]] == ["none.png"]


def test_a_batch_is_a_task_for_each_source(client: Client, folder: Path, folder_of_model: Path) -> None:
    sources = [str(path) for path in sorted((folder_of_model / "data/val").iterdir())]
    body = {
        "weight_path": str(folder_of_model / "out/best_model.safetensors"),
        "source_paths": sources,
        "save_base_path": str(folder / "batch"),
        "device": "cpu",
    }
    answer = client.post("/api/v2/inference/batch", body)
    assert (answer["status"], answer["total"]) == ("success", len(sources))
    assert answer["message"] == f"{len(sources)} inference tasks started"
    for i, task in enumerate(answer["task_ids"]):
        assert client.wait_end(task, within=LONG)["status"] == "completed"
        assert client.get(f"/api/v2/inference/{task}")["parameters"]["source_path"] == sources[i]
        assert (folder / "batch" / str(i) / "result.json").exists()
    empty = client.post("/api/v2/inference/batch", body | {"source_paths": []})
    assert (empty["task_ids"], empty["total"]) == ([], 0)


def test_a_batch_with_a_missing_source_starts_nothing(
    client: Client, folder: Path, folder_of_model: Path
) -> None:
    body = {
        "cfg_path": "",
        "weight_path": str(folder_of_model / "out/best_model.safetensors"),
        "source_paths": [str(folder_of_model / "data/val"), str(folder / "missing")],
    }
    answer = client.request("POST", "/api/v2/inference/batch", body)
    assert answer.status == 400
    assert str(folder / "missing") in answer.detail
    assert client.get("/api/v2/tasks")["total_inference"] == 0
    assert client.request("POST", "/api/v2/inference/batch", body | {"priority": 99}).status == 422
    assert client.request("POST", "/api/v2/inference/batch", {"weight_path": "x"}).status == 422


def benchmark_set(root: Path, data: Path) -> Path:
    """Two groups that hold the validation set, and a folder of no class."""
    for group in ("10dB/jet", "-5dB/gray"):
        shutil.copytree(data / "val", root / group)
    (root / "10dB/jet/other").mkdir()
    return root


def test_a_benchmark_tells_the_metrics_of_each_group(
    client: Client, folder: Path, folder_of_model: Path
) -> None:
    best = json.loads((folder_of_model / "report.json").read_text())["metrics"]["val_acc"]
    body = {
        "weight_path": str(folder_of_model / "out/best_model.safetensors"),
        "data_path": str(benchmark_set(folder / "set", folder_of_model / "data")),
        "save_path": str(folder / "out"),
        "device": "cpu",
    }
    created = client.post("/api/v2/inference/benchmark", body | {"task_id": "b", "batch_size": 4})
    assert (created["task_type"], created["kind"], created["status"]) == ("benchmark", "inference", "pending")
    client.wait_end("b", within=LONG)
    ended = client.get("/api/v2/inference/b")
    assert ended["status"] == "completed", ended["message"]
    groups = ended["result"]["groups"]
    assert [(group["snr"], group["colormap"]) for group in groups] == [("-5dB", "gray"), ("10dB", "jet")]
    assert [(group["images"], group["accuracy"]) for group in groups] == [(12, pytest.approx(best))] * 2
    assert ended["result"]["passed_over"] == ["10dB/jet/other"]
    assert ended["result_path"] == str(folder / "out/benchmark.json")
    whole = json.loads((folder / "out/benchmark.json").read_text())
    assert sum(map(sum, whole["groups"][0]["confusion_matrix"])) == 12
    assert client.get("/api/v2/tasks?task_type=inference")["total_inference"] == 1
    older = client.post("/api/v1/benchmark", body | {"cfg_path": str(folder_of_model / "out/config.yaml")})
    assert (older["status"], older["data_path"]) == ("success", body["data_path"]), "it is answered when done"


def test_a_benchmark_is_refused_fails_and_is_cancelled_with_words(
    client: Client, folder: Path, folder_of_model: Path
) -> None:
    data = benchmark_set(folder / "set", folder_of_model / "data")
    body = {"weight_path": str(folder_of_model / "out/best_model.safetensors"), "data_path": str(data)}
    route = "/api/v2/inference/benchmark"
    answer = client.request("POST", route, body | {"data_path": "/nonexistent"})
    assert (answer.status, "/nonexistent" in answer.detail) == (400, True)
    assert client.request("POST", route, body | {"batch_size": 0}).violations() == [
        ("greater_than_equal", ["body", "batch_size"])
    ]
    flat = client.post(route, body | {"data_path": str(folder_of_model / "data/val")})
    failed = client.wait_end(flat["task_id"], within=LONG)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "bad_request")
    assert "<snr>/<colormap>/<class>" in failed["error"]["message"]
    place = data / "10dB/jet/amber"
    picture = next(place.iterdir())
    for number in range(20_000):
        os.link(picture, place / f"more{number}{picture.suffix}")
    task = client.post(route, body | {"save_path": str(folder / "out"), "device": "cpu"})["task_id"]
    client.wait_state(task, "running")
    client.cancel(task)
    assert client.wait_end(task)["status"] == "cancelled"
    assert not (folder / "out/benchmark.json").exists()


@pytest.mark.usefixtures("berth")
def test_the_command_line_shows_a_benchmark_as_a_table(
    daemon: Daemon, folder: Path, folder_of_model: Path
) -> None:
    cli = CommandLine(daemon, folder)
    words = ["--weights", str(folder_of_model / "out/best_model.safetensors")]
    words += ["--data", str(benchmark_set(folder / "set", folder_of_model / "data"))]
    head, low, high, *rest = cli.ok("benchmark", *words, "--save", str(folder / "out")).splitlines()
    assert head.split()[:4] == ["SNR", "COLORMAP", "IMAGES", "ACCURACY"]
    assert (low.split()[:3], high.split()[:3]) == (["-5dB", "gray", "12"], ["10dB", "jet", "12"])
    assert str(folder / "out/benchmark.json") in "\n".join(rest)
    assert "benchmark" in cli.ok("ps", "--all")


def test_a_crashed_training_goes_on_where_it_was(daemon: Daemon, folder: Path) -> None:
    client = daemon.client
    data = DataSet(folder / "data", train=8, val=4, side=32)
    body = training_request(data, folder / "out", task_id="t", **SMALL | {"num_epochs": 40})
    client.post("/api/v2/training/start", body | {"retry": {"max": 1, "backoff_s": 0}})
    wait_until(lambda: (folder / "out/training_state.safetensors").exists(), "an epoch is over", within=LONG)
    worker = worker_process(daemon, "t")
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    ended = client.wait_end("t", within=LONG)
    assert (ended["status"], ended["attempt"]) == ("completed", 2), ended["message"]
    epochs = client.get("/api/v2/training/t/history")["epochs"]
    assert [epoch["epoch"] for epoch in epochs] == list(range(1, 41))
    records = [event.data["message"] for event in read_log(client, "t")]
    assert any(message.startswith("Going on after epoch") for message in records)


def test_wishes_out_of_range_are_refused_by_name(client: Client, folder: Path) -> None:
    data = DataSet(folder / "data", train=1, val=1, side=32)
    for name, wrong in {
        "optimizer": "lion",
        "momentum": 1,
        "label_smoothing": 1,
        "class_weights": [1],
        "augment": {"sepia": 1},
        "early_stop": -1,
        "batch_size": "all",
        "amp_level": "O3",
        "checkpoint_format": "h5",
    }.items():
        body = training_request(data, folder / "out") | {name: wrong}
        answer = client.request("POST", "/api/v2/training/start", body)
        assert answer.status == 422, (name, answer.body)
        assert answer.violations()[0][1][:2] == ["body", name]
    both = training_request(data, folder / "out", precision="bf16", mixed_precision=True)
    assert client.request("POST", "/api/v2/training/start", both).status == 422


def test_metrics_before_the_first_epoch_are_not_there_yet(client: Client, folder: Path) -> None:
    data = DataSet(folder / "data", train=1, val=1, side=32)
    task = train(client, data, folder / "out", **SMALL)
    for name in ("history", "report"):
        assert client.request("GET", f"/api/v2/training/{task}/{name}").status == 404
    client.post(f"/api/v2/tasks/{task}/cancel", {})
