# SPDX-License-Identifier: Apache-2.0
"""A reader of server-sent events, in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass
from typing import Any

from .client import Client
from .waiting import wait_until


@dataclass(frozen=True)
class Event:
    id: str
    data: Any

    def text(self) -> str:
        return json.dumps(self.data, sort_keys=True)


class EventReader:
    """Collects events until the server ends the stream, `break_off()`, or `stop_after` of them."""

    def __init__(
        self, client: Client, path: str, last_id: str | None = None, stop_after: int | None = None
    ) -> None:
        self.events: list[Event] = []
        self.comments = 0
        self.ended = False  # by the server, as HTTP ends an answer
        self.error: Exception | None = None
        self.headers: dict[str, str] = {}
        self.status = 0
        self._stop_after = stop_after
        self._broken_off = threading.Event()
        self._connection = client.connection(timeout=300)
        self._connection.connect()
        assert self._connection.sock is not None
        self._socket: socket.socket = self._connection.sock
        headers = client.headers({"Accept": "text/event-stream"})
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self._connection.request("GET", path, headers=headers)
        self._thread = threading.Thread(target=self._run, name=f"sse {path}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            response = self._connection.getresponse()
            self.status = response.status
            self.headers = {k.lower(): v for k, v in response.headers.items()}
            fields: dict[str, str] = {}
            while line := response.readline():
                text = line.decode().rstrip("\r\n")
                if text.startswith(":"):
                    self.comments += 1
                elif text:
                    name, _, value = text.partition(":")
                    value = value.removeprefix(" ")
                    fields[name] = fields[name] + "\n" + value if name in fields else value
                elif fields:
                    self.events.append(Event(fields.get("id", ""), json.loads(fields["data"])))
                    fields = {}
                    if self._stop_after is not None and len(self.events) >= self._stop_after:
                        return
            # Cut off in the middle of a chunk raises; to get here is the end of the answer.
            self.ended = not self._broken_off.is_set()
        except Exception as error:
            if not self._broken_off.is_set():
                self.error = error
        finally:
            self._connection.close()

    def break_off(self) -> list[Event]:
        self._broken_off.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        return list(self.events)

    def join(self, within: float = 60) -> list[Event]:
        """All events, once the server has ended the stream (or `stop_after` was reached)."""
        wait_until(lambda: not self._thread.is_alive(), "the stream ends", within=within)
        if self.error is not None:
            raise self.error
        return list(self.events)

    def wait_events(self, count: int, within: float = 60) -> None:
        wait_until(lambda: len(self.events) >= count, f"{count} events", within=within)


def read_log(client: Client, task_id: str, last_id: str | None = None, within: float = 60) -> list[Event]:
    """The whole log of a task, to its end."""
    return EventReader(client, f"/api/v2/tasks/{task_id}/logs", last_id).join(within)


def messages(events: list[Event]) -> list[str]:
    return [event.data["message"] for event in events]
