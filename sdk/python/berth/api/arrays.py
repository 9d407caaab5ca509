# SPDX-License-Identifier: Apache-2.0
"""Arrays: many tasks that differ in an index, submitted, waited for and cancelled as one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from ..errors import Unreachable
from ..streams import PATIENCE_S
from ..transport import Query, Transport, quoted
from ..types import PriorityRequest, TaskActionResponse, TaskArray, TaskResponse
from ..types.words import FINAL

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import CommandRequest

_PAUSE_S = 0.5
_PAGE = 1000


class Arrays:
    """`client.arrays`. Task number i of the array `a` is the task `a_i`, with all that `client.tasks` does."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, **request: Unpack[CommandRequest]) -> TaskArray:
        """`create(command=[...], array="0-9%4")`: ten tasks, at most four of them at a time. A task finds its index
        in BERTH_ARRAY_INDEX. Errors as of `client.tasks.create`; all tasks are accepted, or none."""
        if request.get("array") is None:
            raise ValueError('array is missing: a number of tasks, or indices as "0-9", "1,3,5-7" or "0-99:10%4"')
        return cast(TaskArray, self._transport.json("POST", "/api/v2/tasks", body=request))

    def get(self, array_id: str) -> TaskArray:
        """How many of its tasks are in which state, and their ids."""
        return cast(TaskArray, self._transport.json("GET", _path(array_id)))

    def tasks(self, array_id: str) -> list[TaskResponse]:
        """The records of its tasks, by index, without those that have been deleted."""
        found: list[TaskResponse] = []
        while True:
            query: Query = {"array": array_id, "limit": _PAGE, "offset": len(found)}
            page = self._transport.json("GET", "/api/v2/tasks", query)
            found += page["tasks"]
            if len(found) >= page["total"] or not page["tasks"]:
                return sorted(found, key=_index)

    def wait(self, array_id: str, timeout: float | None = None) -> TaskArray:
        """The array once all of its tasks have ended. TimeoutError after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        away_since: float | None = None
        state = "unknown"
        while True:
            try:
                array = self.get(array_id)
                state, away_since = array["status"], None
                if state in FINAL:
                    return array
            except Unreachable:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > PATIENCE_S:
                    raise
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"array {array_id} is {state} after {timeout:g} s")
            left = _PAUSE_S if end is None else end - time.monotonic()
            time.sleep(max(0.0, min(_PAUSE_S, left)))

    def cancel(self, array_id: str) -> TaskActionResponse:
        """Every task that has not ended."""
        return self._act(array_id, "cancel")

    def hold(self, array_id: str) -> TaskActionResponse:
        return self._act(array_id, "hold")

    def release(self, array_id: str) -> TaskActionResponse:
        return self._act(array_id, "release")

    def set_priority(self, array_id: str, priority: int) -> TaskActionResponse:
        """Of its tasks that wait, 1 (most urgent) to 10."""
        body: PriorityRequest = {"priority": priority}
        return cast(TaskActionResponse, self._transport.json("POST", _path(array_id) + "/priority", body=body))

    def delete(self, array_id: str) -> TaskActionResponse:
        """Forgets all of its tasks. Conflict while one of them has not ended."""
        return cast(TaskActionResponse, self._transport.json("DELETE", _path(array_id)))

    def _act(self, array_id: str, what: str) -> TaskActionResponse:
        return cast(TaskActionResponse, self._transport.json("POST", f"{_path(array_id)}/{what}"))


def _path(array_id: str) -> str:
    return f"/api/v2/tasks/{quoted(array_id)}"


def _index(task: TaskResponse) -> int:
    return task["array"]["index"] if task["array"] else 0
