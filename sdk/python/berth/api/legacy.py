# SPDX-License-Identifier: Apache-2.0
"""Older paths, which programs for the services that Berth replaces call. New programs have no use for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..streams import LogStream
from ..transport import Transport, quoted
from ..types import PathLike, TaskResponse

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import BenchmarkRequest, InferenceRequest, TrainingRequest


class Legacy:
    """`client.legacy`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start_training(self, **request: Unpack[TrainingRequest]) -> TaskResponse:
        """POST /api/v2/train, as `client.training.start`."""
        return cast(TaskResponse, self._transport.json("POST", "/api/v2/train", body=request))

    def follow_training(self, task_id: str) -> LogStream:
        """GET /api/v2/train/{id}/logs, as `client.training.follow`."""
        return LogStream(self._transport, f"/api/v2/train/{quoted(task_id)}/logs")

    def start_inference(self, **request: Unpack[InferenceRequest]) -> TaskResponse:
        """POST /api/v2/inference, as `client.inference.start`."""
        return cast(TaskResponse, self._transport.json("POST", "/api/v2/inference", body=request))

    def train_from_config(self, cfg_path: PathLike, **fields: Any) -> dict[str, Any]:
        """POST /api/v1/train: a training as a YAML file says; `fields` win over the file."""
        body = {"cfg_path": cfg_path, **fields}
        return cast("dict[str, Any]", self._transport.json("POST", "/api/v1/train", body=body))

    def infer(self, **request: Unpack[InferenceRequest]) -> dict[str, Any]:
        """POST /api/v1/inference: answers when the inference has ended, however long that takes; ServerError when it
        failed."""
        answer = self._transport.json("POST", "/api/v1/inference", body=request, timeout=None)
        return cast("dict[str, Any]", answer)

    def benchmark(self, **request: Unpack[BenchmarkRequest]) -> dict[str, Any]:
        """POST /api/v1/benchmark: answers when the benchmark has ended; ServerError when it failed."""
        answer = self._transport.json("POST", "/api/v1/benchmark", body=request, timeout=None)
        return cast("dict[str, Any]", answer)

    def get_task(self, task_id: str) -> TaskResponse:
        """GET /api/v1/tasks/{id}, as `client.tasks.get`."""
        return cast(TaskResponse, self._transport.json("GET", f"/api/v1/tasks/{quoted(task_id)}"))
