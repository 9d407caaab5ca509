# SPDX-License-Identifier: Apache-2.0
"""kill -9 and SIGTERM: running tasks go on, ended ones have their true status, nothing runs twice."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.client import FINAL, RefusedError
from harness.commands import Gate, lines, mark, sh, stubborn_tree
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.processes import alive, parent_of, tagged
from harness.sse import messages, read_log
from harness.waiting import wait_until


def go_down(daemon: Daemon, how: str) -> None:
    if how == "kill":
        daemon.kill9()
    else:
        daemon.stop()


def wait_running(daemon: Daemon, name: str) -> None:
    wait_until(lambda: daemon.client.output(name) == b"waiting\n", f"{name} runs")


def lasting(daemon: Daemon, task_id: str) -> set[int]:
    """The task's processes that are there as long as it is: not the children that its loop sleeps in."""
    pids = {p.pid for p in daemon.task_processes(task_id)}
    return {pid for pid in pids if parent_of(pid) not in pids}


@pytest.mark.parametrize("how", ["kill", "term"])
def test_running_tasks_are_taken_over(daemon: Daemon, folder: Path, how: str) -> None:
    gate = Gate(folder / "gate")
    names = ["a", "b"]
    for name in names:
        daemon.client.submit(*gate.wait(f"seq 1 100; echo done-{name}; exit 4"), task_id=name)
        wait_running(daemon, name)
    before = {name: lasting(daemon, name) for name in names}
    assert all(before.values())
    go_down(daemon, how)
    assert {name: lasting(daemon, name) for name in names} == before, "tasks outlive the daemon"
    daemon.start()
    for name in names:
        task = daemon.client.task(name)
        assert (task["status"], task["attempt"]) == ("running", 1)
        assert lasting(daemon, name) == before[name]
    assert daemon.resources()["device_usage"]["cpu"]["command"] == 2
    gate.open()
    for name in names:
        task = daemon.client.wait_end(name)
        assert (task["exit_code"], task["attempt"]) == (4, 1)
        log = read_log(daemon.client, name)
        output = [e.data["message"] for e in log if e.data.get("stream") == "stdout"]
        assert output == ["waiting", *map(str, range(1, 101)), f"done-{name}"]
        # The daemon's own records are there once each.
        own = [e.data["message"] for e in log if "stream" not in e.data]
        assert len(own) == len(set(own)), own


@pytest.mark.parametrize("how", ["kill", "term"])
def test_what_ended_meanwhile_has_its_true_status(daemon: Daemon, folder: Path, how: str) -> None:
    # One at a time: the number of cores of the machine does not matter.
    for end, expected in [
        ("exit 0", ("completed", 0, None)),
        ("exit 7", ("failed", 7, None)),
        ("ulimit -c 0; kill -SEGV $$", ("failed", None, 11)),
        ("kill -KILL $$", ("failed", None, 9)),
    ]:
        name = f"t{expected[1]}-{expected[2]}"
        gate = Gate(folder / name)
        daemon.client.submit(*gate.wait(f"echo last words; {end}"), task_id=name)
        wait_running(daemon, name)
        go_down(daemon, how)
        gate.open()
        wait_until(lambda: not tagged(str(daemon.tmp)), "the task and its shim have ended")
        daemon.start()
        task = daemon.client.wait_end(name)
        assert (task["status"], task["exit_code"], task["signal"]) == expected
        assert task["attempt"] == 1
        assert "last words" in messages(read_log(daemon.client, name))
        assert daemon.client.output(name) == b"waiting\nlast words\n"


@pytest.mark.parametrize("how", ["kill", "term"])
def test_queued_tasks_stay_queued_in_order(daemon: Daemon, folder: Path, how: str) -> None:
    gate, order = Gate(folder / "gate"), folder / "order"
    client = daemon.client
    client.limits({"cpu": {"training": 1}})
    client.submit(*gate.wait(), kind="training", device="cpu", task_id="first")
    client.wait_state("first", "running")
    for name, priority in [("c", 5), ("e", 9), ("a", 1), ("d", 5), ("b", 2)]:
        client.submit(*mark(order, name), kind="training", device="cpu", task_id=name, priority=priority)
    client.submit(*mark(order, "x"), kind="training", device="cpu", task_id="x", priority=1)
    client.cancel("x")
    go_down(daemon, how)
    daemon.start()
    client = daemon.client
    assert [client.task(name)["status"] for name in "abcdex"] == ["queued"] * 5 + ["cancelled"]
    assert [task["task_id"] for task in client.tasks()] == ["x", "b", "d", "a", "e", "c", "first"]
    client.submit(*mark(order, "f"), kind="training", device="cpu", task_id="f", priority=9)
    gate.open()
    for name in "abcdef":
        assert client.wait_end(name)["status"] == "completed"
    assert lines(order) == list("abcdef")


def test_a_cancel_goes_on_after_a_kill(daemon: Daemon, folder: Path) -> None:
    pids = folder / "pids"
    daemon.client.submit(*stubborn_tree(pids), task_id="t")
    wait_until(lambda: len(lines(pids)) == 5, "the whole tree runs")
    daemon.client.cancel("t")
    daemon.kill9()
    daemon.start()
    assert daemon.client.wait_end("t")["status"] == "cancelled"
    assert [pid for pid in lines(pids) if alive(int(pid))] == []


def test_a_task_whose_shim_was_killed_too_fails_and_leaves_nothing(daemon: Daemon, folder: Path) -> None:
    pids = folder / "pids"
    daemon.client.submit(*stubborn_tree(pids), task_id="t")
    wait_until(lambda: len(lines(pids)) == 5, "the whole tree runs")
    found = [p for p in tagged(str(daemon.tmp)) if Path(p.command.split(" ")[0]).name == "berth-shim"]
    shims = [p for p in found if "--launcher" not in p.command]
    assert shims
    daemon.kill9()
    for shim in shims:
        os.kill(shim.pid, signal.SIGKILL)
    daemon.allow_stderr(" warning ")
    daemon.start()
    task = daemon.client.wait_end("t")
    assert task["status"] == "failed"
    assert task["error"]["message"]
    # One of the five has emptied its environment: without the shim nothing marks it as the task's.
    assert sum(alive(int(pid)) for pid in lines(pids)) <= 1
    for pid in lines(pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def test_finished_tasks_logs_and_results_survive(daemon: Daemon) -> None:
    event = '{"event":"result","data":{"answer":42}}'
    daemon.client.run(
        *sh(f"echo '{event}' >> \"$BERTH_EVENTS\"; echo out; echo err >&2; exit 2"), task_id="t"
    )
    log = read_log(daemon.client, "t")
    before = daemon.client.task("t")
    daemon.kill9()
    daemon.start()
    assert daemon.client.task("t") == before
    assert before["result"] == {"answer": 42}
    assert read_log(daemon.client, "t") == log
    assert daemon.client.output("t", "stderr") == b"err\n"


def test_a_second_daemon_on_the_same_state_is_kept_out(daemon: Daemon, folder: Path) -> None:
    second = Daemon(folder / "second")
    second.state_dir = daemon.state_dir
    with pytest.raises(AssertionError, match="ended with"):
        second.start()
    assert second.stderr()
    assert daemon.client.run("true")["status"] == "completed"


def test_memory_of_running_tasks_is_theirs_again_after_a_restart(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(1)
    daemon: Daemon = make_daemon(gpus=gpus)
    argv = gpus.task("--memory", "14G", "--ramp", "1000s")
    daemon.client.submit(*argv, device="cuda", memory_gb=14, env=gpus.environment, task_id="t")
    daemon.wait_started("t")
    daemon.kill9()
    daemon.start()
    waiting = daemon.client.submit("true", device="cuda", memory_gb=14)["task_id"]
    why = daemon.client.explain(waiting)
    assert daemon.client.task(waiting)["status"] == "queued"
    assert why["devices"][0]["code"] == "memory"
    assert daemon.resources()["active_tasks"]["cuda:0"][0]["id"] == "t"
    daemon.client.cancel("t")
    assert daemon.client.wait_end(waiting)["status"] == "completed"


def test_what_came_due_while_the_daemon_was_down_starts_once(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus)
    client = daemon.client
    names = [f"{device}-{number}" for device in ("cuda", "cpu") for number in range(12)]
    for name in names:
        device = name.split("-")[0]
        memory = {"memory_gb": 0.5} if device == "cuda" else {}
        retry = {"max": 1, "backoff_s": 4}
        client.submit(*sh("exit 3"), task_id=name, kind="command", device=device, retry=retry, **memory)

    wait_until(lambda: all(task["not_before"] for task in client.tasks()), "all pause after a failure")
    due = max(datetime.fromisoformat(task["not_before"]) for task in client.tasks())
    daemon.kill9()
    wait_until(lambda: datetime.now(UTC) > due, "the pauses of all are over")
    daemon.start()
    for name in names:
        task = daemon.client.wait_end(name)
        assert (task["cause"], task["exit_code"], task["attempt"]) == ("exited", 3, 2), task


def test_nothing_is_lost_and_nothing_runs_twice_through_many_kills(daemon: Daemon, folder: Path) -> None:
    seed = int(os.environ.get("BERTH_TEST_SEED", random.randrange(2**32)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    counter = folder / "counter"
    rounds, acknowledged, sent = 15, [], []
    daemon.client.limits({"cpu": {"training": 3, "inference": 3}})
    for number in range(rounds):
        stop = threading.Event()

        def submit(number: int = number, stop: threading.Event = stop) -> None:
            client = daemon.client
            for i in range(6):
                name = f"r{number}-{i}"
                pause = chance.choice(["0", "0.05", "0.3"])
                argv = sh(f'echo {name} >> "{counter}"; sleep {pause}; echo end-{name}')
                sent.append(name)
                try:
                    kind = chance.choice(["training", "inference", "command"])
                    client.submit(*argv, task_id=name, kind=kind, device="cpu")
                    acknowledged.append(name)
                except (OSError, http.client.HTTPException, RefusedError):
                    return  # the daemon went down under it
                if stop.is_set():
                    return

        thread = threading.Thread(target=submit)
        thread.start()
        time.sleep(chance.uniform(0.0, 0.35))  # when the kill comes is the point of this test
        daemon.kill9()
        stop.set()
        thread.join()
        daemon.start()
    client = daemon.client
    wait_until(lambda: not client.tasks("status=live"), "all have ended", within=120)
    tasks = {task["task_id"]: task for task in client.tasks()}
    assert set(acknowledged) <= tasks.keys() <= set(sent), "what was acknowledged is there"
    assert {task["status"] for task in tasks.values()} == {"completed"}
    ran = lines(counter)
    assert sorted(ran) == sorted(tasks), (
        f"lost {set(tasks) - set(ran)}, twice {[n for n in ran if ran.count(n) > 1]}"
    )
    for name, task in tasks.items():
        assert task["exit_code"] == 0
        assert messages(read_log(client, name)).count(f"end-{name}") == 1, name
    assert len(acknowledged) > rounds
    assert all(task["status"] in FINAL for task in tasks.values())
    with contextlib.suppress(FileNotFoundError):
        counter.unlink()


def test_stopping_answers_at_once_with_streams_open(daemon: Daemon) -> None:
    from harness.sse import EventReader

    daemon.client.submit("/bin/sleep", "1000", task_id="t")
    readers = [EventReader(daemon.client, "/api/v2/tasks/t/logs") for _ in range(5)]
    for reader in readers:
        reader.wait_events(3)
    begin = time.monotonic()
    daemon.stop()
    assert time.monotonic() - begin < 10
    daemon.start()
    assert daemon.client.task("t")["status"] == "running"
