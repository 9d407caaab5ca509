# SPDX-License-Identifier: Apache-2.0
"""No room left in the state directory: the daemon stays up, takes nothing new, loses nothing."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import programs
from harness.client import RefusedError
from harness.command_line import CommandLine
from harness.commands import Gate, mark, sh, stubborn_tree
from harness.daemon import Daemon, MakeDaemon
from harness.processes import alive
from harness.waiting import wait_until

STORAGE_FULL = 507


class Disk:
    """A small file system that holds the state of one daemon."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def fill(self) -> None:
        """To the last byte."""
        with self._filler.open("ab", buffering=0) as filler:
            for size in (1 << 20, 1 << 12, 1):
                while True:
                    try:
                        filler.write(b"x" * size)
                    except OSError as error:
                        assert error.errno == errno.ENOSPC
                        break

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(folder: Path) -> Iterator[Disk]:
    place = folder / "d0" / "state"
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield Disk(place)
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def full(disk: Disk, make_daemon: MakeDaemon) -> Daemon:
    daemon = make_daemon()
    daemon.allow_stderr("has no room|cannot be written|No space left|not in the history|history is not kept")
    return daemon


def refused(daemon: Daemon, **fields: object) -> bool:
    answer = daemon.client.request("POST", "/api/v2/tasks", {"command": ["true"], **fields})
    if answer.status == 200:
        return False
    assert answer.status == STORAGE_FULL, answer
    assert "no room" in answer.detail, answer.detail
    return True


def wait_full(daemon: Daemon, disk: Disk) -> None:
    """What is written meanwhile may have found a gap: fills up until nothing new is taken."""

    def look() -> bool:
        disk.fill()
        return refused(daemon)

    wait_until(look, "new work is refused")


def wait_room(daemon: Daemon) -> None:
    wait_until(lambda: daemon.client.request("GET", "/readyz").status == 200, "there is room again")


def test_nothing_new_is_taken_and_what_runs_ends_truly(full: Daemon, disk: Disk, folder: Path) -> None:
    client = full.client
    client.limits({"cpu": {"training": 1}})
    gate = Gate(folder / "gate")
    trace = folder / "trace"
    client.run(*sh("head -c 3000000 /dev/zero | tr '\\0' x | fold -w 1000"), task_id="fat")
    client.submit(*gate.wait("exit 7"), task_id="runs", kind="training", device="cpu")
    client.submit(*mark(trace), task_id="waits", kind="training", device="cpu")
    full.wait_started("runs")
    wait_full(full, disk)

    health = client.get("/api/v1/health")
    assert health["status"] == "unhealthy"
    assert "no room" in health["parts"]["store"]
    assert client.request("GET", "/readyz").status == 503
    if programs.BERTH.exists():
        doctor = CommandLine(full, folder)("doctor")
        assert "the state directory is full" in doctor.stdout
        assert doctor.returncode == 1
    assert client.request("GET", "/healthz").status == 200
    assert client.limits({"cpu": {"training": 2}}).status == STORAGE_FULL
    assert client.get("/api/v2/resources")["limits"]["cpu"]["training"] == 1
    assert client.request("POST", "/api/v2/tasks/waits/cancel").status == STORAGE_FULL
    assert client.task("waits")["status"] == "queued"
    assert {task["task_id"] for task in client.tasks()} >= {"fat", "runs", "waits"}

    gate.open()
    ended = client.wait_end("runs")
    assert (ended["status"], ended["exit_code"]) == ("failed", 7)
    explanation = client.explain("waits")
    assert explanation["counts"] == {"paused": len(explanation["devices"])}, explanation
    assert "room" in explanation["summary"]
    assert not trace.exists(), "nothing is started that could not be recorded"

    client.remove("fat")
    wait_room(full)
    assert client.wait_end("waits")["status"] == "completed"
    assert client.get("/api/v1/health")["status"] == "healthy"
    full.kill9()
    full.start()
    assert full.client.task("runs")["exit_code"] == 7
    assert full.client.task("waits")["status"] == "completed"
    assert full.client.request("GET", "/api/v2/tasks/fat").status == 404


def test_it_starts_on_a_full_disk(full: Daemon, disk: Disk, folder: Path) -> None:
    gate = Gate(folder / "gate")
    full.client.submit(*gate.wait("echo said; exit 9"), task_id="runs")
    full.client.run("true", task_id="ended")
    full.wait_started("runs")
    wait_full(full, disk)
    full.kill9()
    gate.open()
    full.start()
    assert full.client.task("ended")["status"] == "completed"
    assert refused(full)
    ended = full.client.wait_end("runs")
    assert (ended["status"], ended["exit_code"]) == ("failed", 9)
    full.kill9()  # its end could not be recorded
    full.start()
    assert full.client.wait_end("runs")["exit_code"] == 9
    disk.free()
    wait_room(full)
    assert full.client.run("true", task_id="new")["status"] == "completed"
    full.restart()
    assert {t["task_id"]: t["exit_code"] for t in full.client.tasks()} == {"runs": 9, "ended": 0, "new": 0}


def test_a_task_that_fills_the_disk_can_be_cancelled(full: Daemon, disk: Disk, folder: Path) -> None:
    pids = folder / "pids"
    full.client.submit(*stubborn_tree(pids), task_id="greedy")
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 5, "the tree is there")
    wait_full(full, disk)
    full.client.cancel("greedy")
    assert full.client.wait_end("greedy")["status"] == "cancelled"
    assert not any(alive(int(pid)) for pid in pids.read_text().split())
    disk.free()
    wait_room(full)
    full.restart()
    assert full.client.task("greedy")["status"] == "cancelled"


def test_it_stops_on_a_full_disk(full: Daemon, disk: Disk) -> None:
    full.client.run("true", task_id="ended")
    wait_full(full, disk)
    full.stop()
    disk.free()
    full.start()
    assert full.client.task("ended")["status"] == "completed"


def test_every_submission_is_taken_or_refused(full: Daemon, disk: Disk, folder: Path) -> None:
    """A disk that fills up under 8 clients: what was taken runs once, what was refused has never been."""
    traces = folder / "traces"
    traces.mkdir()
    taken: list[str] = []
    rejected: list[str] = []

    enough = threading.Event()

    def work(client_number: int) -> None:
        for number in itertools.count():
            if enough.is_set():
                return
            task_id = f"t{client_number}-{number}"
            with contextlib.suppress(RefusedError):
                full.client.submit(*mark(traces / task_id), task_id=task_id)
                taken.append(task_id)
                continue
            rejected.append(task_id)

    def fill() -> bool:
        disk.fill()
        return len(rejected) > 20

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(taken) > 20, "some are taken")
        wait_until(fill, "the disk is full")
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    full.kill9()
    disk.free()
    full.start()
    for task_id in taken:
        assert full.client.wait_end(task_id)["status"] == "completed", task_id
        assert (traces / task_id).read_text().split() == ["ran"]
    assert {task["task_id"] for task in full.client.tasks()} == set(taken)
    assert {path.name for path in traces.iterdir()} == set(taken)
