# SPDX-License-Identifier: Apache-2.0
"""Retries, dependencies, holds, drains, the processor as a fallback, lost devices."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness import programs
from harness.client import Json
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until


def counting(file: Path, good_from: int) -> list[str]:
    """A command that fails until it has been started so often."""
    script = f'n=$(($(cat {file} 2>/dev/null || echo 0) + 1)); echo $n >{file}; test $n -ge {good_from}'
    return ["sh", "-c", script]


@pytest.fixture
def gpus_and_daemon(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> tuple[Daemon, FakeGpus]:
    gpus = fake_gpus(2)
    return make_daemon(gpus=gpus), gpus


def on_gpu(daemon: Daemon, gpus: FakeGpus, *arguments: str, **fields: object) -> str:
    body = {"device": "cuda", "env": gpus.environment, "memory_gb": 2} | fields
    return daemon.client.submit(*gpus.task(*arguments), **body)["task_id"]


def codes(daemon: Daemon, task_id: str) -> Json:
    return daemon.client.explain(task_id)["counts"]


def test_a_failed_task_is_tried_again_after_its_pause(daemon: Daemon, tmp_path: Path) -> None:
    task = daemon.client.submit(
        *counting(tmp_path / "count", 3), device="cpu", retry={"max": 3, "backoff_s": 0.2}
    )
    end = daemon.client.wait_end(task["task_id"])
    assert (end["status"], end["attempt"], end["retries"]) == ("completed", 3, 2)
    assert (tmp_path / "count").read_text() == "3\n"


def test_the_pause_is_shown_and_survives_a_restart(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "count"
    task = daemon.client.submit(
        *counting(file, 2), device="cpu", retry={"max": 1, "backoff_s": 4}
    )["task_id"]
    wait_until(lambda: daemon.client.task(task)["not_before"] is not None, "the task pauses")
    assert daemon.client.task(task)["status"] == "queued"
    assert "backoff" in codes(daemon, task)
    daemon.kill9()
    daemon.start()
    end = daemon.client.wait_end(task)
    assert (end["status"], end["retries"], file.read_text()) == ("completed", 1, "2\n")


def test_what_follows_waits_for_a_good_end(daemon: Daemon, tmp_path: Path) -> None:
    client = daemon.client
    first = client.submit("sh", "-c", f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done", device="cpu")["task_id"]
    second = client.submit("true", device="cpu", after=[first])["task_id"]
    third = client.submit("true", device="cpu", after=[second])["task_id"]
    assert "dependency" in codes(daemon, second)
    (tmp_path / "go").touch()
    assert client.wait_end(third)["status"] == "completed"
    assert client.task(first)["finished_at"] <= client.task(second)["started_at"]


def test_a_failure_ends_what_was_to_follow_and_says_so(daemon: Daemon) -> None:
    client = daemon.client
    first = client.submit("sleep", "60", device="cpu")["task_id"]
    good = client.submit("true", device="cpu", after=[first])["task_id"]
    any_end = client.submit("true", device="cpu", after_any=[first])["task_id"]
    client.cancel(first)
    assert client.wait_end(any_end)["status"] == "completed"
    end = client.wait_end(good)
    assert (end["status"], end["cause"]) == ("cancelled", "dependency")
    assert first in end["error"]["message"]
    late = client.request("POST", "/api/v2/tasks", {"command": ["true"], "after": [first]})
    assert late.status == 400 and "cancelled" in late.detail
    assert client.run("true", device="cpu", after_any=[first])["status"] == "completed"


def test_a_task_on_hold_waits_until_it_is_released(daemon: Daemon) -> None:
    client = daemon.client
    task = client.submit("true", device="cpu", hold=True)["task_id"]
    assert client.task(task)["held"] is True
    assert "on_hold" in codes(daemon, task)
    daemon.kill9()
    client = daemon.start().client
    assert client.task(task)["status"] == "queued"
    client.post(f"/api/v2/tasks/{task}/release")
    assert client.wait_end(task)["status"] == "completed"
    assert client.request("POST", f"/api/v2/tasks/{task}/hold").status == 409
    assert client.request("POST", "/api/v2/tasks/none/hold").status == 404


def test_a_task_that_waits_gets_another_priority(daemon: Daemon, tmp_path: Path) -> None:
    client = daemon.client
    order = tmp_path / "order"
    client.limits({"cpu": {"inference": 1}})
    first = client.submit(
        "sh", "-c", f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done", device="cpu", kind="inference"
    )["task_id"]
    client.wait_state(first, "running")
    waiting = {
        name: client.submit("sh", "-c", f"echo {name} >> {order}", device="cpu", kind="inference", name=name)["task_id"]
        for name in ("a", "b", "c")
    }
    client.post(f"/api/v2/tasks/{waiting['c']}/priority", {"priority": 1})
    client.post(f"/api/v2/tasks/{waiting['a']}/priority", {"priority": 10})
    assert client.task(waiting["c"])["priority"] == 1
    daemon.kill9()
    client = daemon.start().client
    assert [client.task(waiting[name])["priority"] for name in "abc"] == [10, 5, 1]
    (tmp_path / "go").touch()
    for task in waiting.values():
        assert client.wait_end(task)["status"] == "completed"
    assert order.read_text().split() == ["c", "b", "a"]

    def refusal(task: str, body: object) -> int:
        return client.request("POST", f"/api/v2/tasks/{task}/priority", body).status

    assert refusal(first, {"priority": 1}) == 409
    assert refusal("none", {"priority": 1}) == 404
    for wrong in ({}, {"priority": 0}, {"priority": 11}, {"priority": "high"}, {"priority": 1, "much": True}):
        assert refusal(first, wrong) == 422, wrong


def test_a_drained_device_takes_nothing_new(gpus_and_daemon: tuple[Daemon, FakeGpus]) -> None:
    daemon, gpus = gpus_and_daemon
    client = daemon.client
    running = on_gpu(daemon, gpus, "--seconds", "60", device="cuda:0")
    client.wait_state(running, "running")
    answer = client.post("/api/v2/resources/drain", {"devices": ["cuda:0"], "reason": "a new fan"})
    assert answer == {"machine": False, "reason": None, "devices": {"cuda:0": "a new fan"}}
    waiting = on_gpu(daemon, gpus, "--seconds", "0.1", device="cuda:0")
    assert codes(daemon, waiting)["draining"] == 1
    assert "a new fan" in client.explain(waiting)["summary"]
    assert client.task(running)["status"] == "running"
    daemon.kill9()
    client = daemon.start().client
    assert client.get("/api/v2/resources/drain")["devices"] == {"cuda:0": "a new fan"}
    client.post("/api/v2/resources/drain", {"devices": ["cuda:0"], "drain": False})
    assert client.wait_end(waiting)["status"] == "completed"
    client.cancel(running)
    client.wait_end(running)
    client.post("/api/v2/resources/drain", {})
    assert client.get("/api/v2/resources/drain")["machine"] is True
    later = client.submit("true", device="cpu")["task_id"]
    assert "draining" in codes(daemon, later)
    client.post("/api/v2/resources/drain", {"drain": False})
    assert client.wait_end(later)["status"] == "completed"


def test_the_processor_takes_over_when_no_gpu_is_free_in_time(
    gpus_and_daemon: tuple[Daemon, FakeGpus],
) -> None:
    daemon, gpus = gpus_and_daemon
    full = [on_gpu(daemon, gpus, "--seconds", "60", exclusive=True) for _ in range(2)]
    for task in full:
        daemon.client.wait_state(task, "running")
    begin = time.monotonic()
    end = daemon.client.run("true", device="cuda", fallback={"to": "cpu", "after_s": 1})
    assert time.monotonic() - begin >= 1
    assert (end["status"], end["device"], end["fallback"]) == ("completed", "cpu", "gpus_busy")
    log = daemon.client.request("GET", f"/api/v2/tasks/{end['task_id']}/logs")
    assert b"No GPU was free in time" in log.body
    for task in full:
        daemon.client.cancel(task)


def test_a_lost_device_s_task_runs_elsewhere_within_two_seconds(
    gpus_and_daemon: tuple[Daemon, FakeGpus],
) -> None:
    daemon, gpus = gpus_and_daemon
    daemon.allow_stderr("device is not healthy|sampler|driver")
    moves = on_gpu(daemon, gpus, "--seconds", "60", device="cuda", retry=1)
    stays = on_gpu(daemon, gpus, "--seconds", "60", device="cuda", retry=0)
    for task in (moves, stays):
        wait_until(lambda task=task: daemon.client.output(task).startswith(b"devices: GPU-"), "it has its device")
    lost = daemon.client.task(moves)["device"]
    gpus.ctl("lose", lost.removeprefix("cuda:"))
    begin = time.monotonic()
    wait_until(lambda: daemon.client.task(moves)["attempt"] == 2, "the task is started again")
    daemon.client.wait_state(moves, "running")
    took = time.monotonic() - begin
    assert daemon.client.task(moves)["device"] != lost
    assert took < 2, f"{took:.2f} s with the reading that finds it lost"
    for task in (moves, stays):
        daemon.client.cancel(task)


def test_a_program_that_dies_of_its_lost_device_first_is_tried_again(
    gpus_and_daemon: tuple[Daemon, FakeGpus],
) -> None:
    """It is gone long before the next regular reading of the GPU."""
    daemon, gpus = gpus_and_daemon
    daemon.allow_stderr("device is not healthy|sampler|driver")
    cases = "".join(f"{uuid}) n={number};; " for number, uuid in enumerate(gpus.uuids()))
    script = (
        f"test $BERTH_ATTEMPT = 1 || exit 0; case $CUDA_VISIBLE_DEVICES in {cases}esac; "
        f"{programs.FAKEGPU_CTL} lose $n; exit 1"
    )
    retry = {"max": 1, "on": ["device_lost"], "backoff_s": 60}
    end = daemon.client.run("sh", "-c", script, device="cuda", memory_gb=1, env=gpus.environment, retry=retry)
    assert (end["status"], end["attempt"], end["retries"]) == ("completed", 2, 1)
    assert end["last_error"]["code"] == "device_lost"


def test_what_ran_out_of_memory_hears_how_much_to_ask_for(
    gpus_and_daemon: tuple[Daemon, FakeGpus],
) -> None:
    daemon, _ = gpus_and_daemon
    words = "torch.cuda.OutOfMemoryError: CUDA out of memory."
    end = daemon.client.run("sh", "-c", f"echo '{words}' >&2; exit 1", device="cuda", memory_gb=4)
    assert (end["error"]["code"], end["error"]["suggested_memory_gb"]) == ("out_of_memory", 5.0)
    other = daemon.client.run("sh", "-c", "exit 1", device="cuda", memory_gb=4)
    assert (other["error"]["code"], other["error"]["suggested_memory_gb"]) == ("exit", None)


@pytest.mark.parametrize(
    "fields, status, words",
    [
        ({"retry": -1}, 422, "greater than or equal to 0"),
        ({"retry": {"max": 1, "on": ["bad luck"]}}, 422, "out_of_memory"),
        ({"retry": {"max": 1, "backoff": 3}}, 422, "no such field"),
        ({"task_id": "me", "after": ["me"]}, 400, "circle"),
        ({"after": ["nobody"]}, 400, "no task nobody"),
        ({"pool": "nowhere"}, 400, 'no pool "nowhere"'),
        ({"policy": "luck"}, 422, "balanced"),
        ({"gpus": 0}, 422, "greater than or equal to 1"),
        ({"device": "cuda", "gpus": 3}, 400, "3 devices were asked for"),
        ({"fallback": "gpu"}, 422, "cpu"),
        ({"fallback": {"to": "cpu", "after_s": -1}}, 422, "negative"),
    ],
)
def test_bad_requests_are_refused_and_change_nothing(
    gpus_and_daemon: tuple[Daemon, FakeGpus], fields: Json, status: int, words: str
) -> None:
    daemon, _ = gpus_and_daemon
    answer = daemon.client.request("POST", "/api/v2/tasks", {"command": ["true"]} | fields)
    assert answer.status == status, answer.detail
    assert words in str(answer.detail)
    assert daemon.client.tasks() == []


def test_bad_drains_are_refused(daemon: Daemon) -> None:
    for body, status in [
        ({"devices": ["cuda:7"]}, 400), ({"devices": []}, 400), ({"device": "cpu"}, 422), ({"drain": "perhaps"}, 422),
    ]:  # fmt: skip
        assert daemon.client.request("POST", "/api/v2/resources/drain", body).status == status
    assert daemon.client.get("/api/v2/resources/drain")["devices"] == {}
