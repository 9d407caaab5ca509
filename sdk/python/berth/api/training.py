# SPDX-License-Identifier: Apache-2.0
"""/api/v2/training: training of image classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..streams import PATIENCE_S, LogStream
from ..transport import Transport, quoted
from ..types import TaskActionResponse, TaskResponse, TrainingHistory, TrainingReport

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import TrainingRequest


class Training:
    """`client.training`. `client.tasks` does with a training what it does with any task."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(self, **request: Unpack[TrainingRequest]) -> TaskResponse:
        """Trains a classifier: `start(model="resnet18", num_classes=4, train_path=..., val_path=..., save_path=...)`.

        The fields are those of `berth.types.TrainingRequest`. BadRequest for an unknown model, a path or a device that
        is not there; ValidationError for wrong fields; Unavailable when the built-in programs are not installed.
        """
        return cast(TaskResponse, self._transport.json("POST", "/api/v2/training/start", body=request))

    def get(self, task_id: str) -> TaskResponse:
        """With the newest metrics in `latest_metrics` (a TrainingMetrics). NotFound for what is no training."""
        return cast(TaskResponse, self._transport.json("GET", _path(task_id)))

    def stop(self, task_id: str) -> TaskActionResponse:
        """As `client.tasks.cancel`."""
        return cast(TaskActionResponse, self._transport.json("POST", _path(task_id) + "/stop"))

    def history(self, task_id: str) -> TrainingHistory:
        """The metrics of every epoch. NotFound before the end of the first one, too."""
        return cast(TrainingHistory, self._transport.json("GET", _path(task_id) + "/history"))

    def report(self, task_id: str) -> TrainingReport:
        """The best epoch in detail: a row per class and the confusion matrix. NotFound before there is one."""
        return cast(TrainingReport, self._transport.json("GET", _path(task_id) + "/report"))

    def follow(
        self,
        task_id: str,
        follow: bool = True,
        last_event_id: str | None = None,
        patience: float = PATIENCE_S,
    ) -> LogStream:
        """As `client.tasks.follow`; records of the epochs have `metrics` and a `stage`."""
        return LogStream(self._transport, _path(task_id) + "/logs", follow, last_event_id, patience)


def _path(task_id: str) -> str:
    return f"/api/v2/training/{quoted(task_id)}"
