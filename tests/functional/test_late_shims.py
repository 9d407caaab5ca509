# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed when a task's shim is started and has not claimed its attempt yet: on a busy machine
it gets there only when the next daemon has looked. Whatever that one decides, the task runs once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import programs
from harness.commands import Gate, lines, sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.processes import tagged
from harness.waiting import wait_until


@pytest.fixture
def gate(folder: Path) -> Gate:
    """Until it is open no shim comes to its claim."""
    return Gate(folder / "gate")


@pytest.fixture
def program(folder: Path, gate: Gate) -> Path:
    """berthd beside a shim that waits first. Meanwhile a signal ends it, as a lack of memory might."""
    place = folder / "bin"
    place.mkdir()
    shutil.copy(programs.BERTHD, place)
    wrapper = place / programs.SHIM.name
    wait = f'while [ ! -e "{gate.path}" ]; do sleep 0.02; done'
    # Without a launcher, which would start shims that do not wait.
    wrapper.write_text(f'#!/bin/sh\ntest "$1" != --launcher || exit 0\n{wait}\nexec "{programs.SHIM}" "$@"\n')
    wrapper.chmod(0o755)
    return place / programs.BERTHD.name


def slow_daemon(make_daemon: MakeDaemon, program: Path, gpus: FakeGpus | None = None) -> Daemon:
    """Its shims wait; without a launcher, which says that it is gone."""
    daemon = make_daemon(gpus=gpus, program=program)
    daemon.allow_stderr("the launcher of shims has ended")
    return daemon


def shims(daemon: Daemon) -> int:
    found = [process.command for process in tagged(str(daemon.tmp))]
    return sum("berth-shim" in command and "--launcher" not in command for command in found)


def counting(file: Path) -> list[str]:
    return sh(f'echo "$BERTH_ATTEMPT" >> "{file}"; sleep 0.2')


def test_a_launch_that_is_taken_back_after_a_restart_cannot_come_late(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path, gate: Gate, program: Path
) -> None:
    gpus = fake_gpus(1)
    daemon: Daemon = slow_daemon(make_daemon, program, gpus)
    runs = folder / "runs"
    daemon.client.submit(*counting(runs), device="cuda", memory_gb=10, task_id="t")
    wait_until(lambda: shims(daemon) == 1, "the shim is started")
    daemon.kill9()
    holder = gpus.hold(0, "20G")
    daemon.start()
    wait_until(lambda: daemon.client.task("t")["status"] == "queued", "there is no memory for it now")
    assert shims(daemon) == 1, "the first shim is still on its way"
    gate.open()
    wait_until(lambda: shims(daemon) == 0, "it found its attempt revoked")
    assert lines(runs) == []
    gpus.release(holder)
    task = daemon.client.wait_end("t")
    assert (task["status"], task["attempt"], task["exit_code"]) == ("completed", 2, 0)
    assert lines(runs) == ["2"]


def test_one_that_came_in_time_is_followed_instead_of_taken_back(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path, gate: Gate, program: Path
) -> None:
    gpus = fake_gpus(1)
    daemon: Daemon = slow_daemon(make_daemon, program, gpus)
    runs = folder / "runs"
    daemon.client.submit(*counting(runs), device="cuda", memory_gb=10, task_id="t")
    wait_until(lambda: shims(daemon) == 1, "the shim is started")
    daemon.kill9()
    gate.open()
    daemon.start()
    task = daemon.client.wait_end("t")
    assert (task["status"], task["attempt"], task["exit_code"]) == ("completed", 1, 0)
    assert lines(runs) == ["1"]


def test_both_shims_of_an_attempt_start_it_once(
    make_daemon: MakeDaemon, folder: Path, gate: Gate, program: Path
) -> None:
    daemon: Daemon = slow_daemon(make_daemon, program)
    runs = folder / "runs"
    daemon.client.submit(*counting(runs), device="cpu", task_id="t")
    wait_until(lambda: shims(daemon) == 1, "the shim is started")
    daemon.kill9()
    daemon.start()
    wait_until(lambda: shims(daemon) == 2, "the next daemon has started another one")
    gate.open()
    task = daemon.client.wait_end("t")
    assert (task["status"], task["attempt"], task["exit_code"]) == ("completed", 1, 0)
    assert lines(runs) == ["1"]


def test_a_cancel_between_two_shims_leaves_nothing_running(
    make_daemon: MakeDaemon, gate: Gate, program: Path
) -> None:
    daemon: Daemon = slow_daemon(make_daemon, program)
    daemon.client.submit("/bin/sleep", "1000", device="cpu", task_id="t")
    wait_until(lambda: shims(daemon) == 1, "the shim is started")
    daemon.kill9()
    daemon.start()
    wait_until(lambda: shims(daemon) == 2, "the next daemon has started another one")
    daemon.client.cancel("t")
    gate.open()
    assert daemon.client.wait_end("t")["status"] == "cancelled"
    wait_until(lambda: shims(daemon) == 0, "nothing is left")


def test_a_revocation_survives_a_kill_before_the_decision_does(
    make_daemon: MakeDaemon, folder: Path, gate: Gate, program: Path
) -> None:
    daemon: Daemon = slow_daemon(make_daemon, program)
    runs = folder / "runs"
    daemon.client.submit(*counting(runs), device="cpu", task_id="t")
    wait_until(lambda: shims(daemon) == 1, "the shim is started")
    daemon.kill9()
    (daemon.state_dir / "tasks" / "t" / "1" / "claim").symlink_to("revoked")
    gate.open()
    wait_until(lambda: shims(daemon) == 0, "the first shim found its attempt revoked")
    daemon.start()
    task = daemon.client.wait_end("t")
    assert (task["status"], task["attempt"], task["exit_code"]) == ("completed", 2, 0)
    assert lines(runs) == ["2"]
