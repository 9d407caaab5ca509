# SPDX-License-Identifier: Apache-2.0
"""A scripted life of a few tasks, again and again, and each time the daemon is killed at another point of
it: before each of its calls that change a file, a directory or a process, or that send something
(tests/fakes/kill_point.c). The next daemon goes on with the life, which must come out as if nothing had been.

The second series kills the daemon that takes over: while it reads the store, adopts and starts anew.
All points take minutes: by default it is every so many-th from a random one, BERTH_KILL_POINTS=all
for all."""

from __future__ import annotations

import http.client
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness import programs
from harness.client import FINAL
from harness.commands import sh
from harness.daemon import Daemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.processes import tagged
from harness.waiting import wait_until

#: So many points of a series, spread over it, where not all are wanted.
SOME = 25


@dataclass
class Life:
    """Of one daemon's state directory, from the first start to the end of all tasks."""

    daemon: Daemon
    gpus: FakeGpus
    folder: Path
    kills: int = 0
    removed: bool = False
    first_answers: dict[str, int] = field(default_factory=dict)

    def up(self) -> None:
        """Starts the daemon if it is not there. A start that is killed is followed by another one."""
        while not self.daemon.running:
            if self.daemon.killed():
                self.kills += 1
                self.daemon.env = {}
            try:
                self.daemon.start(every=0.002)
            except AssertionError:
                if not self.daemon.killed():
                    raise

    def ask(self, method: str, path: str, body: Any = None) -> int:
        """Until there is an answer. A request may be done twice, then its second answer counts: 404 or 409
        for what was done the first time."""
        again = False
        while True:
            self.up()
            try:
                answer = self.daemon.client.request(method, path, body)
            except (OSError, http.client.HTTPException):
                wait_until(lambda: not self.daemon.running, "the daemon was killed", within=10)
                again = True
                continue
            assert answer.status == 200 or (again and answer.status in (404, 409)), (path, answer)
            return answer.status

    def get(self, path: str) -> Any:
        while True:
            self.up()
            try:
                return self.daemon.client.get(path)
            except (OSError, http.client.HTTPException):
                wait_until(lambda: not self.daemon.running, "the daemon was killed", within=10)

    def status(self, name: str) -> str:
        return self.get(f"/api/v2/tasks/{name}")["status"]

    def trace(self, name: str) -> list[list[str]]:
        path = self.folder / name
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def submit(self, name: str, script: str, **fields: Any) -> None:
        traced = f't() {{ echo "$1 $BERTH_ATTEMPT $2" >> "{self.folder / name}"; }}; t start 0; {script}'
        body = {"command": sh(traced), "task_id": name, "device": "cuda", "memory_gb": 1, **fields}
        self.ask("POST", "/api/v2/tasks", body)

    def until(self, check: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            self.up()
            return check()

        wait_until(look, what, within=30)

    def live(self, pause: Callable[[], None]) -> None:
        """`pause` is called in the middle, when one task runs, one waits and one has ended."""
        self.up()
        self.submit("ends", "t end 7; exit 7")
        first = f'[ $(grep -c ^start "{self.folder / "retried"}") -ge 2 ]'
        retrying = f"{first} || {{ t end 3; exit 3; }}; t end 0"
        self.submit("retried", retrying, retry={"max": 2, "backoff_s": 0.02})
        self.submit("follows", "t end 0", after=["retried"])
        self.submit("held", "t end 5; exit 5", hold=True, device="cpu", memory_gb=None)
        self.submit("cancelled", "exec sleep 600")
        self.submit("long", "sleep 0.3; t end 4; exit 4")
        self.until(lambda: bool(self.trace("cancelled")), "it runs")
        self.until(lambda: self.status("ends") in FINAL, "it has ended")
        pause()
        self.ask("POST", "/api/v2/tasks/cancelled/cancel")
        self.ask("POST", "/api/v2/tasks/held/release")
        for name in ("retried", "follows", "held", "cancelled", "long"):
            self.until(lambda name=name: self.status(name) in FINAL, f"{name} has ended")
        self.ask("DELETE", "/api/v2/tasks/ends")

    def check(self) -> None:
        tasks = {task["task_id"]: task for task in self.get("/api/v2/tasks")["tasks"]}
        told = {
            name: (task["status"], task["cause"], task["exit_code"], task["retries"])
            for name, task in tasks.items()
        }
        assert told == {
            "retried": ("completed", "exited", 0, 1),
            "follows": ("completed", "exited", 0, 0),
            "held": ("failed", "exited", 5, 0),
            "cancelled": ("cancelled", "cancelled", None, 0),
            "long": ("failed", "exited", 4, 0),
        }
        for name, ends in [("ends", ["7"]), ("retried", ["3", "0"]), ("follows", ["0"]), ("held", ["5"]),
                           ("cancelled", []), ("long", ["4"])]:  # fmt: skip
            words = self.trace(name)
            starts = [attempt for word, attempt, _ in words if word == "start"]
            assert [code for word, _, code in words if word == "end"] == ends, (name, words)
            assert len(starts) == len(set(starts)) == max(1, len(ends)), (name, words)
        assert {path.name for path in (self.daemon.state_dir / "tasks").iterdir()} == tasks.keys()

    def end(self) -> None:
        """The daemon's regular end, which may be where it is killed: then of another one."""
        self.up()
        try:
            self.daemon.stop()
        except AssertionError as error:
            if "ended with -9" not in str(error):
                raise
            self.kills += 1
            self.daemon.env = {}
            self.daemon.start()
            self.check()
            self.daemon.stop()
        wait_until(lambda: not tagged(str(self.daemon.tmp)), "no process is left", within=10)


def armed(point: int, count: Path | None = None) -> dict[str, str]:
    env = {"LD_PRELOAD": str(programs.KILL_POINT), "BERTH_KILL_POINT": str(point)}
    return env | ({"BERTH_KILL_POINT_COUNT": str(count)} if count else {})


def live_once(place: Path, gpus: FakeGpus, series: str, point: int, count: Path | None = None) -> int:
    """How often the daemon was killed at a point."""
    place.mkdir()
    (place / "traces").mkdir()
    first = series == "first"
    daemon = Daemon(place / "d", gpus=gpus, env=armed(point, count) if first else {})
    life = Life(daemon, gpus, place / "traces")

    def take_over() -> None:
        if not first:
            if daemon.running:
                daemon.kill9()
            daemon.env = armed(point, count)

    try:
        life.live(take_over)
        life.check()
        life.end()
    finally:
        if daemon.running:
            daemon.close()
    assert daemon.stderr() == "", f"{series} {point}: {daemon.stderr()}"
    return life.kills


@pytest.mark.slow
@pytest.mark.parametrize("series", ["first", "second"])
def test_a_life_comes_out_the_same_wherever_the_daemon_is_killed(
    folder: Path, fake_gpus: MakeGpus, series: str
) -> None:
    if not programs.KILL_POINT.exists():
        pytest.skip(f"not built: {programs.KILL_POINT}")
    gpus = fake_gpus(2)
    count = folder / "count"
    assert live_once(folder / "none", gpus, series, 0, count) == 0
    points = int(count.read_text())
    wanted = os.environ.get("BERTH_KILL_POINTS", str(SOME))
    every = 1 if wanted == "all" else max(1, points // int(wanted))
    seed = int(os.environ.get("BERTH_TEST_SEED", random.randrange(2**32)))
    first = random.Random(seed).randrange(every) + 1
    begin = time.monotonic()
    killed = tried = 0
    for point in range(first, points + 1, every):
        try:
            killed += live_once(folder / str(point), gpus, series, point)
        except AssertionError as error:
            raise AssertionError(f"{series} daemon killed at point {point} of {points}: {error}") from error
        tried += 1
    print(
        f"{series} daemon: {points} points in a life, killed at {killed} of {tried} tried (every {every}. "
        f"from {first}) in {time.monotonic() - begin:.0f} s"
    )
    assert killed >= tried * 0.7, "a life takes about the same way each time"
