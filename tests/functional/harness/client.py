# SPDX-License-Identifier: Apache-2.0
"""A client of the HTTP API on http.client. A connection per request: usable from any thread."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .waiting import wait_until

Json = dict[str, Any]
FINAL = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> Any:
        return self.json()["detail"]

    def violations(self) -> list[tuple[str, list[Any]]]:
        """(type, loc) of a 422's entries, each of which must be complete."""
        for entry in self.detail:
            assert {"type", "loc", "msg", "input"} <= entry.keys(), entry
        return [(entry["type"], entry["loc"]) for entry in self.detail]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class RefusedError(AssertionError):
    def __init__(self, answer: Answer, what: str) -> None:
        super().__init__(f"{what}: {answer.status} {answer.body[:500]!r}")
        self.answer = answer


class Client:
    """`address` is host:port or unix:/path."""

    def __init__(
        self, address: str, token: str | None = None, language: str = "en", timeout: float = 60
    ) -> None:
        self.address = address
        self.token = token
        self.language = language
        self.timeout = timeout

    def connection(self, timeout: float | None = None) -> http.client.HTTPConnection:
        if self.address.startswith("unix:"):
            return UnixConnection(self.address[5:], timeout or self.timeout)
        host, _, port = self.address.rpartition(":")
        return http.client.HTTPConnection(host, int(port), timeout=timeout or self.timeout)

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        headers = {"Accept": "*/*"}
        if self.language:
            headers["Accept-Language"] = self.language
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        headers.update(more or {})
        return headers

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        sent = self.headers(headers)
        if raw is None and body is not None:
            raw = json.dumps(body).encode()
        if raw is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        connection = self.connection()
        begin = time.monotonic()
        try:
            connection.request(method, path, raw, {k: v for k, v in sent.items() if v})
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, dict(response.headers), content, time.monotonic() - begin)
        finally:
            connection.close()

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.request(method, path, body)
        if answer.status != 200:
            raise RefusedError(answer, f"{method} {path}")
        return answer.json()

    def get(self, path: str) -> Any:
        return self.ok("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self.ok("POST", path, body)

    # ---- tasks ----

    def submit(self, *command: str, **fields: Any) -> Json:
        return self.post("/api/v2/tasks", {"command": list(command), **fields})

    def task(self, task_id: str) -> Json:
        return self.get(f"/api/v2/tasks/{task_id}")

    def explain(self, task_id: str) -> Json:
        return self.get(f"/api/v2/tasks/{task_id}/explain")

    def cancel(self, task_id: str) -> Json:
        return self.post(f"/api/v2/tasks/{task_id}/cancel")

    def remove(self, task_id: str) -> Json:
        return self.ok("DELETE", f"/api/v2/tasks/{task_id}")

    def tasks(self, query: str = "limit=100000") -> list[Json]:
        return self.get("/api/v2/tasks?" + query)["tasks"]

    def output(self, task_id: str, stream: str = "stdout") -> bytes:
        answer = self.request("GET", f"/api/v2/tasks/{task_id}/output/{stream}")
        assert answer.status == 200, answer
        return answer.body

    def wait_state(self, task_id: str, *states: str, within: float = 60) -> Json:
        """The task, once it is in one of the states. One that ended otherwise ends the wait."""
        seen: list[Json] = []

        def look() -> bool:
            seen[:] = [self.task(task_id)]
            return seen[0]["status"] in states

        def over() -> str | None:
            if seen[0]["status"] in FINAL:
                return f"it ended {seen[0]['status']}: {seen[0]['message']!r}"
            return None

        wait_until(look, f"task {task_id} is {' or '.join(states)}", within=within, unless=over)
        return seen[0]

    def wait_end(self, task_id: str, within: float = 60) -> Json:
        return self.wait_state(task_id, *FINAL, within=within)

    def run(self, *command: str, **fields: Any) -> Json:
        """Submit and wait for the end."""
        return self.wait_end(self.submit(*command, **fields)["task_id"])

    def limits(self, changes: Json) -> Answer:
        return self.request("POST", "/api/v2/resources/config", {"max_concurrent": changes})
