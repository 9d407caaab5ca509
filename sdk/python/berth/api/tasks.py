# SPDX-License-Identifier: Apache-2.0
"""/api/v2/tasks: any command as a task, one task or all of them, their logs and outputs."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, cast

from ..errors import Unreachable, error_of
from ..streams import PATIENCE_S, SILENCE_S, ChangeStream, LogStream
from ..transport import Transport, quoted
from ..types import Explanation, Kind, PriorityRequest, TaskActionResponse, TaskListResponse, TaskResponse
from ..types.words import FINAL

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import CommandRequest

Output = Literal["stdout", "stderr"]
_PAUSE_S = 0.25


class Tasks:
    """`client.tasks`. A method raises NotFound for an id that is not there; see `berth.errors` for the others."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, **request: Unpack[CommandRequest]) -> TaskResponse:
        """Queues a command: `create(command=["python3", "train.py"], device="cuda", memory_gb=8)`.

        The fields are those of `berth.types.CommandRequest`; no shell is involved, and `cwd` is the daemon's unless it
        is given (`Client.run` gives the caller's). BadRequest for what no device could ever take, Conflict for a
        `task_id` that exists, QueueFull, Unauthorized without the token.
        """
        if request.get("array") is not None:
            raise ValueError("an array is made by client.arrays.create()")
        return cast(TaskResponse, self._transport.json("POST", "/api/v2/tasks", body=request))

    def list(
        self,
        status: str | None = None,
        kind: Kind | None = None,
        limit: int | None = None,
        offset: int | None = None,
        task_type: Literal["training", "inference"] | None = None,
        array: str | None = None,
        text: str | None = None,
    ) -> TaskListResponse:
        """Tasks, newest first in `tasks`, at most `limit` (100) from `offset` on. `status` may also be `live`:
        pending, queued or running. `text` is looked for in ids, names, descriptions, users, devices and commands.
        `task_type` concerns only `training_tasks` and `inference_tasks`."""
        query = {
            "status": status,
            "kind": kind,
            "limit": limit,
            "offset": offset,
            "task_type": task_type,
            "array": array,
            "q": text,
        }
        return cast(TaskListResponse, self._transport.json("GET", "/api/v2/tasks", query))

    def get(self, task_id: str) -> TaskResponse:
        return cast(TaskResponse, self._transport.json("GET", _path(task_id)))

    def delete(self, task_id: str) -> TaskActionResponse:
        """Forgets a task that has ended, with its log and output; Conflict before. Results it saved stay."""
        return cast(TaskActionResponse, self._transport.json("DELETE", _path(task_id)))

    def cancel(self, task_id: str) -> TaskActionResponse:
        """Answers at once; the task is `cancelled` when its whole process tree is gone. Conflict after its end."""
        return self._act(task_id, "cancel")

    def hold(self, task_id: str) -> TaskActionResponse:
        """Keeps a task that waits from starting. Conflict for one that does not wait."""
        return self._act(task_id, "hold")

    def release(self, task_id: str) -> TaskActionResponse:
        """Lets a task on hold go."""
        return self._act(task_id, "release")

    def set_priority(self, task_id: str, priority: int) -> TaskActionResponse:
        """Of a task that waits, 1 (most urgent) to 10: its place in the queue follows. Conflict for one that does not
        wait."""
        body: PriorityRequest = {"priority": priority}
        return cast(TaskActionResponse, self._transport.json("POST", _path(task_id) + "/priority", body=body))

    def explain(self, task_id: str) -> Explanation:
        """Why it waits, a verdict per device, and what would have to change."""
        return cast(Explanation, self._transport.json("GET", _path(task_id) + "/explain"))

    def wait(self, task_id: str, timeout: float | None = None) -> TaskResponse:
        """The record once the task has ended, however it has. TimeoutError after `timeout` seconds; the task goes on
        then. A daemon that restarts meanwhile is waited for, for a minute."""
        end = None if timeout is None else time.monotonic() + timeout
        record = self.get(task_id)
        if record["status"] in FINAL:
            return record
        try:
            for change in self.watch(task_id, deadline=end):
                record = change
        except TimeoutError:
            raise TimeoutError(f"task {task_id} is {record['status']} after {timeout:g} s") from None
        return record

    def watch(self, task_id: str, patience: float = PATIENCE_S, deadline: float | None = None) -> ChangeStream:
        """The whole record now and after each change, up to the final one; see EventStream for errors."""
        return ChangeStream(self._transport, _path(task_id) + "/events", patience=patience, deadline=deadline)

    def follow(
        self,
        task_id: str,
        follow: bool = True,
        last_event_id: str | None = None,
        patience: float = PATIENCE_S,
    ) -> LogStream:
        """The log from its start, then what comes, until the task has ended; each record once, also when the
        connection breaks or the daemon restarts. `follow=False`: only what is there now. `last_event_id`: on from
        where another stream was."""
        return LogStream(self._transport, _path(task_id) + "/logs", follow, last_event_id, patience)

    def output(
        self, task_id: str, stream: Output = "stdout", offset: int = 0, attempt: int = 0, exact: bool = False
    ) -> bytes:
        """The raw bytes from `offset` on, of which the newest 64 MiB are kept unless configured otherwise; of the
        last attempt, or of `attempt` (from 1). `exact`: BerthError with the status 416 rather than begin further on
        when what lies at `offset` is no longer kept."""
        query = {"offset": offset, "attempt": attempt, "exact": exact}
        answer = self._transport.send("GET", f"{_path(task_id)}/output/{stream}", query)
        if not 200 <= answer.status < 300:
            raise error_of(answer.status, answer.body)
        return answer.body

    def follow_output(
        self, task_id: str, stream: Output = "stdout", offset: int = 0, patience: float = PATIENCE_S
    ) -> Iterator[bytes]:
        """The raw bytes of the attempt at work (or the last one) as they come, until it has ended. A daemon that
        restarts meanwhile is waited for. BerthError with the status 416 when more has been written between two
        connections than is kept."""
        attempt = 0
        for record in self.watch(task_id, patience):
            attempt = record["attempt"]
            if attempt:
                break
        if not attempt:
            return
        query = {"attempt": attempt, "follow": True, "exact": True}
        away_since: float | None = None
        while True:
            try:
                # Asked before reading: what is read after the end is all there is.
                record = self.get(task_id)
                path = f"{_path(task_id)}/output/{stream}"
                with self._transport.stream(path, {**query, "offset": offset}, timeout=SILENCE_S) as source:
                    before = offset
                    try:
                        for chunk in source.chunks():
                            offset += len(chunk)
                            yield chunk
                    except socket.timeout:
                        continue
                away_since = None
            except Unreachable:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > patience:
                    raise
                time.sleep(_PAUSE_S)
                continue
            over = record["status"] in FINAL or record["attempt"] > attempt
            if over and offset == before:
                return
            if not over:
                time.sleep(_PAUSE_S / 10)

    def _act(self, task_id: str, what: str) -> TaskActionResponse:
        return cast(TaskActionResponse, self._transport.json("POST", f"{_path(task_id)}/{what}"))


def _path(task_id: str) -> str:
    return f"/api/v2/tasks/{quoted(task_id)}"
