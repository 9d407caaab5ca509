# SPDX-License-Identifier: Apache-2.0
"""Short commands from the first create to the last end, and what they cost the daemon. Berth and its peers take turns,
so that what else happens on the machine meets all of them; each figure is the median of the rounds."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import datetime
from pathlib import Path

import peers
from daemon import BENCH_DIR, TASKS, cpu_seconds, creates, running
from figures import Figure, median
from harness import programs
from harness.daemon import Daemon
from harness.waiting import wait_until

ROUNDS, COUNT, SLURM_COUNT, CLIENTS = 3, 500, 60, 16
COMMAND = ["true"]


def berth(daemon: Daemon) -> tuple[float, float]:
    """Commands per second and the daemon's processor time for each, in ms."""
    client = daemon.anonymous()

    def waiting() -> int:
        return client.get(TASKS + "?limit=1&status=live")["total"]

    before = client.get(TASKS + "?limit=1&status=completed")["total"]
    used, begin = cpu_seconds(daemon.pid), time.time()
    creates(COUNT, {"command": COMMAND}, connections=CLIENTS).run(daemon)
    # Seldom, for whoever asks takes processor time; when the last one ended is in its record.
    wait_until(lambda: waiting() == 0, "all commands have ended", every=0.25)
    used = cpu_seconds(daemon.pid) - used
    done = client.get(f"{TASKS}?limit={COUNT}&status=completed")
    assert done["total"] - before == COUNT, done["total"]
    end = max(datetime.fromisoformat(task["finished_at"]).timestamp() for task in done["tasks"])
    return COUNT / (end - begin), used / COUNT * 1000


def bare_loop(folder: Path, slots: int) -> float:
    done = subprocess.run([BENCH_DIR / "bench-bare-loop", programs.SHIM, folder, str(COUNT), str(slots), *COMMAND],
                          check=True, capture_output=True, text=True)
    row = json.loads(done.stdout)
    return row["tasks"] / row["seconds"]


def measure(folder: Path) -> list[Figure]:
    slots = os.cpu_count() or 1
    rates: dict[str, list[float]] = {"Berth": [], "bare loop": [], "task-spooler": [], "Slurm": []}
    cpu, skipped = [], {}
    with running(folder / "short-commands") as daemon:
        for turn in range(ROUNDS):
            rates["bare loop"].append(bare_loop(folder / f"bare-{turn}", slots))
            rate, used = berth(daemon)
            rates["Berth"].append(rate)
            cpu.append(used)
            try:
                rates["task-spooler"].append(peers.task_spooler(folder / f"tsp-{turn}", COUNT, slots, COMMAND))
            except peers.MissingError as missing:
                skipped["task-spooler"] = str(missing)
    try:
        with peers.slurm(folder / "slurm", slots) as cluster:
            rates["Slurm"] = [cluster.run(SLURM_COUNT, COMMAND) for _ in range(ROUNDS)]
    except peers.MissingError as missing:
        skipped["Slurm"] = str(missing)
    how = {
        "bare loop": "the same shim and command, without daemon, store and logs",
        "task-spooler": f"{slots} callers of tsp, {slots} slots; keeps its list in memory",
        "Slurm": f"{slots} callers of srun on one node, {SLURM_COUNT} jobs a round, no accounting",
    }
    figures = []
    for peer, goal in (("bare loop", 0.5), ("task-spooler", 1.0), ("Slurm", 4.0)):
        name = f"short commands through REST, durable, against {peer}"
        if peer in skipped:
            figures.append(Figure(name, median(rates["Berth"]), "/s", note=f"{peer} skipped: {skipped[peer]}"))
        else:
            figures.append(Figure(name, median(rates["Berth"]), "/s", peer, median(rates[peer]), goal, at_most=False,
                                  note=f"{CLIENTS} clients, {COUNT} x {' '.join(COMMAND)}; {how[peer]}"))
    figures.append(Figure("berthd processor time for a short command", median(cpu), "ms",
                          note="create, launch, log, end; all threads, without the shim"))
    return figures
