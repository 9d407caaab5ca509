# SPDX-License-Identifier: Apache-2.0
"""Drivers that do not answer and devices that go: no answer waits for them, work goes elsewhere."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.commands import Gate
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.latency import Stopwatch
from harness.waiting import wait_until

#: No route may take longer, whatever the driver does.
LONGEST = 0.050

ROUTES = [
    "/", "/healthz", "/readyz", "/api/v1/health", "/api/v1/info",
    "/api/v2/tasks", "/api/v2/tasks?status=live", "/api/v2/tasks/done", "/api/v2/tasks/done/explain",
    "/api/v2/tasks/waiting/explain", "/api/v2/tasks/done/logs", "/api/v2/tasks/done/events",
    "/api/v2/tasks/done/output/stdout", "/api/v2/tasks/none",
    "/api/v2/training/none", "/api/v2/inference/none",
    "/api/v2/resources", "/api/v2/resources/gpu", "/api/v2/resources/cpu", "/nothing",
]  # fmt: skip


def health(daemon: Daemon, index: int) -> str:
    return daemon.client.get("/api/v2/resources/gpu")["devices"][index]["health"]


def submit(daemon: Daemon, gpus: FakeGpus, *arguments: str, **fields: object) -> str:
    body = {"device": "cuda", "env": gpus.environment, "memory_gb": 2} | fields
    return daemon.client.submit(*gpus.task(*arguments), **body)["task_id"]


@pytest.mark.parametrize("blocked", ["0", "all"])
def test_while_a_driver_call_never_returns_every_route_answers_at_once(
    memory_folder: Path, make_daemon: MakeDaemon, fake_gpus: MakeGpus, blocked: str
) -> None:
    gpus = fake_gpus(8)
    daemon: Daemon = make_daemon(gpus=gpus, state_dir=memory_folder)
    daemon.allow_stderr("device is not healthy")
    daemon.allow_stderr("sampler|driver")
    client = daemon.client
    client.run("echo", "done", task_id="done")
    client.limits({"cuda": {"training": 0}})
    submit(daemon, gpus, kind="training", task_id="waiting")
    wait_until(lambda: client.request("GET", "/api/v2/tasks/done/events").status == 200, "the log is closed")
    watch = Stopwatch(client, daemon.pid)
    for path in ROUTES:
        watch.get(path)
    gpus.ctl("block", blocked, "*", "forever")
    begin = time.monotonic()
    silent = False
    rounds = 0
    # Through the call's first seconds, the moment when the sampler is given up, and after it.
    while rounds < 40 or not silent or time.monotonic() - begin < 6:
        for path in ROUTES:
            watch.get(path)
        body = {"command": ["true"], "device": "cpu"}
        made = json.loads(watch.request("POST", "/api/v2/tasks", json.dumps(body).encode()))
        watch.request(
            "POST", f"/api/v2/tasks/{made['task_id']}/cancel", name="POST /api/v2/tasks/{id}/cancel"
        )
        watch.request("POST", "/api/v2/resources/config", b'{"max_concurrent": {"cpu": {"training": 2}}}')
        silent = silent or health(daemon, 0) == "not_responding"
        rounds += 1
        assert time.monotonic() - begin < 60, "the device is found silent"
    watch.close()
    report = watch.report()
    print(f"blocked: {blocked}\n{report}")
    assert not [name for name, seen in watch.statuses.items() if max(seen) >= 500]
    name, worst = watch.worst()
    assert worst < LONGEST, f"{name}: {worst * 1000:.1f} ms\n{report}"
    if blocked == "0":
        reading = client.get("/api/v2/resources/gpu")["devices"]
        assert reading[0]["total_memory_gb"] == 24.0, "the last reading stays, with its age"
        wait_until(lambda: client.get("/api/v2/resources/gpu")["devices"][0]["age_s"] > 2, "its age grows")


def test_while_one_gpu_hangs_tasks_start_on_the_others(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(3)
    daemon: Daemon = make_daemon(gpus=gpus)
    daemon.allow_stderr("device is not healthy")
    daemon.allow_stderr("sampler|driver")
    gpus.ctl("block", "0", "*", "forever")
    wait_until(lambda: health(daemon, 0) == "not_responding", "the silent device is known")
    done = [daemon.client.wait_end(submit(daemon, gpus, "--seconds", "0.1")) for _ in range(4)]
    assert {task["status"] for task in done} == {"completed"}
    assert {task["device"] for task in done} <= {"cuda:1", "cuda:2"}
    waiting = submit(daemon, gpus, "--seconds", "0.1", device="cuda:0")
    why = daemon.client.explain(waiting)
    assert {d["device"]: d["code"] for d in why["devices"]}["cuda:0"] == "unhealthy"
    assert sum(why["counts"].values()) == len(why["devices"]) == 4
    silent = next(d for d in why["devices"] if d["device"] == "cuda:0")
    since, probe = (datetime.fromisoformat(silent[key]) for key in ("since", "next_probe"))
    assert since < datetime.now(UTC) < probe < since + timedelta(seconds=61)
    assert "tried again in" in why["summary"]
    listed = daemon.client.get("/api/v2/resources/gpu")["devices"]
    assert abs(datetime.fromisoformat(listed[0]["next_probe"]) - probe) < timedelta(seconds=1)
    assert [d["unhealthy_since"] for d in listed[1:]] == [None, None]
    # Readings of the others stay fresh.
    assert daemon.client.get("/api/v2/resources/gpu")["devices"][1]["age_s"] < 10


def test_a_daemon_starts_while_the_driver_hangs(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(2)
    gpus.ctl("block", "all", "*", "forever")
    begin = time.monotonic()
    daemon: Daemon = make_daemon(gpus=gpus)
    assert time.monotonic() - begin < 20
    daemon.allow_stderr("device is not healthy")
    daemon.allow_stderr("sampler|driver")
    begin = time.monotonic()
    assert daemon.client.run("true", device="cpu")["status"] == "completed"
    assert time.monotonic() - begin < 10, "what needs no GPU does not wait for a driver"
    begin = time.monotonic()
    daemon.restart()
    assert time.monotonic() - begin < 20


def test_gpus_are_remembered_through_a_restart_with_a_silent_driver(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus)
    daemon.client.limits({"cuda": {"training": 0}})
    queued = submit(daemon, gpus, "--seconds", "0.1", kind="training")
    gpus.ctl("block", "all", "*", "forever")
    daemon.kill9()
    daemon.allow_stderr("device is not healthy")
    daemon.allow_stderr("sampler|driver")
    daemon.start()
    new = submit(daemon, gpus, "--seconds", "0.1", kind="training")
    for task_id in (queued, new):
        task = daemon.client.task(task_id)
        assert (task["status"], task["fallback"]) == ("queued", None), (
            "the CPU does not stand in for a silent GPU"
        )
    assert daemon.resources()["limits"].keys() >= {"cuda:0", "cuda:1"}


def test_a_lost_device_takes_no_tasks_until_it_is_back(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus)
    daemon.allow_stderr("device is not healthy")
    gpus.ctl("lose", "0")
    wait_until(lambda: health(daemon, 0) == "lost", "the loss is seen")
    listed = daemon.client.get("/api/v2/resources/gpu")["devices"]
    assert [d["device_name"] for d in listed] == ["cuda:0", "cuda:1"], "cuda:1 keeps its name"
    assert daemon.client.wait_end(submit(daemon, gpus, "--seconds", "0.1"))["device"] == "cuda:1"
    waiting = submit(daemon, gpus, "--seconds", "0.1", device="cuda:0")
    why = {d["device"]: d for d in daemon.client.explain(waiting)["devices"]}
    assert (why["cuda:0"]["code"], why["cuda:0"]["verdict"]) == ("unhealthy", "wait")
    gpus.ctl("recover", "0")
    assert daemon.client.wait_end(waiting, within=90)["device"] == "cuda:0"
    assert health(daemon, 0) == "healthy"


def test_a_device_that_is_lost_under_a_task(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(1)
    daemon: Daemon = make_daemon(gpus=gpus)
    daemon.allow_stderr("device is not healthy")
    daemon.client.limits({"cuda:0": {"training": 1}})
    run = submit(daemon, gpus, "--memory", "2G", "--seconds", "60", "--ignore-term", kind="training")
    wait_until(lambda: daemon.client.output(run).startswith(b"devices: GPU-"), "it has its device")
    waiting = submit(daemon, gpus, "--seconds", "0.1", kind="training")
    gpus.ctl("lose", "0")
    ended = daemon.client.wait_end(run, within=8)  # no grace: it ignores SIGTERM
    assert (ended["status"], ended["cause"]) == ("failed", "device_lost")
    assert ended["error"]["code"] == "device_lost"
    assert "cuda:0" in ended["error"]["message"]
    assert daemon.resources()["device_usage"]["cuda:0"]["training"] == 0
    why = daemon.client.explain(waiting)
    assert {d["device"]: d["code"] for d in why["devices"]}["cuda:0"] == "unhealthy"
    assert daemon.client.task(waiting)["status"] == "queued", "a lost device takes nothing"
    gpus.ctl("recover", "0")
    assert daemon.client.wait_end(waiting, within=90)["device"] == "cuda:0"


def test_the_numbers_follow_the_device(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(1)
    daemon: Daemon = make_daemon(gpus=gpus)
    holder = gpus.hold(0, "10G")

    def used() -> float:
        return daemon.client.get("/api/v2/resources/gpu")["devices"][0]["allocated_memory_gb"]

    wait_until(lambda: used() == pytest.approx(10, abs=0.1), "the memory is seen")
    gpus.release(holder)
    wait_until(lambda: used() == pytest.approx(0, abs=0.1), "it is seen to be free again")


def test_a_missing_driver_library_is_no_error(daemon: Daemon) -> None:
    info = daemon.client.get("/api/v2/resources/gpu")
    assert (info["available"], info["count"], info["devices"], info["cuda_version"]) == (False, 0, [], None)


def test_streams_go_on_while_the_driver_hangs(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path
) -> None:
    from harness.sse import EventReader

    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus)
    daemon.allow_stderr("device is not healthy")
    daemon.allow_stderr("sampler|driver")
    gate = Gate(folder / "gate")
    daemon.client.submit(*gate.wait("seq 1 100"), device="cpu", task_id="t")
    reader = EventReader(daemon.client, "/api/v2/tasks/t/logs")
    reader.wait_events(3)
    gpus.ctl("block", "all", "*", "forever")
    threading.Timer(0.5, gate.open).start()
    begin = time.monotonic()
    events = reader.join()
    assert time.monotonic() - begin < 20
    assert events[-1].data["status"] == "completed"
