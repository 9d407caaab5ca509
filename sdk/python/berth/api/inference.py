# SPDX-License-Identifier: Apache-2.0
"""/api/v2/inference: predictions with trained weights, and how good these are."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..transport import Transport, quoted
from ..types import BatchInferenceResponse, TaskResponse

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import BatchInferenceRequest, BenchmarkRequest, InferenceRequest


class Inference:
    """`client.inference`. `client.tasks` does with an inference what it does with any task."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(self, **request: Unpack[InferenceRequest]) -> TaskResponse:
        """Predicts the classes of pictures or recordings: `start(weight_path=..., source_path=...)`.

        The fields are those of `berth.types.InferenceRequest`; `result` of the completed task is an InferenceResult.
        BadRequest for a path or device that is not there, ValidationError for wrong fields.
        """
        return cast(TaskResponse, self._transport.json("POST", "/api/v2/inference/start", body=request))

    def batch(self, **request: Unpack[BatchInferenceRequest]) -> BatchInferenceResponse:
        """A task for each of `source_paths`, side by side as far as devices allow; all are accepted, or none."""
        return cast(BatchInferenceResponse, self._transport.json("POST", "/api/v2/inference/batch", body=request))

    def benchmark(self, **request: Unpack[BenchmarkRequest]) -> TaskResponse:
        """Measures weights on `data_path`, which holds `<snr>/<colormap>/<class>/`; `result` of the completed task is a
        BenchmarkResult."""
        return cast(TaskResponse, self._transport.json("POST", "/api/v2/inference/benchmark", body=request))

    def get(self, task_id: str) -> TaskResponse:
        """NotFound for what is neither inference nor benchmark."""
        path = f"/api/v2/inference/{quoted(task_id)}"
        return cast(TaskResponse, self._transport.json("GET", path))
