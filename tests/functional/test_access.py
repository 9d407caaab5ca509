# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the token, foreign origins and hosts, content types, the Unix socket."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from harness.client import Client
from harness.commands import lines, mark
from harness.daemon import Daemon, MakeDaemon


def test_a_command_over_tcp_without_the_token_is_refused(daemon: Daemon, folder: Path) -> None:
    marker = folder / "marker"
    body = {"command": mark(marker)}
    for token in (None, "wrong", daemon.token[:-1], daemon.token + "x", ""):
        answer = Client(daemon.address, token).request("POST", "/api/v2/tasks", body)
        assert answer.status in (401, 403), token
        assert isinstance(answer.detail, str)
        assert daemon.token not in answer.detail
    bare = daemon.anonymous()
    for headers in ({"Authorization": daemon.token}, {"Authorization": f"Basic {daemon.token}"}):
        assert bare.request("POST", "/api/v2/tasks", body, headers).status in (401, 403)
    assert daemon.client.tasks() == []
    assert daemon.client.run(*mark(marker, "with"))["status"] == "completed"
    assert lines(marker) == ["with"]


def test_reading_on_loopback_needs_no_token(daemon: Daemon) -> None:
    daemon.client.run("true", task_id="t")
    client = daemon.anonymous()
    for path in ("/", "/api/v1/health", "/api/v2/tasks", "/api/v2/tasks/t", "/api/v2/resources", "/healthz"):
        assert client.request("GET", path).status == 200, path


def test_the_token_file_is_the_owners_alone(daemon: Daemon) -> None:
    mode = (daemon.state_dir / "token").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    before = daemon.token
    assert len(before) >= 32
    daemon.restart()
    assert daemon.token == before


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1", "null", "http://localhost.evil.example"]
)
def test_a_foreign_origin_is_refused(daemon: Daemon, origin: str) -> None:
    client = daemon.client
    headers = {"Origin": origin}
    assert client.request("POST", "/api/v2/tasks", {"command": ["true"]}, headers).status == 403
    assert client.request("POST", "/api/v2/training/start", {}, headers).status == 403
    assert client.request("POST", "/api/v2/resources/config", {"max_concurrent": {}}, headers).status == 403
    assert client.request("GET", "/api/v2/tasks", headers=headers).status == 403
    preflight = headers | {"Access-Control-Request-Method": "POST"}
    answer = client.request("OPTIONS", "/api/v2/tasks", headers=preflight)
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert client.tasks() == []


def test_another_port_of_this_machine_is_a_foreign_origin(daemon: Daemon) -> None:
    headers = {"Origin": "http://127.0.0.1:1"}
    assert daemon.client.request("POST", "/api/v2/tasks", {"command": ["true"]}, headers).status == 403


def test_its_own_origin_is_welcome(daemon: Daemon) -> None:
    headers = {"Origin": f"http://{daemon.address}"}
    assert daemon.client.request("POST", "/api/v2/tasks", {"command": ["true"]}, headers).status == 200


def test_a_cross_site_form_is_refused(daemon: Daemon) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert daemon.client.request("POST", "/api/v2/tasks", {"command": ["true"]}, headers).status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]", "user@127.0.0.1"]
)
def test_a_foreign_host_is_refused(daemon: Daemon, host: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/api/v2/tasks"), ("POST", "/api/v2/tasks")):
        assert daemon.client.request(method, path, headers={"Host": host}).status in (400, 403)


def test_names_of_loopback_are_welcome(daemon: Daemon) -> None:
    port = daemon.address.rpartition(":")[2]
    for host in (f"localhost:{port}", f"LOCALHOST:{port}", "127.0.0.1", "[::1]:80"):
        assert daemon.client.request("GET", "/api/v1/health", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_what_a_web_form_can_send_is_refused(daemon: Daemon, kind: str) -> None:
    raw = b'{"command": ["true"]}'
    for path in ("/api/v2/tasks", "/api/v2/training/start", "/api/v2/resources/config"):
        answer = daemon.client.request("POST", path, raw=raw, headers={"Content-Type": kind})
        assert answer.status == 415
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert daemon.client.request("POST", "/api/v2/tasks", raw=raw, headers=charset).status == 200


def test_a_body_that_is_too_large_is_413(daemon: Daemon) -> None:
    raw = b'{"command": ["' + b"x" * (40 << 20) + b'"]}'
    try:
        status = daemon.client.request("POST", "/api/v2/tasks", raw=raw).status
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # it hung up before it had all of it
    assert status == 413
    assert daemon.client.run("true")["status"] == "completed"


def test_the_unix_socket_needs_no_token_for_the_same_user(make_daemon: MakeDaemon) -> None:
    daemon: Daemon = make_daemon(unix_socket=True)
    client = daemon.over_unix()
    assert client.run("echo", "hi", task_id="t")["status"] == "completed"
    assert client.output("t") == b"hi\n"
    assert daemon.anonymous().request("POST", "/api/v2/tasks", {"command": ["true"]}).status in (401, 403)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_unix_socket_refuses_commands_of_other_users(make_daemon: MakeDaemon, folder: Path) -> None:
    daemon: Daemon = make_daemon(unix_socket=True)
    assert daemon.socket is not None
    for place in (folder, daemon.folder):
        place.chmod(0o755)
    script = (
        "import http.client, json, socket, sys\n"
        "c = http.client.HTTPConnection('localhost'); c.sock = socket.socket(socket.AF_UNIX)\n"
        "try: c.sock.connect(sys.argv[1])\n"
        "except PermissionError: print(403); sys.exit()\n"
        "h = {'Content-Type': 'application/json'}\n"
        "c.request('POST', '/api/v2/tasks', json.dumps({'command': ['true']}), h)\n"
        "print(c.getresponse().status)\n"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script, str(daemon.socket)],
        user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=True, cwd="/",
    )  # fmt: skip
    assert done.stdout.strip() in ("401", "403")
    assert daemon.client.tasks() == []


def test_a_socket_left_by_a_killed_daemon_is_taken_over(make_daemon: MakeDaemon) -> None:
    daemon: Daemon = make_daemon(unix_socket=True)
    daemon.kill9()
    daemon.start()
    assert daemon.over_unix().run("true")["status"] == "completed"


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_listener_for_other_machines_needs_data_roots(folder: Path, address: str) -> None:
    daemon = Daemon(folder / "d", config={"listen": [address]})
    arguments = [a for a in daemon.arguments() if a not in ("--listen", "127.0.0.1:0")]
    if not Path(arguments[0]).exists():
        pytest.skip(f"not built: {arguments[0]}")
    done = subprocess.run(arguments, env=daemon.environment(), capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert b"data_roots" in done.stderr
