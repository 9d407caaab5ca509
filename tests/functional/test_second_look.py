# SPDX-License-Identifier: Apache-2.0
"""What happens on a GPU between the decision and the start of the process."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness.client import FINAL, Json
from harness.commands import lines, mark
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until


def log_codes(daemon: Daemon, task_id: str) -> list[str]:
    """Of the records that the daemon wrote itself."""
    path = daemon.state_dir / "tasks" / task_id / "log.jsonl"
    text = path.read_text() if path.exists() else ""
    whole = text[: text.rfind("\n") + 1].splitlines()
    return [json.loads(line.split(" ", 1)[1])["code"] for line in whole if line.startswith("d:")]


def wait_closed(daemon: Daemon, task_id: str) -> list[str]:
    """The codes of a log that has its last record."""
    wait_until(lambda: set(log_codes(daemon, task_id)) & set(FINAL), "the log is complete")
    return log_codes(daemon, task_id)


def directory(daemon: Daemon, task_id: str, attempt: int) -> Path:
    """Made when a process is started for this attempt, and not before."""
    return daemon.state_dir / "tasks" / task_id / str(attempt)


def device(daemon: Daemon, index: int) -> Json:
    return daemon.client.get("/api/v2/resources/gpu")["devices"][index]


def submit(daemon: Daemon, machine: FakeGpus, *arguments: str, **fields: object) -> str:
    body = {"device": "cuda", "env": machine.environment, "memory_gb": 8} | fields
    return daemon.client.submit(*machine.task(*arguments), **body)["task_id"]


def wait_readings(daemon: Daemon, index: int, count: int) -> None:
    """Until the GPU has been read that often."""
    for _ in range(count):
        last = device(daemon, index)["age_s"]

        def newer() -> bool:
            nonlocal last
            before, last = last, device(daemon, index)["age_s"]
            return last < before

        wait_until(newer, "the GPU is read again")


def set_trap(daemon: Daemon, gpus: FakeGpus, index: int, memory: str) -> None:
    """The memory is taken at the first reading after the next entry of the journal: a decision is
    made before it is written there, and carried out after that."""
    wait_until(lambda: device(daemon, index)["effective_free_memory_gb"] > 23, "the GPU is known to be free")
    gpus.trap(index, memory, daemon.state_dir / "berth.db-wal")


@pytest.fixture
def idle(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> tuple[Daemon, FakeGpus]:
    """Two GPUs of 24 GiB, of which an indifferent task gets cuda:0."""
    gpus = fake_gpus(2)
    return make_daemon(gpus=gpus), gpus


def test_memory_taken_between_decision_and_start_sends_the_task_elsewhere(
    idle: tuple[Daemon, FakeGpus],
) -> None:
    daemon, gpus = idle
    set_trap(daemon, gpus, 0, "21.6G")
    task = daemon.client.wait_end(submit(daemon, gpus, "--memory", "8G", "--seconds", "0.1", task_id="t"))
    assert (task["status"], task["device"], task["attempt"]) == ("completed", "cuda:1", 2)
    assert not directory(daemon, "t", 1).exists(), "no process was started on cuda:0"
    assert wait_closed(daemon, "t") == [
        "waiting", "allocated", "memory_taken", "allocated", "started", "completed",
    ]  # fmt: skip


def test_without_another_gpu_the_task_waits_and_is_not_tried_again_and_again(
    idle: tuple[Daemon, FakeGpus],
) -> None:
    daemon, gpus = idle
    set_trap(daemon, gpus, 0, "21.6G")
    submit(daemon, gpus, "--memory", "8G", "--seconds", "0.1", device="cuda:0", task_id="t")
    wait_until(lambda: "memory_taken" in log_codes(daemon, "t"), "the launch is taken back")
    wait_readings(daemon, 0, 3)
    task = daemon.client.task("t")
    assert (task["status"], task["attempt"], task["started_at"]) == ("queued", 1, None)
    assert log_codes(daemon, "t").count("memory_taken") == 1
    verdict = next(d for d in daemon.client.explain("t")["devices"] if d["device"] == "cuda:0")
    assert (verdict["verdict"], verdict["code"]) == ("wait", "memory")
    gpus.release_ghost()
    task = daemon.client.wait_end("t")
    assert (task["status"], task["device"], task["attempt"]) == ("completed", "cuda:0", 2)


def test_what_still_fits_starts(idle: tuple[Daemon, FakeGpus]) -> None:
    daemon, gpus = idle
    set_trap(daemon, gpus, 0, "10G")
    task = daemon.client.wait_end(submit(daemon, gpus, "--memory", "8G", "--seconds", "0.1", task_id="t"))
    assert (task["status"], task["device"], task["attempt"]) == ("completed", "cuda:0", 1)
    wait_until(lambda: device(daemon, 0)["allocated_memory_gb"] > 9, "the foreign process is there")


def test_a_task_of_two_gpus_starts_on_both_or_on_none(idle: tuple[Daemon, FakeGpus]) -> None:
    daemon, gpus = idle
    set_trap(daemon, gpus, 1, "21.6G")
    submit(daemon, gpus, "--memory", "8G", "--seconds", "0.1", gpus=2, task_id="t")
    wait_until(lambda: "memory_taken" in log_codes(daemon, "t"), "the launch is taken back")
    daemon.client.wait_state("t", "queued")
    assert not directory(daemon, "t", 1).exists()
    gpus.release_ghost()
    assert daemon.client.wait_end("t")["status"] == "completed"


def test_eight_tasks_of_10_gb_share_80_gb_as_far_as_memory_reaches_and_none_dies(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(1, memory="80G")
    daemon: Daemon = make_daemon(gpus=gpus)
    ids = [
        submit(daemon, gpus, "--memory", "10G", "--ramp", "1s", "--seconds", "3", memory_gb=10)
        for _ in range(8)
    ]
    states = [task["status"] for task in map(daemon.client.task, ids)]
    assert states.count("running") == 7, "79.7 GiB are usable"
    wait_until(lambda: device(daemon, 0)["allocated_memory_gb"] > 69, "all have taken theirs")
    ended = [daemon.client.wait_end(task) for task in ids]
    assert {task["status"] for task in ended} == {"completed"}
    assert {task["attempt"] for task in ended} == {1}


def block_readings(daemon: Daemon, gpus: FakeGpus, least_age: float = 0) -> None:
    """Returns when the sampler is inside a call for cuda:0. What is known is not older than a second."""
    daemon.allow_stderr("device is not healthy|sampler")
    wait_readings(daemon, 0, 1)
    wait_until(lambda: device(daemon, 0)["age_s"] >= least_age, "the reading is that old")
    gpus.ctl("block", "0", "nvmlDeviceGetMemoryInfo*", "forever")
    calls = -1

    def inside() -> bool:
        nonlocal calls
        before, calls = calls, gpus.show()["calls"]
        return calls == before

    wait_until(inside, "no more calls are made", every=0.3)  # a round is begun every quarter second


@pytest.mark.parametrize("deed", ["cancel", "kill"])
def test_in_the_midst_of_a_look(idle: tuple[Daemon, FakeGpus], folder: Path, deed: str) -> None:
    daemon, gpus = idle
    for task_id in map(str, range(10)):
        block_readings(daemon, gpus)
        trace = folder / task_id
        begin = time.monotonic()
        daemon.client.submit(*mark(trace), device="cuda:0", memory_gb=2, task_id=task_id)
        if deed == "cancel":
            daemon.client.cancel(task_id)
        else:
            daemon.kill9()
        in_time = time.monotonic() - begin < 0.1
        if deed == "cancel":
            task = daemon.client.wait_end(task_id)
            gpus.ctl("unblock")
            if in_time:
                assert (task["status"], task["attempt"], task["exit_code"]) == ("cancelled", 1, None)
                assert not directory(daemon, task_id, 1).exists()
                assert lines(trace) == []
        else:
            started = directory(daemon, task_id, 1).exists()
            gpus.ctl("unblock")
            daemon.start()
            task = daemon.client.wait_end(task_id)
            assert (task["status"], task["attempt"], lines(trace)) == ("completed", 1, ["ran"])
            assert wait_closed(daemon, task_id) == ["waiting", "allocated", "started", "completed"]
            if in_time:
                assert not started
        if in_time:
            return
        wait_until(lambda: device(daemon, 0)["health"] == "healthy", "it is read again", within=90)
    pytest.fail("the machine is too slow: no look was under way any more, ten times")


def test_nothing_starts_on_a_gpu_whose_driver_has_not_answered_for_two_seconds(
    idle: tuple[Daemon, FakeGpus],
) -> None:
    daemon, gpus = idle
    block_readings(daemon, gpus, least_age=0.6)
    wait_until(lambda: device(daemon, 0)["age_s"] > 2, "the newest reading is old")
    submit(daemon, gpus, "--memory", "8G", "--seconds", "0.1", task_id="t")
    task = daemon.client.wait_end("t")
    assert (task["status"], task["device"]) == ("completed", "cuda:1")
    started = [n for n in range(1, task["attempt"] + 1) if directory(daemon, "t", n).exists()]
    assert started == [task["attempt"]], "the others were taken back"
    assert task["attempt"] < 5, "not tried again and again"
    assert device(daemon, 0)["health"] == "not_responding"


def test_what_needs_no_gpu_does_not_wait_for_a_driver(idle: tuple[Daemon, FakeGpus]) -> None:
    daemon, gpus = idle
    block_readings(daemon, gpus)
    begin = time.monotonic()
    ids = [daemon.client.submit("true", device="cpu")["task_id"] for _ in range(5)]
    ended = [daemon.client.wait_end(task) for task in ids]
    assert {task["status"] for task in ended} == {"completed"}
    assert all(log_codes(daemon, task).count("started") == 1 for task in ids)
    print(f"five commands on the processor: {(time.monotonic() - begin) * 1000:.0f} ms")
