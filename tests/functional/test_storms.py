# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed and restarted again and again while all kinds of things go on."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from harness.client import Client, RefusedError
from harness.commands import lines, sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

ROUNDS = 12


def chance() -> random.Random:
    seed = int(os.environ.get("BERTH_TEST_SEED", random.randrange(2**32)))
    print(f"seed {seed}")
    return random.Random(seed)


def persevere(act: Callable[[], object]) -> bool:
    """Whether it was done: the daemon may go down under it, or be down."""
    try:
        act()
    except (OSError, http.client.HTTPException, RefusedError):
        return False
    return True


def storm(daemon: Daemon, dice: random.Random, act: Callable[[Client, int], None]) -> None:
    """Does `act` in a thread while the daemon is killed or stopped after a moment, and starts it."""
    for number in range(ROUNDS):
        client = daemon.client
        client.timeout = 20
        thread = threading.Thread(target=act, args=(client, number))
        thread.start()
        time.sleep(dice.uniform(0.02, 0.4))  # when it goes down is the point of these tests
        if dice.random() < 0.7:
            daemon.kill9()
        else:
            daemon.stop()
        thread.join()
        daemon.start()


def test_cancelled_and_removed_tasks_stay_so(daemon: Daemon, folder: Path) -> None:
    dice = chance()
    counter = folder / "counter"
    cancelled, removed = set(), set()
    daemon.client.limits({"cpu": {"training": 2}})

    def act(client: Client, number: int) -> None:
        for i in range(8):
            name = f"r{number}-{i}"
            argv = sh(f'echo {name} >> "{counter}"; sleep 0.1')
            if not persevere(partial(client.submit, *argv, task_id=name, kind="training", device="cpu")):
                return
            if i % 3 == 0 and persevere(partial(client.cancel, name)):
                cancelled.add(name)
        for task in client_tasks(client, "status=completed"):
            if dice.random() < 0.3 and persevere(partial(client.remove, task)):
                removed.add(task)

    storm(daemon, dice, act)
    client = daemon.client
    wait_until(lambda: not client.tasks("status=live"), "all have ended", within=120)
    tasks = {task["task_id"]: task for task in client.tasks()}
    ran = lines(counter)
    assert len(ran) == len(set(ran)), f"twice: {[n for n in ran if ran.count(n) > 1]}"
    assert {tasks[name]["status"] for name in cancelled} <= {"cancelled"}
    assert not removed & tasks.keys()
    for name, task in tasks.items():
        if task["status"] == "completed":
            assert name in ran
        else:
            assert task["status"] == "cancelled", task
            assert name in cancelled or name.endswith(("-0", "-3", "-6")), "nobody cancelled it"
        if task["attempt"] == 0:
            assert name not in ran
    assert {p.name for p in (daemon.state_dir / "tasks").iterdir()} <= tasks.keys(), (
        "no files of removed tasks"
    )


def client_tasks(client: Client, query: str) -> list[str]:
    try:
        return [task["task_id"] for task in client.tasks(query)]
    except (OSError, http.client.HTTPException, RefusedError):
        return []


def test_gpu_limits_hold_through_kills_while_foreign_processes_come_and_go(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path
) -> None:
    dice = chance()
    gpus: FakeGpus = fake_gpus(3)
    daemon = make_daemon(gpus=gpus)
    counter, conflicts = folder / "counter", folder / "conflicts"
    locks = folder / "locks"
    locks.mkdir()
    acknowledged: list[str] = []
    stop = threading.Event()

    def strangers() -> None:
        while not stop.is_set():
            holder = gpus.hold(dice.randrange(3), dice.choice(["2G", "9G"]))
            stop.wait(dice.uniform(0.05, 0.4))
            gpus.release(holder)

    def act(client: Client, number: int) -> None:
        for i in range(6):
            name = f"r{number}-{i}"
            program = " ".join(gpus.task("--memory", "8G", "--ramp", "50ms", "--seconds", "0.15"))
            held = f'flock -n "{locks}/$CUDA_VISIBLE_DEVICES" {program}'
            argv = sh(f'echo {name} >> "{counter}"; {held} || echo {name} >> "{conflicts}"')
            fields: dict[str, Any] = {
                "kind": "training",
                "device": "cuda",
                "memory_gb": 10,
                "env": gpus.environment,
            }
            if not persevere(partial(client.submit, *argv, task_id=name, **fields)):
                return
            acknowledged.append(name)

    thread = threading.Thread(target=strangers)
    thread.start()
    try:
        storm(daemon, dice, act)
    finally:
        stop.set()
        thread.join()
    client = daemon.client
    wait_until(lambda: not client.tasks("status=live"), "all have ended", within=180)
    tasks = {task["task_id"]: task for task in client.tasks()}
    assert set(acknowledged) <= tasks.keys()
    assert {task["status"] for task in tasks.values()} == {"completed"}
    assert sorted(lines(counter)) == sorted(tasks), "each ran once"
    assert lines(conflicts) == [], "never two on one GPU, and never without the memory that was reserved"


def test_a_daemon_that_is_killed_while_it_starts_comes_back(daemon: Daemon, folder: Path) -> None:
    dice = chance()
    counter = folder / "counter"
    daemon.client.limits({"cpu": {"training": 1}})
    names = [f"t{i}" for i in range(20)]
    for name in names:
        argv = sh(f'echo {name} >> "{counter}"; sleep 0.05')
        daemon.client.submit(*argv, task_id=name, kind="training", device="cpu")
    daemon.kill9()
    for _ in range(10):
        daemon.start_and_kill(dice.uniform(0.0, 0.15))
    daemon.start()
    client = daemon.client
    wait_until(lambda: not client.tasks("status=live"), "all have ended", within=120)
    assert lines(counter) == names, "each once, in order"
