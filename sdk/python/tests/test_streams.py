# SPDX-License-Identifier: Apache-2.0
"""Events: read as the standard says, resumed where they were."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from conftest import Server

import berth
from berth.streams import Event, parse_events


def record(number: int) -> bytes:
    data = {"timestamp": "2026-01-02T03:04:05.678Z", "level": "INFO", "message": f"line {number}"}
    return f"id: {number}\ndata: {json.dumps(data)}\n\n".encode()


END = b'id: 9\ndata: {"status":"completed","message":"over"}\n\n'


def test_events_are_read_as_the_standard_says() -> None:
    text = b": heartbeat\n\nid: 1\ndata: a\ndata:b\n\nevent: x\ndata:  c\r\n\r\nid\ndata\n\ndata: cut off"
    events = list(parse_events(text.splitlines(keepends=True)))
    assert events == [Event("1", "a\nb"), Event("1", " c"), Event("", "")]


def test_a_stream_that_breaks_goes_on_behind_the_last_event(server: Server) -> None:
    parts = [record(1) + record(2) + b'id: 3\ndata: {"tim', b"", record(3) + END]
    server.script = lambda *_: parts[len(server.requests) - 1]
    stream = berth.Client(server.url).tasks.follow("t")
    assert [item["message"] for item in stream] == ["line 1", "line 2", "line 3"]
    assert stream.end == {"status": "completed", "message": "over"}
    assert stream.last_event_id == "9"
    assert [request.headers.get("last-event-id") for request in server.requests] == [None, "2", "2"]
    with pytest.raises(StopIteration):
        next(stream)


def test_only_what_is_there_now(server: Server) -> None:
    server.script = lambda *_: record(1)
    stream = berth.Client(server.url).tasks.follow("t", follow=False, last_event_id="7")
    assert len(list(stream)) == 1
    assert stream.end is None
    assert server.requests[0].path.endswith("/logs?follow=false")
    assert server.requests[0].headers["last-event-id"] == "7"


def test_a_task_that_is_gone_ends_it_with_an_error(server: Server) -> None:
    server.script = lambda *_: record(1) if len(server.requests) == 1 else (404, {"detail": "There is no task t"})
    stream = berth.Client(server.url).tasks.follow("t")
    assert next(stream)["message"] == "line 1"
    with pytest.raises(berth.NotFound, match="no task t"):
        next(stream)


def test_a_daemon_that_stays_away_is_given_up(server: Server) -> None:
    def script(_: Any, handler: Any) -> Any:
        handler.close_connection = True
        if len(server.requests) == 1:
            return record(1)
        return (503, {"detail": "not ready"})

    server.script = script
    stream = berth.Client(server.url).tasks.follow("t", patience=0.0)
    next(stream)
    with pytest.raises(berth.Unavailable):
        next(stream)


def test_nobody_at_the_first_connection_is_told_at_once() -> None:
    with pytest.raises(berth.Unreachable):
        next(berth.Client("http://127.0.0.1:9", retries=0).tasks.follow("t"))


def test_wait_ends_at_its_deadline_and_says_how_the_task_is(server: Server) -> None:
    running = {"task_id": "t", "status": "running"}

    def script(request: Any, handler: Any) -> Any:
        if not request.path.endswith("/events"):
            return running
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(f"id: 1\ndata: {json.dumps(running)}\n\n".encode())
        handler.wfile.flush()
        handler.rfile.read(1)  # until the client goes
        handler.close_connection = True
        return None

    server.script = script
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match=r"task t is running after 0\.2 s"):
        berth.Client(server.url).tasks.wait("t", timeout=0.2)
    assert 0.2 <= time.monotonic() - begin < 10


def test_wait_needs_one_answer_for_a_task_that_has_ended(server: Server) -> None:
    server.script = lambda *_: {"task_id": "t", "status": "failed", "message": "exit status 3", "device": "cpu"}
    client = berth.Client(server.url)
    assert client.tasks.wait("t")["status"] == "failed"
    with pytest.raises(berth.TaskFailed, match="exit status 3") as failed:
        client.task("t").wait(check=True)
    assert failed.value.task["task_id"] == "t"
    assert len(server.requests) == 3


def test_closing_a_stream_ends_its_connection(server: Server) -> None:
    server.script = lambda *_: record(1) + record(2)
    with berth.Client(server.url).tasks.follow("t") as stream:
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)
