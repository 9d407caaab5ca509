# SPDX-License-Identifier: Apache-2.0
"""A daemon with many waiting tasks: how long a create takes, how much memory it needs. The tasks wait for a simulated
GPU whose memory another program holds. Their logs lie in memory, because some file systems need minutes to delete so many
files; the store, which a create waits for, is on the disk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from daemon import TASKS, creates, resident_mib, running
from figures import Figure
from harness.daemon import Daemon
from harness.fakegpu import FakeGpus

DEPTHS = (0, 1_000, 100_000)
MEASURED = 2_000
WAITING = {"command": ["true"], "device": "cuda:0", "memory_gb": 20}


IN_MEMORY = Path("/dev/shm")


def measure(folder: Path) -> list[Figure]:
    gpus = FakeGpus(folder, count=8)
    gpus.hold(0, "20G")
    where = IN_MEMORY if IN_MEMORY.is_dir() else folder
    try:
        with tempfile.TemporaryDirectory(prefix="berth-bench-", dir=where) as logs:
            state = folder / "depth" / "state"
            state.mkdir(parents=True)
            (state / "tasks").symlink_to(logs)
            with running(folder / "depth", gpus) as daemon:
                return figures_of(daemon)
    finally:
        gpus.close()


def figures_of(daemon: Daemon) -> list[Figure]:
    figures: list[Figure] = []
    ramp: dict[str, Any] = {}
    created = 0
    for depth in DEPTHS:
        if depth > created:
            ramp = creates(depth - created, WAITING, connections=32).run(daemon)
            created = depth
        figures.append(Figure(f"berthd resident memory, {depth:,} waiting tasks", resident_mib(daemon.pid), "MiB"))
    answers = creates(MEASURED, WAITING, connections=1).run(daemon)
    queued = daemon.client.get(TASKS + "?limit=1&status=live")["total"]
    assert queued == created + MEASURED, queued
    last = f"{DEPTHS[-1]:,}"
    return [
        *figures,
        Figure(f"a create with {last} waiting tasks, durable (p99)", answers["p99_ms"], "ms", goal=5.0,
               note=f"POST {TASKS}, one keep-alive connection, {MEASURED:,} answers; median {answers['p50_ms']:.2f} ms, "
                    f"worst {answers['worst_ms']:.1f} ms"),
        Figure(f"creates on the way to {last} waiting tasks", ramp["requests"] / ramp["seconds"], "/s",
               note="32 keep-alive connections, durable"),
    ]
