# SPDX-License-Identifier: Apache-2.0
"""A client for the model service, under the name and with the methods that programs for RFUAV's server import:

    from test_refactored_api import RFUAVClient
    client = RFUAVClient("http://localhost:8000")
    task = client.start_training(
        model="resnet18", num_classes=37, train_path="data/train", val_path="data/val",
        save_path="models/output", device="cuda",
    )
    client.wait_for_task(task["task_id"])

Nothing but Python's standard library is needed. Whatever the server refuses raises RFUAVError with its words;
further keyword arguments go to the server as they are (docs/models.md lists them). Run as a program it tells what
the server has.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

FINAL = ("completed", "failed", "cancelled")


class RFUAVError(RuntimeError):
    """The server refused: `status` is HTTP's, `detail` what it said."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class RFUAVClient:
    def __init__(
        self, base_url: str = "http://localhost:8000", token: str | None = None, language: str | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        if language:
            self.headers["Accept-Language"] = language

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
        **fields: Any,
    ) -> dict[str, Any]:
        body = {
            "model": model,
            "num_classes": num_classes,
            "train_path": train_path,
            "val_path": val_path,
            "save_path": save_path,
            "batch_size": batch_size,
            "num_epochs": num_epochs,
            **fields,
        }
        return self._call("POST", "/api/v2/training/start", body)

    def get_training_status(self, task_id: str) -> dict[str, Any]:
        return self._call("GET", f"/api/v2/training/{_quoted(task_id)}")

    def stop_training(self, task_id: str) -> dict[str, Any]:
        return self._call("POST", f"/api/v2/training/{_quoted(task_id)}/stop")

    def stream_training_logs(self, task_id: str) -> Iterator[dict[str, Any]]:
        """Every record of the log, from its beginning to its end."""
        with self._open("GET", f"/api/v2/training/{_quoted(task_id)}/logs", None, timeout=None) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[len(b"data: ") :])

    # ---- inference ----

    def start_inference(
        self, cfg_path: str, weight_path: str, source_path: str, save_path: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        body = {"cfg_path": cfg_path, "weight_path": weight_path, "source_path": source_path, **fields}
        if save_path is not None:
            body["save_path"] = save_path
        return self._call("POST", "/api/v2/inference/start", body)

    def start_batch_inference(
        self,
        cfg_path: str,
        weight_path: str,
        source_paths: list[str],
        save_base_path: str | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        body = {"cfg_path": cfg_path, "weight_path": weight_path, "source_paths": source_paths, **fields}
        if save_base_path is not None:
            body["save_base_path"] = save_base_path
        return self._call("POST", "/api/v2/inference/batch", body)

    def get_inference_status(self, task_id: str) -> dict[str, Any]:
        return self._call("GET", f"/api/v2/inference/{_quoted(task_id)}")

    # ---- tasks ----

    def get_all_tasks(
        self, status: str | None = None, task_type: str | None = None, limit: int = 100
    ) -> dict[str, Any]:
        query = {"status": status, "task_type": task_type, "limit": limit}
        given = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        return self._call("GET", f"/api/v2/tasks?{given}")

    def get_task(self, task_id: str) -> dict[str, Any]:
        return self._call("GET", f"/api/v2/tasks/{_quoted(task_id)}")

    def cancel_task(self, task_id: str) -> dict[str, Any]:
        return self._call("POST", f"/api/v2/tasks/{_quoted(task_id)}/cancel")

    def delete_task(self, task_id: str) -> dict[str, Any]:
        return self._call("DELETE", f"/api/v2/tasks/{_quoted(task_id)}")

    def wait_for_task(
        self, task_id: str, timeout: float | None = None, interval: float = 0.5
    ) -> dict[str, Any]:
        """The task when it has ended. TimeoutError after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while (task := self.get_task(task_id))["status"] not in FINAL:
            if end is not None and time.monotonic() > end:
                raise TimeoutError(f"task {task_id} is {task['status']} after {timeout} s")
            time.sleep(interval)
        return task

    # ---- the service ----

    def get_resources(self) -> dict[str, Any]:
        return self._call("GET", "/api/v2/resources")

    def get_gpu_info(self) -> dict[str, Any]:
        return self._call("GET", "/api/v2/resources/gpu")

    def update_resource_config(self, max_concurrent: dict[str, dict[str, int]]) -> dict[str, Any]:
        return self._call("POST", "/api/v2/resources/config", {"max_concurrent": max_concurrent})

    def health_check(self) -> dict[str, Any]:
        return self._call("GET", "/api/v1/health")

    def get_system_info(self) -> dict[str, Any]:
        return self._call("GET", "/api/v1/info")

    def _open(self, method: str, path: str, body: Any, timeout: float | None = 30) -> Any:
        data = json.dumps({} if body is None else body).encode() if method == "POST" else None
        request = urllib.request.Request(self.base_url + path, data, self.headers, method=method)
        try:
            return urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                detail = json.loads(text)["detail"]
            except (ValueError, KeyError, TypeError):
                detail = text
            raise RFUAVError(error.code, detail) from None

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        with self._open(method, path, body) as answer:
            return json.load(answer)


def _quoted(task_id: str) -> str:
    return urllib.parse.quote(task_id, safe="")


def main() -> None:
    client = RFUAVClient(*sys.argv[1:2])
    info, health, gpus = client.get_system_info(), client.health_check(), client.get_gpu_info()
    print(f"{info['app_name']} {info['version']}: {health['status']}")
    print(f"models: {', '.join(info['supported_models'])}")
    for gpu in gpus["devices"]:
        print(
            f"{gpu['device_name']}: {gpu['name']}, {gpu['free_memory_gb']} of {gpu['total_memory_gb']} GB free"
        )
    if not gpus["devices"]:
        print("no GPU: tasks run on the CPU")


if __name__ == "__main__":
    main()
