# SPDX-License-Identifier: Apache-2.0
"""What a command sees, how it ends, how it is cancelled, and in which order tasks run."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness.client import Client
from harness.commands import PYTHON, Gate, lines, mark, sh, stubborn_tree
from harness.daemon import Daemon, MakeDaemon
from harness.processes import alive
from harness.sse import messages, read_log
from harness.waiting import wait_until

SHOW_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def test_a_command_gets_its_environment_and_directory(client: Client, folder: Path) -> None:
    place = folder / "a b"
    place.mkdir()
    task = client.submit(
        PYTHON, "-c", SHOW_ENVIRONMENT, env={"MINE": "ä = b"}, cwd=str(place), memory_gb=0.25, task_id="t"
    )
    assert client.wait_end(task["task_id"])["exit_code"] == 0
    env = json.loads(client.output("t"))
    assert env["MINE"] == "ä = b"
    assert (env["BERTH_TASK_ID"], env["BERTH_ATTEMPT"], env["BERTH_DEVICE"]) == ("t", "1", "cpu")
    assert env["BERTH_EVENTS"].startswith("/")
    assert env["BERTH_MEMORY_LIMIT"] == str(2**28)
    assert env["CUDA_VISIBLE_DEVICES"] == ""
    client.run("/bin/pwd", cwd=str(place), task_id="where")
    assert client.output("where").decode().strip() == str(place)


def test_the_daemons_secrets_are_not_in_the_environment(make_daemon: MakeDaemon) -> None:
    daemon: Daemon = make_daemon(env={"BERTH_TOKEN": "secret", "SOME_PASSWORD": "secret"})
    task = daemon.client.run("/usr/bin/env")
    output = daemon.client.output(task["task_id"])
    assert b"secret" not in output
    assert daemon.token.encode() not in output


def test_arguments_arrive_as_they_were_given(client: Client) -> None:
    words = ["a b", "", "$HOME", "'\"", "ü", "*", "\n"]
    task = client.run(PYTHON, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words)
    assert json.loads(client.output(task["task_id"])) == words
    assert task["command"][3:] == words


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_exit_codes(client: Client, code: int) -> None:
    task = client.run(*sh(f"exit {code}"))
    assert (task["exit_code"], task["signal"]) == (code, None)
    assert task["status"] == ("completed" if code == 0 else "failed")
    assert bool(task["error"]) == (code != 0)


@pytest.mark.parametrize("number", [6, 9, 11, 15])
def test_signals(client: Client, number: int) -> None:
    task = client.run(*sh(f"ulimit -c 0; kill -{number} $$"))
    assert (task["status"], task["exit_code"], task["signal"]) == ("failed", None, number)
    assert task["error"]["message"]


@pytest.mark.parametrize("command", ["/nonexistent/program", "/etc/passwd", "no-such-program-anywhere"])
def test_a_program_that_cannot_start_fails_and_says_which(client: Client, command: str) -> None:
    task = client.run(command)
    assert task["status"] == "failed"
    assert command in task["error"]["message"]


def test_a_directory_that_is_not_there_fails_and_says_which(client: Client) -> None:
    task = client.run("true", cwd="/nonexistent/place")
    assert task["status"] == "failed"
    assert "/nonexistent/place" in task["error"]["message"]


def test_both_outputs_are_kept_apart_and_byte_for_byte(client: Client) -> None:
    program = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 3); sys.stderr.buffer.write(b'\\xff!')"
    task = client.run(PYTHON, "-c", program)
    assert client.output(task["task_id"], "stdout") == bytes(range(256)) * 3
    assert client.output(task["task_id"], "stderr") == b"\xff!"
    answer = client.request("GET", f"/api/v2/tasks/{task['task_id']}/output/stdout?offset=700")
    assert answer.body == (bytes(range(256)) * 3)[700:]
    assert client.request("GET", f"/api/v2/tasks/{task['task_id']}/output/stdlog").status == 404


def test_output_follows_until_the_end(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    client.submit(*gate.wait("echo last"), task_id="t")
    client.wait_state("t", "running")
    wait_until(lambda: client.output("t") == b"waiting\n", "the first line is there while it runs")
    gate.open()
    assert client.request("GET", "/api/v2/tasks/t/output/stdout?follow=true").body == b"waiting\nlast\n"


def test_events_change_progress_metrics_and_result(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    events = [
        {"event": "progress", "value": 0.4},
        {"event": "metrics", "data": {"speed": 3.5}, "stage": "validation"},
        {"event": "log", "level": "WARNING", "message": "mind the gap"},
        {"event": "result", "data": {"answer": 42}},
    ]
    script = "".join(f"echo '{json.dumps(event)}' >> \"$BERTH_EVENTS\"; " for event in events)
    client.submit(*sh(script + gate.wait()[2]), task_id="t")
    task = wait_until(lambda: (t := client.task("t"))["result"] and t, "the events are taken")
    assert (task["progress"], task["latest_metrics"], task["result"]) == (40, {"speed": 3.5}, {"answer": 42})
    gate.open()
    assert client.wait_end("t")["progress"] == 100
    records = [event.data for event in read_log(client, "t")]
    assert any(r["message"] == "mind the gap" and r["level"] == "WARNING" for r in records[:-1])
    assert any(r.get("metrics") == {"speed": 3.5} and r.get("stage") == "validation" for r in records)


def test_a_time_limit_ends_the_whole_tree(client: Client, folder: Path) -> None:
    task = client.run(*stubborn_tree(folder / "pids"), timeout_s=1.5)
    assert task["status"] == "failed"
    assert task["cause"] == "timeout"
    assert len(lines(folder / "pids")) == 5
    assert [pid for pid in lines(folder / "pids") if alive(int(pid))] == []


def test_cancelling_a_queued_task_means_it_never_starts(client: Client, folder: Path) -> None:
    gate, marker = Gate(folder / "gate"), folder / "marker"
    assert client.limits({"cpu": {"training": 1}}).status == 200
    client.submit(*gate.wait(), kind="training", device="cpu", task_id="first")
    client.wait_state("first", "running")
    client.submit(*mark(marker, "cancelled"), kind="training", device="cpu", task_id="second")
    client.submit(*mark(marker, "third"), kind="training", device="cpu", task_id="third")
    client.wait_state("second", "queued")
    assert client.cancel("second")["status"] == "success"
    task = client.task("second")
    assert (task["status"], task["attempt"], task["started_at"]) == ("cancelled", 0, None)
    gate.open()
    # Whatever would have let it start has happened when one behind it has run.
    assert client.wait_end("third")["status"] == "completed"
    assert client.wait_end("first")["status"] == "completed"
    assert client.task("second")["status"] == "cancelled"
    assert lines(marker) == ["third"]
    assert client.request("POST", "/api/v2/tasks/second/cancel").status == 409
    assert messages(read_log(client, "second"))[-1]


def test_cancelling_a_running_task_ends_its_tree_and_frees_the_slot(
    daemon: Daemon, client: Client, folder: Path
) -> None:
    pids = folder / "pids"
    assert client.limits({"cpu": {"training": 1}}).status == 200
    client.submit(*stubborn_tree(pids), kind="training", device="cpu", task_id="tree")
    wait_until(lambda: len(lines(pids)) == 5, "the whole tree runs")
    client.submit("true", kind="training", device="cpu", task_id="next")
    client.wait_state("next", "queued")
    begin = time.monotonic()
    assert client.cancel("tree")["status"] == "success"
    task = client.task("tree")
    if time.monotonic() - begin < 0.9:  # the grace is 1 s, and nothing in the tree heeds SIGTERM
        assert (task["status"], task["cancelling"]) == ("running", True)
        assert client.task("next")["status"] == "queued", "the slot is free only when the tree is gone"
    task = client.wait_end("tree")
    assert [pid for pid in lines(pids) if alive(int(pid))] == []
    assert (task["status"], task["cancelling"]) == ("cancelled", False)
    assert daemon.task_processes("tree") == []
    assert client.wait_end("next")["status"] == "completed"
    assert client.get("/api/v2/resources")["device_usage"]["cpu"]["training"] == 0


def test_a_task_that_heeds_sigterm_may_finish_its_work(client: Client, folder: Path) -> None:
    script = f"trap 'echo saved >> {folder}/saved; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    client.submit(*sh(script), task_id="t")
    wait_until(lambda: client.output("t") == b"ready\n", "it runs")
    client.cancel("t")
    assert client.wait_end("t")["status"] == "cancelled"
    assert lines(folder / "saved") == ["saved"]


def test_cancelling_at_once_after_the_start(client: Client) -> None:
    ids = [client.submit("/bin/sleep", "1000")["task_id"] for _ in range(10)]
    for task in ids:
        assert client.cancel(task)["status"] == "success"
    for task in ids:
        assert client.wait_end(task)["status"] == "cancelled"


def test_priority_then_order_of_submission(client: Client, folder: Path) -> None:
    gate, order = Gate(folder / "gate"), folder / "order"
    assert client.limits({"cpu": {"training": 1}}).status == 200
    client.submit(*gate.wait(), kind="training", device="cpu", task_id="first")
    client.wait_state("first", "running")
    for name, priority in [("c", 5), ("e", 9), ("a", 1), ("d", 5), ("b", 2), ("f", 9)]:
        client.submit(*mark(order, name), kind="training", device="cpu", task_id=name, priority=priority)
    gate.open()
    for name in "abcdef":
        client.wait_end(name)
    assert lines(order) == ["a", "b", "c", "d", "e", "f"]


def test_commands_on_the_cpu_run_as_many_at_once_as_there_are_cores(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    cores = client.get("/api/v2/resources/cpu")["cores"]
    ids = [client.submit(*gate.wait(), device="cpu")["task_id"] for _ in range(cores + 1)]
    for task in ids[:-1]:
        client.wait_state(task, "running")
    assert client.task(ids[-1])["status"] == "queued"
    why = client.explain(ids[-1])
    assert why["devices"][0]["code"] == "cores"
    gate.open()
    assert client.wait_end(ids[-1])["status"] == "completed"


def test_many_tasks_from_many_threads_all_run(client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda i: client.submit("true", task_id=f"t{i}")["task_id"], range(60)))
    for task in ids:
        assert client.wait_end(task)["status"] == "completed"
    assert client.get("/api/v2/tasks")["total"] == 60


def test_no_descriptor_of_the_daemon_reaches_a_task(client: Client) -> None:
    task = client.run(
        PYTHON, "-c", "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:-1])"
    )
    assert json.loads(client.output(task["task_id"])) == [0, 1, 2]
