# SPDX-License-Identifier: Apache-2.0
"""RFUAVClient: the client that programs for RFUAV's model service import, with its methods and their arguments.

    from berth import RFUAVClient
    client = RFUAVClient("http://localhost:8000")
    task = client.start_training(
        model="resnet18", num_classes=37, train_path="data/train", val_path="data/val",
        save_path="models/output", device="cuda",
    )
    client.wait_for_task(task["task_id"])

What the service refuses raises a BerthError with its words; further keyword arguments go to it as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .client import Client
from .errors import BerthError
from .streams import LogStream
from .transport import quoted

Json = dict[str, Any]

#: The name that `except` clauses of programs for the example's client have.
RFUAVError = BerthError


class RFUAVClient:
    """`base_url` as in the originals. Beyond them `token`, and `language` of messages: `en` or `zh`, by default that of
    the originals, which is Chinese. Usable from any number of threads."""

    def __init__(
        self, base_url: str = "http://localhost:8000", token: str | None = None, language: str | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._client = Client(self.base_url, token, language=language)

    # ---- training ----

    def start_training(
        self,
        model: str,
        num_classes: int,
        train_path: str,
        val_path: str,
        save_path: str,
        batch_size: int = 16,
        num_epochs: int = 50,
        learning_rate: float = 0.0001,
        device: str = "cuda",
        priority: int = 5,
        **kwargs: Any,
    ) -> Json:
        body = {
            "model": model,
            "num_classes": num_classes,
            "train_path": train_path,
            "val_path": val_path,
            "save_path": save_path,
            "batch_size": batch_size,
            "num_epochs": num_epochs,
            "learning_rate": learning_rate,
            "device": device,
            "priority": priority,
            **kwargs,
        }
        return self._post("/api/v2/training/start", body)

    def get_training_status(self, task_id: str) -> Json:
        return self._get(f"/api/v2/training/{quoted(task_id)}")

    def stop_training(self, task_id: str) -> Json:
        return self._post(f"/api/v2/training/{quoted(task_id)}/stop")

    def stream_training_logs(self, task_id: str) -> Iterator[Json]:
        """Every record of the log from its beginning; the last one has `status` and `message` only."""
        stream: LogStream = self._client.training.follow(task_id)
        with stream:
            for record in stream:
                yield dict(record)
            if stream.end is not None:
                yield dict(stream.end)

    # ---- inference ----

    def start_inference(
        self,
        cfg_path: str,
        weight_path: str,
        source_path: str,
        save_path: str | None = None,
        device: str = "cuda",
        priority: int = 3,
        **kwargs: Any,
    ) -> Json:
        body = {
            "cfg_path": cfg_path,
            "weight_path": weight_path,
            "source_path": source_path,
            "device": device,
            "priority": priority,
            **kwargs,
        }
        return self._post("/api/v2/inference/start", {**body, "save_path": save_path} if save_path else body)

    def start_batch_inference(
        self,
        cfg_path: str,
        weight_path: str,
        source_paths: Sequence[str],
        save_base_path: str | None = None,
        device: str = "cuda",
        **kwargs: Any,
    ) -> Json:
        body = {
            "cfg_path": cfg_path,
            "weight_path": weight_path,
            "source_paths": source_paths,
            "device": device,
            **kwargs,
        }
        if save_base_path:
            body["save_base_path"] = save_base_path
        return self._post("/api/v2/inference/batch", body)

    def get_inference_status(self, task_id: str) -> Json:
        return self._get(f"/api/v2/inference/{quoted(task_id)}")

    # ---- tasks ----

    def get_all_tasks(self, status: str | None = None, task_type: str | None = None, limit: int = 100) -> Json:
        return self._get("/api/v2/tasks", {"status": status or None, "task_type": task_type or None, "limit": limit})

    def get_task(self, task_id: str) -> Json:
        return self._get(f"/api/v2/tasks/{quoted(task_id)}")

    def cancel_task(self, task_id: str) -> Json:
        return self._post(f"/api/v2/tasks/{quoted(task_id)}/cancel")

    def delete_task(self, task_id: str) -> Json:
        answer: Json = self._client.request("DELETE", f"/api/v2/tasks/{quoted(task_id)}")
        return answer

    def wait_for_task(self, task_id: str, interval: float = 5, timeout: float | None = 3600) -> Json:
        """The task when it has ended; TimeoutError after `timeout` seconds. `interval` is there for programs that
        give it: the end is told by the service, not looked for."""
        del interval
        return dict(self._client.tasks.wait(task_id, timeout))

    # ---- the service ----

    def get_resources(self) -> Json:
        return self._get("/api/v2/resources")

    def get_gpu_info(self) -> Json:
        return self._get("/api/v2/resources/gpu")

    def update_resource_config(self, config: Mapping[str, Any]) -> Json:
        """`{"max_concurrent": {"cuda:0": {"training": 1}}}`, or only what is within."""
        body = config if "max_concurrent" in config else {"max_concurrent": config}
        return self._post("/api/v2/resources/config", body)

    def health_check(self) -> Json:
        return self._get("/api/v1/health")

    def get_system_info(self) -> Json:
        return self._get("/api/v1/info")

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        answer: Json = self._client.request("GET", path, query=query)
        return answer

    def _post(self, path: str, body: Any = None) -> Json:
        answer: Json = self._client.request("POST", path, body)
        return answer
