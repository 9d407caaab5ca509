# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed again and again while tasks of all sorts are submitted, run and end.

What is true is read from the traces that the tasks themselves leave (harness/load.py), not from the daemon:
two starts of one attempt, an attempt more than the task's retries account for, an end that was told
otherwise than it was, a task that nobody knows: each fails the test, whatever the API says. A submission
whose answer never came may exist or not; if it does not, it must not have run."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.client import Json
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.load import CONTESTED, Load, Plan, Run
from harness.processes import alive, tagged, watched_by
from harness.waiting import PATIENCE, wait_until

KILLS = int(os.environ.get("BERTH_KILLS", "200"))
#: From the start of the daemon's program to the moment when it follows and shows all that runs.
ADOPTED_WITHIN = 1.0


@dataclass
class Adoptions:
    """Seconds until all running tasks were the daemon's again."""

    since_exec: list[float] = field(default_factory=list)
    since_ready: list[float] = field(default_factory=list)
    tasks: int = 0
    cut_short: int = 0

    def report(self) -> str:
        def of(times: list[float]) -> str:
            ordered = sorted(times) or [0.0]
            half, most = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
            three = [round(1000 * seconds) for seconds in (half, most, ordered[-1])]
            return "median {} ms, 99 % {} ms, worst {} ms".format(*three)

        return (
            f"{len(self.since_exec)} restarts with {self.tasks} running tasks measured, {self.cut_short} cut "
            f"short by the next kill; adopted after exec: {of(self.since_exec)}; after it was ready: "
            f"{of(self.since_ready)}"
        )


def not_adopted(daemon: Daemon, runs: list[Run]) -> list[Run]:
    """Those that the daemon does not follow (it has no descriptor of their shim) or not show as running."""
    left = [run for run in runs if alive(run.pid)]
    if not left:
        return []
    followed = watched_by(daemon.pid)
    shown = {task["task_id"]: task for task in daemon.client.tasks("limit=100000&status=running")}
    return [
        run
        for run in left
        if (run.shim not in followed or shown.get(run.plan.name, {}).get("attempt") != run.attempt)
        and alive(run.pid)
    ]


def start_and_measure(daemon: Daemon, load: Load, adoptions: Adoptions, live_for: float | None) -> None:
    runs = load.running()
    begin = time.monotonic()
    daemon.start(every=0.001)
    ready = time.monotonic()
    end = None if live_for is None else ready + live_for
    while left := not_adopted(daemon, runs):
        now = time.monotonic()
        assert now - begin < ADOPTED_WITHIN * PATIENCE, (
            f"{(now - begin) * 1000:.0f} ms after its start, {(now - ready) * 1000:.0f} ms after it was "
            f"ready, the daemon has not adopted {left}"
        )
        if end is not None and now > end:
            adoptions.cut_short += 1
            return
        time.sleep(0.002)
    if runs:
        now = time.monotonic()
        adoptions.since_exec.append(now - begin)
        adoptions.since_ready.append(now - ready)
        adoptions.tasks += len(runs)
        assert now - begin < ADOPTED_WITHIN * PATIENCE, adoptions.report()
    if end is not None:
        time.sleep(max(0.0, end - time.monotonic()))


def check_ends(daemon: Daemon, load: Load) -> dict[str, Json]:
    """What has ended stays as it ended."""
    tasks = {task["task_id"]: task for task in daemon.client.tasks()}
    for name, task in tasks.items():
        if task["status"] in ("completed", "failed", "cancelled"):
            load.note_end(name, task)
    return tasks


def troubles_of(plan: Plan, task: Json | None) -> list[str]:
    """What is wrong between a task's end as the daemon tells it and its trace."""
    words = plan.words()
    starts = [int(attempt) for word, attempt, _ in words if word == "start"]
    ends = [(int(attempt), int(code)) for word, attempt, code in words if word == "end"]
    wrong = []
    if len(starts) != len(set(starts)):
        wrong.append("an attempt ran twice")
    if any(word == "early" for word, _, _ in words):
        wrong.append("started before what it was to follow had ended")
    if task is None:
        if plan.answered and not plan.removal_sent:
            wrong.append("lost")
        if words and not plan.answered:
            wrong.append("ran, but is not known")
        if not plan.removal_sent:
            return wrong
        task = plan.ended
        assert task is not None
    elif plan.removal_answered:
        wrong.append("removed, and there again")
    if plan.sort == "cancel":
        if len(starts) > 1:
            wrong.append("ran twice")
        if plan.cancel_sent and task["status"] != "cancelled":
            wrong.append("cancelled, but ended otherwise")
        return wrong
    if len(starts) != plan.starts or task["retries"] != plan.starts - 1:
        wrong.append(f"started {len(starts)} times, {task['retries']} retries, expected {plan.starts}")
    told = (task["status"], task["cause"], task["exit_code"], task["signal"])
    if told != (plan.status, plan.cause, plan.exit_code, plan.signal):
        wrong.append(f"told {told}")
    if starts and task["attempt"] != starts[-1]:
        wrong.append(f"attempt {task['attempt']} is told, {starts[-1]} ran last")
    if plan.sort != "timeout" and [attempt for attempt, _ in ends] != starts:
        wrong.append("an attempt did not come to its end")
    expected = plan.exit_code if plan.signal is None else plan.signal
    if ends and ends[-1][1] != expected:
        wrong.append(f"the program ended with {ends[-1][1]}")
    return wrong


def leftovers(daemon: Daemon, tasks: dict[str, Json]) -> list[str]:
    """Files of tasks that are not there, and files that only pass through."""
    root = daemon.state_dir / "tasks"
    found = [path.name for path in root.iterdir() if path.name not in tasks]
    found += [str(path.relative_to(root)) for path in root.glob("*/*/*") if path.name in ("shim.new",)]
    found += [str(path.relative_to(root)) for path in root.glob("*/*/claim.*")]
    found += [str(path.relative_to(root)) for path in root.glob("*/*/exit.*")]
    return found


def cgroups(seed: int) -> list[Path]:
    """Of this test's tasks: their names begin with the seed."""
    return list(Path("/sys/fs/cgroup").glob(f"**/berth*/{seed:x}-*"))


@pytest.mark.slow
def test_kills_under_load_lose_nothing_and_run_nothing_twice(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path
) -> None:
    seed = int(os.environ.get("BERTH_TEST_SEED", random.randrange(2**32)))
    print(f"seed {seed}: BERTH_TEST_SEED={seed} BERTH_KILLS={KILLS}")
    dice = random.Random(seed)
    gpus = fake_gpus(CONTESTED + 1)
    daemon: Daemon = make_daemon(gpus=gpus)
    load = Load(daemon, gpus, folder / "traces", seed)
    adoptions = Adoptions()
    begin = time.monotonic()
    load.start()
    during_start = 0
    try:
        daemon.kill9()
        for number in range(1, KILLS):
            if dice.random() < 0.15:
                daemon.start_and_kill(dice.uniform(0.0, 0.15))
                during_start += 1
                continue
            live_for = dice.uniform(0.0, 0.005) if dice.random() < 0.1 else dice.uniform(0.005, 0.4)
            start_and_measure(daemon, load, adoptions, live_for)
            if number % 25 == 0:
                check_ends(daemon, load)
            daemon.kill9()
        start_and_measure(daemon, load, adoptions, None)
    finally:
        load.stop()
    killing = time.monotonic() - begin
    client = daemon.client
    for plan in load.plans.values():
        if plan.held:
            client.request("POST", f"/api/v2/tasks/{plan.name}/release")
        if plan.sort == "cancel" and not plan.cancel_answered:
            plan.cancel_sent = client.request("POST", f"/api/v2/tasks/{plan.name}/cancel").status == 200
    wait_until(lambda: not client.tasks("limit=1&status=live"), "all have ended", within=120)
    tasks = check_ends(daemon, load)
    counts = load.counts
    ended: dict[str, int] = {}
    taken_back = 0
    for task in tasks.values():
        ended[task["status"]] = ended.get(task["status"], 0) + 1
        taken_back += max(0, task["attempt"] - 1 - task["retries"])
    print(
        f"{KILLS} kills ({during_start} of them before it was ready) in {killing:.0f} s; "
        f"{len(load.plans)} tasks {dict(sorted(counts.sorts.items()))}; {counts.unanswered} submissions "
        f"without an answer, sent again {counts.sent_again} times, {counts.existed} existed; "
        f"{taken_back} launches taken back; ended {ended}; {adoptions.report()}"
    )
    assert tasks.keys() <= load.plans.keys(), "nothing that nobody asked for"
    checked = {name: troubles_of(plan, tasks.get(name)) for name, plan in load.plans.items()}
    wrong = {name: found for name, found in checked.items() if found}
    assert not wrong, f"{len(wrong)} wrong: " + "\n".join(
        f"{name} ({load.plans[name].sort}): {found}; {load.plans[name].words()}; "
        f"{tasks.get(name) or load.plans[name].ended}"
        for name, found in list(wrong.items())[:20]
    )

    def strangers() -> list[str]:
        return [
            process.command
            for process in tagged(str(daemon.tmp))
            if process.pid != daemon.pid
            and not any(own in process.command for own in ("--run-sampler", "--launcher"))
        ]

    wait_until(lambda: not strangers(), "no shim and no process of a task is left", within=10)
    family = {process.pid for process in tagged(str(daemon.tmp))}
    assert watched_by(daemon.pid) <= family, "no descriptor of a process that has ended is left"
    assert not leftovers(daemon, tasks)
    assert not cgroups(seed), "no cgroup is left"
    assert len(adoptions.since_exec) >= KILLS // 3
