# SPDX-License-Identifier: Apache-2.0
"""Creates, status reads and event readers at the same time, against one daemon."""

from __future__ import annotations

import sys
from pathlib import Path

from daemon import TASKS, Load, creates, result, running
from figures import Figure
from harness.daemon import Daemon
from harness.fakegpu import FakeGpus
from harness.sse import EventReader

SECONDS = 10
CREATES, READS = 550, 1_100  # per second, a little more than the goals
WRITERS, READERS_EACH, LINES = 20, 5, 200

# Prints numbered lines over the time of the measurement, after a moment for the readers to connect.
WRITER = f"""
import time
time.sleep(2)
for line in range({LINES}):
    print(line, flush=True)
    time.sleep({SECONDS}/{LINES})
"""


def start_readers(daemon: Daemon) -> list[list[EventReader]]:
    """By task."""
    client = daemon.client
    ids = [client.submit(sys.executable, "-ISc", WRITER, device="cuda:1", memory_gb=0.1)["task_id"]
           for _ in range(WRITERS)]
    return [[EventReader(client, f"{TASKS}/{task}/logs") for _ in range(READERS_EACH)] for task in ids]


def complete(readers: list[EventReader]) -> int:
    """How many of a task's readers got every line, in order, and what the others of the task got."""
    logs = [reader.join(within=120) for reader in readers]
    good = 0
    for log in logs:
        lines = [event.data["message"] for event in log if str(event.data.get("message", "")).isdigit()]
        good += lines == [str(line) for line in range(LINES)] and [e.text() for e in log] == [e.text() for e in logs[0]]
    return good


def measure(folder: Path) -> list[Figure]:
    gpus = FakeGpus(folder, count=8)
    gpus.hold(0, "20G")
    try:
        with running(folder / "together", gpus) as daemon:
            waiting = {"command": ["true"], "device": "cuda:0", "memory_gb": 20, "task_id": "t#"}
            creates(1_000, waiting).run(daemon)
            readers = start_readers(daemon)
            posts = creates(CREATES * SECONDS, waiting, rate=CREATES, connections=16, first=1_000).start(daemon)
            gets = Load(READS * SECONDS, rate=READS, connections=16, path=TASKS + "/t#", numbers=1_000).start(daemon)
            created, read = result(posts), result(gets)
            good = sum(complete(of_task) for of_task in readers)
    finally:
        gpus.close()
    together = f"while {CREATES}/s and {READS:,}/s are asked for and {WRITERS * READERS_EACH} readers follow"

    def rate(name: str, answers: dict[str, float], goal: float, how: str) -> Figure:
        return Figure(name, answers["requests"] / answers["seconds"], "/s", goal=goal, at_most=False,
                      note=f"{how} {together}; p99 {answers['p99_ms']:.1f} ms, worst {answers['worst_ms']:.1f} ms")

    return [
        rate("together: creates", created, 500, "durable,"),
        rate("together: status reads", read, 1_000, "one task each,"),
        Figure("together: event readers that got every record", good, "", goal=WRITERS * READERS_EACH, at_most=False,
               note=f"{WRITERS} tasks of {LINES} lines, {READERS_EACH} readers each"),
    ]
