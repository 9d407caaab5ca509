# SPDX-License-Identifier: Apache-2.0
"""Requests: what is sent, what is sent again, and what an answer becomes."""

from __future__ import annotations

import json
import os
import pickle
import select
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Server

import berth
from berth.address import Address, default_token

UNUSED = "http://127.0.0.1:9"


def hang_up(_: Any, handler: Any) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def test_addresses() -> None:
    plain = Address.parse("http://[::1]:8001/")
    assert (plain.host, plain.port, plain.prefix, plain.is_local) == ("::1", 8001, "", True)
    behind = Address.parse("https://gpus.example/berth")
    assert (behind.scheme, behind.port, behind.prefix, behind.is_local) == ("https", 443, "/berth", False)
    assert Address.parse("box:8000").url == "box:8000"
    for unix in ("unix:/run/b.sock", "unix:///run/b.sock"):
        assert (Address.parse(unix).scheme, Address.parse(unix).host) == ("unix", "/run/b.sock")
    for wrong in ("unix:b.sock", "ftp://box", "http://", ""):
        with pytest.raises(ValueError, match=r"is no address|no absolute path"):
            Address.parse(wrong)


def test_the_token_is_found_where_the_command_line_finds_it(tmp_path: Path) -> None:
    state, home = tmp_path / "state", tmp_path / "home"
    environ = {"BERTH_STATE_DIR": str(state), "HOME": str(home)}
    found = default_token(environ)
    assert found is None or not state.exists()
    (home / ".local/state/berth").mkdir(parents=True)
    (home / ".local/state/berth/token").write_text("of home\n")
    state.mkdir()
    (state / "token").write_text(" of the state directory\n")
    assert default_token(environ) == "of the state directory"
    assert default_token({**environ, "BERTH_TOKEN": "named"}) == "named"
    if not Path("/var/lib/berth/token").exists():
        assert default_token({"HOME": str(home)}) == "of home"


def test_what_is_sent(server: Server) -> None:
    client = berth.Client(server.url + "/prefix", token="secret", language="zh")
    client.tasks.list(status="live")
    client.tasks.get("a b/c?")
    client.training.start(model="m", num_classes=2, train_path=Path("data"), val_path="v", save_path="s")
    first, second, third = server.requests
    assert first.path == "/prefix/api/v2/tasks?status=live"
    assert first.headers["authorization"] == "Bearer secret"
    assert first.headers["accept-language"] == "zh"
    assert second.path == "/prefix/api/v2/tasks/a%20b%2Fc%3F"
    assert third.body["train_path"] == str(Path.cwd() / "data"), "a Path counts from here"
    assert third.body["val_path"] == "v", "a text is sent as it is"
    assert first.connection == second.connection == third.connection


def test_what_cannot_be_sent_is_a_value_error() -> None:
    client = berth.Client(UNUSED)
    for wrong in (
        lambda: client.tasks.get(""),
        lambda: client.tasks.create(command=["x"], memory_gb=float("nan")),
        lambda: client.tasks.create(command=["x"], name=object()),  # type: ignore[typeddict-item]
        lambda: client.tasks.create(command=["x"], array=3),
        lambda: client.arrays.create(command=["x"]),
        lambda: client.run("python3 train.py"),
        lambda: berth.Client(UNUSED, timeout=0),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_each_thread_has_a_connection_of_its_own(server: Server) -> None:
    client = berth.Client(server.url)
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        for _ in range(20):
            assert client.service.info() == {}

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 160
    assert len({request.connection for request in server.requests}) == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_does_not_use_its_parents_connection(server: Server) -> None:
    client = berth.Client(server.url)
    client.service.info()
    child = os.fork()
    if child == 0:
        try:
            client.service.info()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    client.service.info()
    ours, theirs, again = (request.connection for request in server.requests)
    assert ours == again != theirs


def test_what_changes_nothing_is_sent_again_a_few_times(server: Server) -> None:
    client = berth.Client(server.url, retries=2)
    failures = 2

    def script(request: Any, handler: Any) -> Any:
        return hang_up(request, handler) if len(server.requests) <= failures else {"ok": True}

    server.script = script
    assert client.service.info() == {"ok": True}
    assert len(server.requests) == 3
    server.script = hang_up
    server.requests.clear()
    with pytest.raises(berth.Unreachable, match="cannot reach the Berth daemon"):
        client.service.info()
    assert len(server.requests) == 3


def test_what_changes_something_is_sent_once(server: Server) -> None:
    server.script = hang_up
    client = berth.Client(server.url)
    for change in (lambda: client.tasks.create(command=["x"]), lambda: client.tasks.delete("x")):
        server.requests.clear()
        with pytest.raises(berth.Unreachable):
            change()
        assert len(server.requests) == 1


def test_a_connection_that_was_given_up_meanwhile_is_made_anew(server: Server) -> None:
    def once(_: Any, handler: Any) -> Any:
        handler.close_connection = True
        return {}

    server.script = once
    client = berth.Client(server.url, retries=0)
    client.tasks.create(command=["x"])
    connection = client._transport._own().connection
    assert connection is not None
    assert select.select([connection.sock], [], [], 30)[0], "its end has arrived"
    client.tasks.create(command=["x"])
    assert len({request.connection for request in server.requests}) == 2


def test_an_answer_that_does_not_come_in_time(server: Server) -> None:
    gate = threading.Event()

    def slow(*_: Any) -> Any:
        gate.wait(30)
        return {}

    server.script = slow
    try:
        with pytest.raises(berth.Unreachable, match=r"within 0\.05 s"):
            berth.Client(server.url, timeout=0.05).service.info()
        assert len(server.requests) == 1
    finally:
        gate.set()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, berth.BadRequest), (401, berth.Unauthorized), (403, berth.Forbidden), (404, berth.NotFound),
        (409, berth.Conflict), (429, berth.QueueFull), (500, berth.ServerError), (503, berth.Unavailable),
        (507, berth.StorageFull), (405, berth.BerthError), (502, berth.ServerError),
    ],
)  # fmt: skip
def test_errors_have_a_class_per_status_and_the_daemons_words(
    server: Server, status: int, kind: type[berth.BerthError]
) -> None:
    server.script = lambda *_: (status, {"detail": "why it was refused"})
    with pytest.raises(berth.BerthError, match="why it was refused") as refused:
        berth.Client(server.url).tasks.create(command=["x"])
    assert type(refused.value) is kind
    assert (refused.value.status, refused.value.detail) == (status, "why it was refused")
    copy = pickle.loads(pickle.dumps(refused.value))
    assert (type(copy), str(copy), copy.status) == (kind, str(refused.value), status)


def test_a_validation_error_names_its_fields(server: Server) -> None:
    detail = [
        {"type": "missing", "loc": ["body", "model"], "msg": "Field required", "input": {}},
        {
            "type": "greater_than_equal",
            "loc": ["body", "retry", "max"],
            "msg": "too small",
            "input": -1,
            "ctx": {"ge": 0},
        },
    ]
    server.script = lambda *_: (422, {"detail": detail})
    with pytest.raises(berth.ValidationError) as refused:
        berth.Client(server.url).tasks.create(command=["x"])
    assert str(refused.value) == "model: Field required; retry.max: too small"
    assert refused.value.fields == ["model", "retry.max"]
    assert refused.value.violations == detail


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b'"text"', b'{"other": 1}', b'{"detail": [3]}'])
def test_errors_of_something_in_between_are_readable(server: Server, body: bytes) -> None:
    server.script = lambda *_: (502, body)
    with pytest.raises(berth.ServerError, match=r"502|3"):
        berth.Client(server.url).service.info()


def test_what_is_no_json_is_an_error(server: Server) -> None:
    server.script = lambda *_: b"hello"
    with pytest.raises(berth.BerthError, match="is that berthd"):
        berth.Client(server.url).service.info()


def test_run_gives_the_environment_and_the_directory_of_the_caller(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_TOKEN", "secret")
    monkeypatch.setenv("ODD", os.fsdecode(b"\xff"))
    monkeypatch.setenv("MINE", "1")
    server.script = lambda request, _: {"task_id": "t", "status": "queued", "device": "auto", **(request.body or {})}
    client = berth.Client(server.url)
    client.run(["python3", Path("a.py")], gpus=2, memory_gb=8, env={"MINE": "2"})  # type: ignore[list-item]
    client.run(["true"], inherit_env=False, cwd="/srv")
    first, second = (request.body for request in server.requests)
    assert first["command"] == ["python3", "a.py"]
    assert (first["gpus"], first["memory_gb"], first["cwd"]) == (2, 8, os.getcwd())
    assert first["env"]["MINE"] == "2"
    assert not {"BERTH_TOKEN", "ODD"} & set(first["env"])
    assert (second["env"], second["cwd"]) == ({}, "/srv")
    assert "secret" not in json.dumps(first)
