# SPDX-License-Identifier: Apache-2.0
"""/api/v2/preprocessing: data sets of pictures split, augmented, cropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..streams import PATIENCE_S, LogStream
from ..transport import Transport, quoted
from ..types import PreprocessingResponse, TaskActionResponse

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import DataAugmentationRequest, DatasetSplitRequest, ImageCropRequest


class Preprocessing:
    """`client.preprocessing`. `get`, `cancel` and `follow` are for the work of `client.signals`, too."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def split(self, **request: Unpack[DatasetSplitRequest]) -> PreprocessingResponse:
        """Splits the class folders of `input_path` into `train`, `valid` and `test` of `output_path`."""
        return self._start("split", request)

    def augment(self, **request: Unpack[DataAugmentationRequest]) -> PreprocessingResponse:
        """Makes further pictures out of those in `train` and `valid` of `dataset_path`."""
        return self._start("augment", request)

    def crop(self, **request: Unpack[ImageCropRequest]) -> PreprocessingResponse:
        """Cuts the same rectangle, in pixels, out of pictures."""
        return self._start("crop", request)

    def get(self, task_id: str) -> PreprocessingResponse:
        """With `stats` when it is completed. NotFound for another type of task."""
        return cast(PreprocessingResponse, self._transport.json("GET", _path(task_id)))

    def cancel(self, task_id: str) -> TaskActionResponse:
        """BadRequest for one that has ended."""
        return cast(TaskActionResponse, self._transport.json("POST", _path(task_id) + "/cancel"))

    def follow(
        self,
        task_id: str,
        follow: bool = True,
        last_event_id: str | None = None,
        patience: float = PATIENCE_S,
    ) -> LogStream:
        """As `client.tasks.follow`."""
        return LogStream(self._transport, _path(task_id) + "/logs", follow, last_event_id, patience)

    def _start(self, what: str, request: object) -> PreprocessingResponse:
        return cast(PreprocessingResponse, self._transport.json("POST", f"/api/v2/preprocessing/{what}", body=request))


def _path(task_id: str) -> str:
    return f"/api/v2/preprocessing/{quoted(task_id)}"
