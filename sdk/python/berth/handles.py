# SPDX-License-Identifier: Apache-2.0
"""A task, or an array of tasks, to hold on to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .api import Arrays, Tasks
from .api.tasks import Output
from .errors import TaskFailed
from .streams import LogStream
from .types import Explanation, State, TaskArray, TaskResponse
from .types.words import FINAL


class Task:
    """What `Client.run` and `Client.task` give. Errors are those of `client.tasks`, NotFound once it is deleted.

    `record` is what was last heard of it; `refresh()` asks anew, and so do `result` and `progress` while it has not
    ended.
    """

    def __init__(self, tasks: Tasks, record: TaskResponse) -> None:
        self._tasks = tasks
        self.record = record

    @property
    def id(self) -> str:
        return self.record["task_id"]

    @property
    def status(self) -> State:
        """As of the last answer."""
        return self.record["status"]

    @property
    def device(self) -> str:
        """As asked for, once it runs as given: `cuda:0`, `cuda:0,cuda:1`, `cpu`."""
        return self.record["device"]

    @property
    def done(self) -> bool:
        return self.status in FINAL

    @property
    def progress(self) -> int:
        """Finished work in percent, rounded down."""
        return self._newest()["progress"]

    @property
    def result(self) -> dict[str, Any] | None:
        """What it reported as its result, None while it has not."""
        return self._newest()["result"]

    @property
    def metrics(self) -> dict[str, Any] | None:
        """The newest metrics that it reported."""
        return self._newest()["latest_metrics"]

    def refresh(self) -> TaskResponse:
        self.record = self._tasks.get(self.id)
        return self.record

    def wait(self, timeout: float | None = None, check: bool = False) -> TaskResponse:
        """The record once it has ended. TimeoutError after `timeout` seconds; the task goes on then. `check`:
        TaskFailed unless it completed."""
        self.record = self._tasks.wait(self.id, timeout)
        if check and self.status != "completed":
            raise TaskFailed(self.record)
        return self.record

    def logs(self, follow: bool = True) -> LogStream:
        """The log from its start to the end of the task, or with `follow=False` what is there now."""
        return self._tasks.follow(self.id, follow)

    def output(self, stream: Output = "stdout") -> bytes:
        """What the command has written so far."""
        return self._tasks.output(self.id, stream)

    def follow_output(self, stream: Output = "stdout") -> Iterator[bytes]:
        """What the command writes, as it comes."""
        return self._tasks.follow_output(self.id, stream)

    def cancel(self) -> None:
        """Answers at once; `wait()` for its end. Conflict when it has ended."""
        self._tasks.cancel(self.id)

    def hold(self) -> None:
        self._tasks.hold(self.id)

    def release(self) -> None:
        self._tasks.release(self.id)

    def set_priority(self, priority: int) -> None:
        """1 (most urgent) to 10. Conflict when it does not wait."""
        self._tasks.set_priority(self.id, priority)

    def delete(self) -> None:
        """Conflict while it has not ended."""
        self._tasks.delete(self.id)

    def explain(self) -> Explanation:
        """Why it waits, per device."""
        return self._tasks.explain(self.id)

    def _newest(self) -> TaskResponse:
        return self.record if self.done else self.refresh()

    def __repr__(self) -> str:
        return f"<Task {self.id} {self.status} on {self.device}>"


class ArrayOfTasks:
    """What `Client.run_array` gives. `record` is what was last heard of it."""

    def __init__(self, arrays: Arrays, tasks: Tasks, record: TaskArray) -> None:
        self._arrays = arrays
        self._tasks = tasks
        self.record = record

    @property
    def id(self) -> str:
        return self.record["task_id"]

    @property
    def status(self) -> State:
        """As of the last answer."""
        return self.record["status"]

    def refresh(self) -> TaskArray:
        self.record = self._arrays.get(self.id)
        return self.record

    def wait(self, timeout: float | None = None, check: bool = False) -> TaskArray:
        """The array once all of its tasks have ended; `check`: TaskFailed unless all completed."""
        self.record = self._arrays.wait(self.id, timeout)
        if check and self.status != "completed":
            raise TaskFailed(self.record)
        return self.record

    def tasks(self) -> list[Task]:
        """By index."""
        return [Task(self._tasks, record) for record in self._arrays.tasks(self.id)]

    def cancel(self) -> None:
        self._arrays.cancel(self.id)

    def __repr__(self) -> str:
        return f"<ArrayOfTasks {self.id} {self.status} {self.record['counts']}>"
