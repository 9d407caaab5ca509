# SPDX-License-Identifier: Apache-2.0
"""Server-sent events of tasks, read over as many connections as it takes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from .errors import Unavailable, Unreachable
from .transport import Stream, Transport
from .types import LogEnd, LogRecord, TaskResponse
from .types.words import FINAL

T = TypeVar("T")

#: A heartbeat comes every 15 s; what is silent for longer than this is broken.
SILENCE_S = 45.0
#: How long a daemon may be away in the middle of a stream.
PATIENCE_S = 60.0
_PAUSE_S = 0.25


@dataclass(frozen=True)
class Event:
    id: str
    data: str


def parse_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Events out of the lines of a stream, as the HTML standard says; what has neither data nor id is left out. An
    event that was cut off is dropped."""
    identifier = ""
    data: list[str] = []
    for line in lines:
        text = line.decode(errors="replace").rstrip("\r\n")
        if not text:
            if data:
                yield Event(identifier, "\n".join(data))
            data = []
            continue
        name, _, value = text.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            identifier = value


class EventStream(Generic[T]):
    """An iterator over a task's events that goes on where it was when the connection breaks or the daemon restarts.

    Errors, all from `next()`: NotFound when the task is not there (any more), Unreachable when the daemon stays away
    for longer than `patience` seconds (at the first connection: at once), TimeoutError at the `deadline`
    (`time.monotonic()`). One thread iterates; `close()`, also by `with`, gives the connection back early.
    """

    #: Of the last event received: where another stream would go on.
    last_event_id: str | None

    def __init__(
        self,
        transport: Transport,
        path: str,
        follow: bool = True,
        last_event_id: str | None = None,
        patience: float = PATIENCE_S,
        deadline: float | None = None,
    ) -> None:
        self.last_event_id = last_event_id
        self._transport = transport
        self._path = path
        self._follow = follow
        self._patience = patience
        self._deadline = deadline
        self._stream: Stream | None = None
        self._items = self._run()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._items)

    def close(self) -> None:
        self._items.close()

    def __enter__(self) -> EventStream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, data: Any) -> tuple[list[T], bool]:
        """What an event gives to whoever iterates, and whether it is the last one."""
        raise NotImplementedError

    def _run(self) -> Generator[T, None, None]:
        away_since: float | None = None
        first = True
        while True:
            try:
                stream = self._connect(first)
                first = False
                away_since = None
                with stream:
                    for event in parse_events(self._lines(stream)):
                        self.last_event_id = event.id or self.last_event_id
                        items, last = self._take(json.loads(event.data))
                        yield from items
                        if last:
                            return
                if not self._follow:
                    return
            except (Unreachable, Unavailable):
                now = time.monotonic()
                away_since = now if away_since is None else away_since
                if first or now - away_since > self._patience:
                    raise
            time.sleep(min(_PAUSE_S, self._left(_PAUSE_S)))

    def _connect(self, first: bool) -> Stream:
        query = None if self._follow else {"follow": False}
        headers = {"Accept": "text/event-stream"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        tries = 1 + (self._transport.retries if first else 0)
        for turn in range(1, tries + 1):
            try:
                return self._transport.stream(self._path, query, headers, timeout=self._left(SILENCE_S))
            except Unreachable:
                if turn == tries:
                    raise
                time.sleep(min(_PAUSE_S, self._left(_PAUSE_S)))
        raise AssertionError("unreachable")

    def _lines(self, stream: Stream) -> Iterator[bytes]:
        """Until the stream ends or falls silent."""
        lines = stream.lines()
        while True:
            stream.settimeout(self._left(SILENCE_S))
            try:
                line = next(lines, b"")
            except socket.timeout:
                self._left(SILENCE_S)  # raises when it was the deadline
                return
            if not line:
                return
            yield line

    def _left(self, most: float) -> float:
        """Seconds until the deadline, `most` at the most."""
        if self._deadline is None:
            return most
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(most, left)


class LogStream(EventStream[LogRecord]):
    """The records of a task's log; `end` says how it ended once the iteration is over, None before and for a log
    that is not followed to its end."""

    end: LogEnd | None = None

    def _take(self, data: Any) -> tuple[list[LogRecord], bool]:
        if "status" in data and "timestamp" not in data:
            self.end = cast(LogEnd, data)
            return [], True
        return [cast(LogRecord, data)], False


class ChangeStream(EventStream[TaskResponse]):
    """The whole record of a task now and after each change, up to the final one."""

    def _take(self, data: Any) -> tuple[list[TaskResponse], bool]:
        return [cast(TaskResponse, data)], data["status"] in FINAL
