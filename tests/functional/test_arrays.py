# SPDX-License-Identifier: Apache-2.0
"""Arrays: many tasks that are submitted, seen, cancelled and removed as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.client import Client, Json
from harness.commands import lines
from harness.daemon import Daemon, MakeDaemon
from harness.waiting import wait_until

TASKS = "/api/v2/tasks"


def submit(client: Client, array: object, *command: str, **fields: object) -> Json:
    return client.submit(*command, array=array, device="cpu", **fields)


def wait_end(client: Client, array_id: str) -> Json:
    wait_until(
        lambda: client.task(array_id)["status"] in ("completed", "failed", "cancelled"), f"{array_id} is over"
    )
    return client.task(array_id)


def test_each_task_knows_its_index(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    script = f'echo "$BERTH_ARRAY_ID $BERTH_ARRAY_INDEX $BERTH_ARRAY_SIZE $BERTH_TASK_ID" >>{file}'
    array = submit(client, "1,5-9:2", "sh", "-c", script, task_id="a", name="sweep")
    assert (array["task_id"], array["task_type"], array["size"]) == ("a", "array", 4)
    assert array["tasks"] == ["a_1", "a_5", "a_7", "a_9"]
    end = wait_end(client, "a")
    assert (end["status"], end["counts"], end["exit_code"], end["progress"]) == ("completed", {"completed": 4}, 0, 100)
    assert sorted(file.read_text().splitlines()) == [f"a {index} 4 a_{index}" for index in (1, 5, 7, 9)]
    one = client.task("a_5")
    assert one["array"] == {"id": "a", "index": 5, "size": 4, "at_once": None}
    assert [task["task_id"] for task in client.tasks("array=a")] == ["a_9", "a_7", "a_5", "a_1"]


def test_no_more_run_at_a_time_than_it_says(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    client = make_daemon().client
    file = tmp_path / "lines"
    script = f"echo + >>{file}; sleep 0.2; echo - >>{file}"
    submit(client, "0-5%1", "sh", "-c", script, task_id="a")
    assert wait_end(client, "a")["status"] == "completed"
    assert lines(file) == ["+", "-"] * 6


def test_why_one_waits_is_said(client: Client) -> None:
    submit(client, "0-1%1", "sleep", "60", task_id="a")
    waiting = next(task for task in client.tasks("array=a") if task["status"] == "queued")
    assert waiting["waiting_for"] == "array_limit"
    assert "array_limit" in client.explain(waiting["task_id"])["counts"]
    client.cancel("a")
    assert wait_end(client, "a")["counts"] == {"cancelled": 2}


def test_it_is_cancelled_and_removed_as_one(daemon: Daemon) -> None:
    client = daemon.client
    submit(client, 5, "sleep", "60", task_id="a")
    assert client.request("DELETE", f"{TASKS}/a").status == 409
    assert client.cancel("a")["tasks"] == 5
    assert wait_end(client, "a")["status"] == "cancelled"
    assert client.request("POST", f"{TASKS}/a/cancel").status == 409
    assert client.remove("a")["tasks"] == 5
    assert client.request("GET", f"{TASKS}/a").status == 404
    assert client.tasks() == []
    daemon.restart()
    assert daemon.client.tasks() == []


def test_it_is_held_and_released_as_one(client: Client) -> None:
    submit(client, 3, "true", task_id="a", hold=True)
    assert client.task("a")["counts"] == {"queued": 3}
    assert client.post(f"{TASKS}/a/release")["tasks"] == 3
    assert wait_end(client, "a")["status"] == "completed"
    assert client.request("POST", f"{TASKS}/a/hold").status == 409


def test_its_tasks_that_wait_get_another_priority(client: Client) -> None:
    submit(client, 3, "true", task_id="a", hold=True)
    assert client.post(f"{TASKS}/a/priority", {"priority": 2})["tasks"] == 3
    assert client.task("a")["priority"] == 2
    assert [task["priority"] for task in client.tasks()] == [2, 2, 2]
    client.post(f"{TASKS}/a/release")
    wait_end(client, "a")
    assert client.request("POST", f"{TASKS}/a/priority", {"priority": 3}).status == 409


def test_a_task_follows_all_of_it(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    submit(client, 4, "sh", "-c", f"sleep 0.1; echo x >>{file}", task_id="a")
    after = client.submit("sh", "-c", f"echo after >>{file}", device="cpu", after=["a"])["task_id"]
    assert client.wait_end(after)["status"] == "completed"
    assert lines(file) == ["x"] * 4 + ["after"]


def test_one_bad_end_makes_it_fail(client: Client) -> None:
    submit(client, 3, "sh", "-c", "test $BERTH_ARRAY_INDEX != 1 || exit 7", task_id="a")
    end = wait_end(client, "a")
    assert (end["status"], end["exit_code"]) == ("failed", 7)
    assert end["counts"] == {"completed": 2, "failed": 1}


def test_it_survives_a_kill(daemon: Daemon) -> None:
    submit(daemon.client, "0-9%2", "sleep", "0.1", task_id="a")
    daemon.kill9()
    daemon.start()
    assert wait_end(daemon.client, "a")["counts"] == {"completed": 10}


def test_all_or_none_fit_into_the_queue(make_daemon: MakeDaemon) -> None:
    client = make_daemon(config={"queue_size": 5}).client
    answer = client.request("POST", TASKS, {"command": ["true"], "array": 6, "hold": True})
    assert answer.status == 429
    assert "6 more were to" in answer.detail
    assert client.tasks() == []


@pytest.mark.parametrize(
    "array", [0, -1, 10_001, "", "5-1", "1,1", "a-b", "0-9%0", "0-9%", "0-9:0", "0-99999", "1-", "-5", {"a": 1}, 1.5]
)
def test_nonsense_is_refused(client: Client, array: object) -> None:
    answer = client.request("POST", TASKS, {"command": ["true"], "array": array})
    assert answer.status == 422, answer.body
    assert [loc for _, loc in answer.violations()] == [["body", "array"]]
    assert client.tasks() == []


def test_ids_are_not_given_twice(client: Client) -> None:
    submit(client, 2, "true", task_id="a")
    assert client.request("POST", TASKS, {"command": ["true"], "task_id": "a"}).status == 409
    assert client.request("POST", TASKS, {"command": ["true"], "task_id": "a", "array": 2}).status == 409
    answer = client.request("GET", f"{TASKS}/a/logs")
    assert answer.status == 404
    assert "name one of them, such as a_0" in answer.detail
    wait_end(client, "a")
