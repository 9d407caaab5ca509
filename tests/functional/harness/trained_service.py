# SPDX-License-Identifier: Apache-2.0
"""A daemon that has trained once, and whole requests to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .client import Client, Json
from .daemon import Daemon
from .pictures import DataSet

LONG = 300.0


class TrainedService:
    """A daemon with a data set and weights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemon = Daemon(folder / "d").start()
        # As the originals' clients, which name no language.
        self.client = Client(self.daemon.address, self.daemon.token, language="")
        self.data = DataSet(folder / "data", classes=2, train=6, val=2, side=32)
        self.task = self.client.post("/api/v2/training/start", self.training(task_id="first"))
        self.ended = self.client.wait_end("first", within=LONG)
        assert self.ended["status"] == "completed", self.ended["message"]
        self.weights = folder / "out/a-name/best_model.safetensors"
        self.config = folder / "out/a-name/config.yaml"

    def training(self, **fields: Any) -> Json:
        """All fields of a TrainingRequest."""
        return {
            "model": "resnet18",
            "num_classes": 2,
            "train_path": str(self.data.train),
            "val_path": str(self.data.val),
            "save_path": str(self.folder / "out"),
            "name": "a-name",
            "batch_size": 4,
            "num_epochs": 1,
            "learning_rate": 0.0005,
            "image_size": 40,
            "device": "cpu",
            "weight_path": None,
            "pretrained": False,
            "shuffle": False,
            "priority": 2,
            "description": "a description",
            **fields,
        }

    def inference(self, **fields: Any) -> Json:
        """All fields of an InferenceRequest."""
        return {
            "cfg_path": str(self.config),
            "weight_path": str(self.weights),
            "source_path": str(self.data.val),
            "save_path": str(self.folder / "seen"),
            "name": "inferred",
            "device": "cpu",
            "priority": 4,
            **fields,
        }
