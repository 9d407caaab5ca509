# SPDX-License-Identifier: Apache-2.0
"""Users of the machine over the Unix socket: as whom their tasks run, what they may do, pools, limits; and the
configuration that is read again."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.client import Json
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start tasks as other users")

#: Accounts that every Debian has.
ANN, BOB = "games", "nobody"

_REQUEST = """
import http.client, json, os, resource, socket, sys
path, uid, gid, limit, method, target, body = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
os.setgroups([]); os.setgid(gid); os.setuid(uid)
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(path)
connection.request(method, target, json.dumps(body) if body is not None else None,
                   {"Content-Type": "application/json", "Accept-Language": "en"})
answer = connection.getresponse()
print(json.dumps([answer.status, json.loads(answer.read())]))
"""


def ask(daemon: Daemon, user: str, method: str, target: str, body: Json | None = None) -> tuple[int, Any]:
    """As a process of that user, which may have 77 files open."""
    account = pwd.getpwnam(user)
    request = json.dumps([str(daemon.socket), account.pw_uid, account.pw_gid, 77, method, target, body])
    done = subprocess.run([sys.executable, "-c", _REQUEST, request], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    status, answer = json.loads(done.stdout)
    return status, answer


def submit(daemon: Daemon, user: str, *command: str, **fields: object) -> str:
    status, task = ask(daemon, user, "POST", "/api/v2/tasks", {"command": list(command), "device": "cpu"} | fields)
    assert status == 200, task
    return task["task_id"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """pytest's own folders are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="berth-users-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shared(open_folder: Path, make_daemon: MakeDaemon) -> Daemon:
    return make_daemon(inside=open_folder, config={"users": {"allow": [ANN, "@nogroup"]}}, unix_socket=True)


def test_a_task_runs_as_who_submitted_it(shared: Daemon) -> None:
    script = "id -un; id -Gn; ulimit -n; echo $HOME $USER $LOGNAME; pwd"
    task = submit(shared, ANN, "sh", "-c", script, env={"HOME": "/tmp"})
    assert shared.client.wait_end(task)["status"] == "completed"
    name, groups, files, names, where = shared.client.output(task).decode().splitlines()
    assert (name, files, names) == (ANN, "77", f"/tmp {ANN} {ANN}")
    assert set(groups.split()) == set(subprocess.check_output(["id", "-Gn", ANN], text=True).split())
    assert where in (pwd.getpwnam(ANN).pw_dir, str(shared.state_dir / "tasks" / task / "1"))
    assert shared.client.task(task)["user"] == ANN


def test_its_events_reach_the_daemon(shared: Daemon) -> None:
    event = '{"event":"result","data":{"answer":42}}'
    task = submit(shared, ANN, "sh", "-c", f"echo '{event}' >>$BERTH_EVENTS")
    assert shared.client.wait_end(task)["result"] == {"answer": 42}


def test_what_root_may_read_a_users_task_may_not(shared: Daemon) -> None:
    task = submit(shared, ANN, "cat", str(shared.state_dir / "token"))
    end = shared.client.wait_end(task)
    assert (end["status"], end["exit_code"]) == ("failed", 1)


def test_root_over_the_socket_and_the_token_stay_the_daemons_user(shared: Daemon) -> None:
    task = submit(shared, "root", "id", "-un")
    shared.client.wait_end(task)
    assert shared.client.output(task) == b"root\n"
    assert shared.client.run("true")["user"] == "root"


def test_a_group_is_allowed_and_a_stranger_is_not(shared: Daemon) -> None:
    assert submit(shared, BOB, "true")  # of the group nogroup
    status, answer = ask(shared, "daemon", "POST", "/api/v2/tasks", {"command": ["true"]})
    assert status == 403
    assert "may not do this" in answer["detail"]


def test_it_goes_on_as_its_user_after_a_restart(shared: Daemon) -> None:
    waiting = submit(shared, ANN, "id", "-un", hold=True)
    shared.kill9()
    shared.start()
    assert shared.client.request("POST", f"/api/v2/tasks/{waiting}/release").status == 200
    shared.client.wait_end(waiting)
    assert shared.client.output(waiting) == f"{ANN}\n".encode()


def test_a_lease_of_somebody_else_is_left_alone(
    open_folder: Path, make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    daemon = make_daemon(inside=open_folder, gpus=fake_gpus(1), unix_socket=True)
    status, lease = ask(daemon, ANN, "POST", "/api/v2/leases", {"device": "cuda"})
    assert (status, lease["user"]) == (200, ANN)
    path = f"/api/v2/leases/{lease['lease_id']}"
    for method, target in (("DELETE", path), ("POST", f"{path}/renew"), ("POST", f"{path}/adopt")):
        status, answer = ask(daemon, BOB, method, target)
        assert (status, answer["detail"]) == (403, "The lease belongs to another user")
    status, still = ask(daemon, ANN, "GET", path)
    assert (status, still) == (200, lease)
    assert ask(daemon, ANN, "DELETE", path)[0] == 200


def test_limits_of_users_are_read_again(shared: Daemon) -> None:
    submit(shared, ANN, "sleep", "60")
    shared.configure({"users": {"allow": ["*"], "running": 1}})
    os.kill(shared.pid, signal.SIGHUP)
    wait_until(lambda: ask(shared, "daemon", "POST", "/api/v2/tasks", {"command": ["true"], "device": "cpu"})[0] == 200,
               "everybody is allowed now")
    third = submit(shared, ANN, "true")
    wait_until(lambda: "user_limit" in shared.client.explain(third)["counts"], "its user has as many as may run")
    assert shared.client.task(third)["waiting_for"] == "user_limit"
    shared.client.cancel(shared.client.tasks()[-1]["task_id"])
    assert shared.client.wait_end(third)["status"] == "completed"


def test_pools_and_the_default_policy(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    pools = {"train": {"devices": ["cuda:0"], "kinds": ["training"]}, "infer": {"devices": ["cuda:1"], "kinds": ["inference"]}}
    gpus = fake_gpus(3)
    daemon = make_daemon(gpus=gpus, config={"pools": pools, "policy": "pack"})
    devices = daemon.client.request("GET", "/api/v2/resources/gpu").json()["devices"]
    assert [device["pools"] for device in devices] == [["train"], ["infer"], []]

    def where(**fields: object) -> str:
        return daemon.client.run("true", device="cuda", memory_gb=1, **fields)["device"]

    assert where(kind="training", pool="train") == "cuda:0"
    assert where(kind="inference", pool="infer") == "cuda:1"
    assert where() == "cuda:2"
    assert daemon.client.run("true")["policy"] == "pack"
    refused = daemon.client.request("POST", "/api/v2/tasks", {"command": ["true"], "pool": "none"})
    assert refused.status == 400
    assert "the pools are infer, train" in refused.detail


def test_a_mistake_in_the_configuration_changes_nothing(daemon: Daemon) -> None:
    daemon.allow_stderr("configuration")
    daemon.configure({"policy": "best"})
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: "policy must be balanced" in daemon.stderr(), "the mistake is named")
    assert daemon.client.run("true")["policy"] == "balanced"
    daemon.configure({"policy": "spread", "lang": "zh"})
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: daemon.client.run("true")["policy"] == "spread", "the new policy counts")
