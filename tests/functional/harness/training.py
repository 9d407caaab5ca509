# SPDX-License-Identifier: Apache-2.0
"""Submitting trainings and inferences, and reading what they left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from . import programs
from .client import Client, Json
from .daemon import Daemon
from .pictures import DataSet
from .processes import Process

METRICS = (
    "epoch", "total_epochs", "train_loss", "train_acc", "val_loss", "val_acc", "macro_f1", "micro_f1", "mAP",
    "top1_acc", "top3_acc", "top5_acc", "macro_precision", "macro_recall", "micro_precision", "micro_recall",
    "precision", "recall", "learning_rate", "best_acc",
)  # fmt: skip


def training_request(data: DataSet, save: Path, **fields: Any) -> Json:
    return {
        "model": "resnet18",
        "num_classes": len(data.names),
        "train_path": str(data.train),
        "val_path": str(data.val),
        "save_path": str(save),
        "batch_size": 16,
        "num_epochs": 2,
        "learning_rate": 0.001,
        "image_size": 48,
        "pretrained": False,
        **fields,
    }


def train(client: Client, data: DataSet, save: Path, **fields: Any) -> str:
    return client.post("/api/v2/training/start", training_request(data, save, **fields))["task_id"]


def infer(client: Client, weights: Path | str, source: Path, save: Path, **fields: Any) -> str:
    body = {
        "cfg_path": "",
        "weight_path": str(weights),
        "source_path": str(source),
        "save_path": str(save),
        **fields,
    }
    return client.post("/api/v2/inference/start", body)["task_id"]


def accuracy(result_file: Path) -> float:
    """Percent of the pictures whose class is the name of their folder."""
    predictions = json.loads(result_file.read_text())["predictions"]
    right = sum(entry["class"] == entry["path"].split("/")[0] for entry in predictions)
    return 100 * right / len(predictions)


def epochs_of(records: list[Json]) -> dict[int, Json]:
    """The metrics that validation reported in a log, by epoch; each epoch once."""
    found: dict[int, Json] = {}
    for record in records:
        metrics = record.get("metrics") or {}
        if record.get("stage") == "validation" and "val_acc" in metrics and "macro_f1" in metrics:
            found.setdefault(metrics["epoch"], metrics)
    return found


def worker_process(daemon: Daemon, task_id: str) -> Process | None:
    for process in daemon.task_processes(task_id):
        if Path(process.command.split(" ")[0]).name == "berth-worker-vision":
            return process
    return None


# A worker for GPUs that are simulated: it says where it was put and in how many processes it was to train, and ends well.
STAND_IN = """#!/usr/bin/python3
import json, os, sys, time
spec = json.load(open(sys.argv[3]))
data = {"task": sys.argv[1], "device": os.environ["BERTH_DEVICE"], "processes": spec.get("processes", 1),
        "seen": os.environ["CUDA_VISIBLE_DEVICES"].split(",")}
with open(os.environ["BERTH_EVENTS"], "a") as events:
    time.sleep(0.3)
    print(json.dumps({"event": "result", "data": data}), file=events)
"""


def stand_in_daemon(folder: Path) -> Path:
    """A berthd of its own in `folder`, beside which STAND_IN takes the worker's place, for CUDA GPUs."""
    place = folder / "bin"
    place.mkdir()
    for name in ("berthd", "berth-shim"):
        shutil.copy2(programs.BIN_DIR / name, place / name)
    worker = place / "berth-worker-vision"
    worker.write_text(STAND_IN)
    worker.chmod(0o755)
    facts = json.loads((programs.BIN_DIR / "berth-worker-vision.json").read_text())
    worker.with_suffix(".json").write_text(json.dumps(facts | {"cuda_built": True, "cuda_version": "12.4"}))
    return place / "berthd"
