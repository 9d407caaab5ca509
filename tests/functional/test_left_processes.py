# SPDX-License-Identifier: Apache-2.0
"""A process that cannot be killed with its lost device: the task goes on elsewhere, and what is left of
it is not taken for another task's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from harness.client import Client
from harness.commands import sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.processes import parent_of, watched_by
from harness.waiting import wait_until


@contextmanager
def process_left(daemon: Daemon, gpus: FakeGpus) -> Iterator[None]:
    """Of the task "x", which is queued again; its supervisor stands still. Behind it, nothing is left."""
    daemon.allow_stderr("device is not healthy")
    client = daemon.client
    argv = gpus.task("--memory", "2G", "--seconds", "600", "--ignore-term")
    client.submit(*argv, task_id="x", device="cuda", memory_gb=4, env=gpus.environment,
                  retry={"max": 3, "on": ["device_lost"], "backoff_s": 0})
    wait_until(lambda: client.output("x").startswith(b"devices: GPU-"), "it has its device")
    pids = {process.pid for process in daemon.task_processes("x")}
    shim = next(parent for pid in pids if (parent := parent_of(pid)) and parent not in pids)
    os.kill(shim, signal.SIGSTOP)
    gpus.ctl("lose", "0")
    try:
        wait_until(lambda: client.task("x")["retries"] == 1, "the task is queued again", within=60)
        yield
    finally:
        os.kill(shim, signal.SIGCONT)
    wait_until(lambda: shim not in watched_by(daemon.pid), "nothing is left of the first attempt")


def test_a_task_of_the_same_id_runs_only_when_nothing_is_left_of_the_first(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(1)
    daemon: Daemon = make_daemon(gpus=gpus)
    client = daemon.client
    with process_left(daemon, gpus):
        client.cancel("x")
        assert client.wait_end("x")["status"] == "cancelled"
        refused = Client(daemon.address, language="zh").request("DELETE", "/api/v2/tasks/x")
        assert (refused.status, refused.detail) == (409, "任务 x 有无法结束的进程：该进程退出后才能删除")
        assert client.task("x")["status"] == "cancelled", "it is still there"
    assert client.task("x")["message"] == "Cancelled by the user", "what ends now says nothing of the task"
    wait_until(lambda: client.request("DELETE", "/api/v2/tasks/x").status == 200, "it can be removed")
    client.submit(*sh("echo anew"), task_id="x", device="cpu")
    assert client.wait_end("x")["status"] == "completed"
    assert client.output("x") == b"anew\n"


def test_the_next_attempt_runs_elsewhere_and_ends_as_it_does(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus)
    client = daemon.client
    with process_left(daemon, gpus):
        client.wait_state("x", "running")
        task = client.task("x")
        assert (task["device"], task["attempt"]) == ("cuda:1", 2)
    assert client.task("x")["status"] == "running", "its end is not that of the second"
    client.cancel("x")
    assert client.wait_end("x")["status"] == "cancelled"
    wait_until(lambda: not daemon.task_processes("x"), "all are gone")
    wait_until(lambda: client.request("DELETE", "/api/v2/tasks/x").status == 200, "it can be removed")
