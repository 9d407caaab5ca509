# SPDX-License-Identifier: Apache-2.0
"""The package of this tree, a server that answers as it is told, and an environment without Berth's variables."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    #: Which of the server's connections it came by.
    connection: int


#: Gets the request and the handler; whoever answers by itself returns None.
Script = Callable[[Request, http.server.BaseHTTPRequestHandler], Any]


@dataclass
class Server:
    """Answers with the JSON that `script` returns, or (status, JSON); remembers what was asked."""

    script: Script = lambda _request, _handler: {}
    requests: list[Request] = field(default_factory=list)
    url: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripted: Server

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, self.client_address[1])
        self.scripted.requests.append(request)
        answer = self.scripted.script(request, self)
        if answer is None:
            return
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    scripted = Server()
    handler = type("Handler", (_Handler,), {"scripted": scripted})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    running.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that goes away is no error
    running.daemon_threads = True
    scripted.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield scripted
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def without_berth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own Berth, and no daemon where one is looked for by default."""
    import os

    for name in list(os.environ):
        if name.startswith(("BERTH_", "SENSEVOICE_", "CUDA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BERTH_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PATH", "/nonexistent")
