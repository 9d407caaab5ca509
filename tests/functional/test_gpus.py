# SPDX-License-Identifier: Apache-2.0
"""Placement on simulated GPUs: limits, selection, memory beside other processes, explanations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import programs
from harness.client import Client, Json
from harness.command_line import CommandLine
from harness.commands import PYTHON, Gate
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.waiting import wait_until


class Machine:
    """A daemon and its simulated GPUs."""

    def __init__(self, make_daemon: MakeDaemon, fake_gpus: MakeGpus, count: int, **options: str) -> None:
        self.gpus = fake_gpus(count, **options)
        self.daemon = make_daemon(gpus=self.gpus)
        self.client: Client = self.daemon.client

    def submit(self, *arguments: str, **fields: object) -> str:
        """A stand-in for a CUDA program, as a task."""
        body = {"device": "cuda", "env": self.gpus.environment} | fields
        return self.client.submit(*self.gpus.task(*arguments), **body)["task_id"]

    def reading(self, index: int) -> Json:
        return self.client.get("/api/v2/resources/gpu")["devices"][index]

    def verdict(self, task_id: str, device: str) -> Json:
        """Of one device; every explanation adds up."""
        why = self.client.explain(task_id)
        names = [entry["device"] for entry in why["devices"]]
        assert sorted(names) == sorted(self.daemon.resources()["limits"]), "every device has a verdict"
        assert sum(why["counts"].values()) == len(names)
        return next(entry for entry in why["devices"] if entry["device"] == device)


MakeMachine = Callable[..., Machine]


@pytest.fixture
def machine(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> MakeMachine:
    return lambda count, **options: Machine(make_daemon, fake_gpus, count, **options)


def overlap(tasks: list[Json]) -> int:
    """The most of these tasks that ran at the same time."""
    changes = [(task["started_at"], 1) for task in tasks] + [(task["finished_at"], -1) for task in tasks]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def test_forty_trainings_from_sixteen_clients_never_exceed_a_limit_and_use_all_eight(
    machine: MakeMachine,
) -> None:
    m = machine(8)
    over, used, seen = [], set(), []
    stop = threading.Event()

    def watch() -> None:
        client = m.daemon.client
        while not stop.is_set():
            resources = client.get("/api/v2/resources")
            for device, kinds in resources["device_usage"].items():
                for kind, limit in resources["limits"][device].items():
                    seen.append(device)
                    if kinds[kind] > limit:
                        over.append((device, kind, kinds[kind]))
                    if kinds[kind] > 0:
                        used.add(device)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(16) as pool:
            ids = list(
                pool.map(lambda _: m.submit("--memory", "2G", "--seconds", "0.4", kind="training"), range(40))
            )
        tasks = [m.client.wait_end(task, within=120) for task in ids]
    finally:
        stop.set()
        watcher.join()
    assert over == []
    assert len(seen) > 100, "the watcher looked often"
    assert used == {f"cuda:{i}" for i in range(8)}
    assert {task["status"] for task in tasks} == {"completed"}
    uuids = m.gpus.uuids()
    for index in range(8):
        here = [task for task in tasks if task["device"] == f"cuda:{index}"]
        assert here, f"cuda:{index} was used"
        assert overlap(here) == 1
        for task in here:  # the program saw the device that the daemon speaks of
            assert m.client.output(task["task_id"]).decode() == f"devices: {uuids[index]}\n"
    assert {d: k for d, k in m.daemon.resources()["device_usage"].items() if any(k.values())} == {}


def test_limits_of_several_per_gpu_hold_too(machine: MakeMachine) -> None:
    m = machine(2)
    m.client.limits({"cuda:0": {"inference": 2}, "cuda:1": {"inference": 1}})
    with ThreadPoolExecutor(8) as pool:
        ids = list(
            pool.map(lambda _: m.submit("--memory", "1G", "--seconds", "0.2", kind="inference"), range(12))
        )
    tasks = [m.client.wait_end(task) for task in ids]
    most = {f"cuda:{i}": overlap([t for t in tasks if t["device"] == f"cuda:{i}"]) for i in range(2)}
    assert most["cuda:0"] <= 2
    assert most["cuda:1"] <= 1
    assert {task["status"] for task in tasks} == {"completed"}


def test_a_device_that_is_not_there_is_refused_with_the_list(machine: MakeMachine) -> None:
    m = machine(8)
    for device in ("cuda:9", "CUDA:8", "cuda:0,cuda:8", "rocm:0", "GPU-ffffffff"):
        answer = m.client.request("POST", "/api/v2/tasks", {"command": ["true"], "device": device})
        assert answer.status == 400, device
        assert all(f"cuda:{i}" in answer.detail for i in range(8)), answer.detail
    for device in ("banana", "cuda:", "cuda:one", "cuda:-1", "cuda:0,banana", "gpu:0:1"):
        answer = m.client.request("POST", "/api/v2/tasks", {"command": ["true"], "device": device})
        assert answer.status == 422, device
        assert answer.violations()[0][1] == ["body", "device"]
    assert m.client.tasks() == []


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "auto", "CUDA", ""])
def test_without_gpus_cuda_runs_on_the_cpu_and_says_so(client: Client, folder: Path, device: str) -> None:
    gate = Gate(folder / "gate")
    ids = [client.submit(*gate.wait(), device=device, kind="training")["task_id"] for _ in range(3)]
    for task in ids[:2]:
        running = client.wait_state(task, "running")
        assert (running["device"], running["fallback"]) == ("cpu", "no_gpu")
    assert client.task(ids[2])["status"] == "queued", "counted against the processor's limit of 2"
    assert client.get("/api/v2/resources")["device_usage"]["cpu"]["training"] == 2
    gate.open()
    done = client.wait_end(ids[2])
    assert (done["status"], done["device"]) == ("completed", "cpu")


def test_a_foreign_process_keeps_a_task_that_needs_more_away(machine: MakeMachine) -> None:
    m = machine(2)
    holder = m.gpus.hold(0, "21.6G")  # 90 % of 24 GiB
    wait_until(lambda: m.reading(0)["allocated_memory_gb"] > 21, "the daemon sees its memory")
    wait_until(lambda: m.reading(0)["processes"], "the daemon sees the foreign process")
    held = m.reading(0)
    assert held["utilization"] == pytest.approx(90, abs=2)
    assert [p["task_id"] for p in held["processes"]] == [None]
    assert held["processes"][0]["pid"] == holder.pid
    waiting = m.submit("--memory", "8G", "--seconds", "0.1", device="cuda:0", memory_gb=8)
    m.client.wait_state(waiting, "queued")
    verdict = m.verdict(waiting, "cuda:0")
    assert (verdict["verdict"], verdict["code"]) == ("wait", "memory")
    assert verdict["needed"]
    assert verdict["available"]
    assert m.verdict(waiting, "cuda:1")["verdict"] == "never"
    # One that is content with any GPU goes to the other; one that needs little fits beside it.
    assert (
        m.client.wait_end(m.submit("--memory", "8G", "--seconds", "0.1", memory_gb=8))["device"] == "cuda:1"
    )
    little = m.submit("--memory", "1G", "--seconds", "0.1", device="cuda:0", memory_gb=1)
    assert m.client.wait_end(little)["status"] == "completed"
    assert m.client.task(waiting)["status"] == "queued"
    m.gpus.release(holder)
    done = m.client.wait_end(waiting)
    assert (done["status"], done["device"]) == ("completed", "cuda:0")


def test_a_task_larger_than_any_device_is_refused_at_once(machine: MakeMachine) -> None:
    m = machine(2)
    answer = m.client.request(
        "POST", "/api/v2/tasks", {"command": ["true"], "device": "cuda", "memory_gb": 80}
    )
    assert answer.status == 400
    body = {"command": ["true"], "device": "cuda", "gpus": 3}
    assert m.client.request("POST", "/api/v2/tasks", body).status == 400


def test_a_task_sees_only_its_devices_by_uuid(machine: MakeMachine) -> None:
    m = machine(3)
    uuids = m.gpus.uuids()
    show = "import json, os; print(json.dumps(dict(os.environ)))"

    def environment(**fields: object) -> Json:
        task = m.client.run(PYTHON, "-c", show, memory_gb=2, **fields)
        return json.loads(m.client.output(task["task_id"]))

    env = environment(
        device="cuda:1", env={"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    )
    assert (env["CUDA_VISIBLE_DEVICES"], env["CUDA_DEVICE_ORDER"]) == (uuids[1], "PCI_BUS_ID")
    assert (env["BERTH_DEVICE"], env["BERTH_MEMORY_LIMIT"]) == ("cuda:0", str(2 * 2**30))
    env = environment(device="cuda:2,cuda:0")
    assert sorted(env["CUDA_VISIBLE_DEVICES"].split(",")) == sorted([uuids[2], uuids[0]])
    assert environment(device=uuids[2])["CUDA_VISIBLE_DEVICES"] == uuids[2]
    assert environment(device="GPU-be000001")["CUDA_VISIBLE_DEVICES"] == uuids[1]
    assert environment(device="cpu")["CUDA_VISIBLE_DEVICES"] == ""


def test_several_gpus_for_one_task(machine: MakeMachine) -> None:
    m = machine(4)
    gate_free = m.submit("--seconds", "1000", memory_gb=20, gpus=3)
    m.client.wait_state(gate_free, "running")
    assert len(m.client.task(gate_free)["placement"]["devices"]) == 3
    waiting = m.submit("--seconds", "0.1", memory_gb=20, gpus=2)
    assert m.client.wait_state(waiting, "queued")
    m.client.cancel(gate_free)
    done = m.client.wait_end(waiting)
    assert done["status"] == "completed"
    assert len(set(done["device"].split(","))) == 2


def test_order_is_that_of_the_bus_not_of_the_driver(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(4)
    for number, bus in enumerate((0x80, 0x20, 0x60, 0x40)):
        gpus.ctl("set", str(number), f"bus={bus}")
    daemon: Daemon = make_daemon(gpus=gpus)
    listed = daemon.client.get("/api/v2/resources/gpu")["devices"]
    assert [device["uuid"] for device in listed] == gpus.uuids()
    task = daemon.client.run(*gpus.task("--seconds", "0.1"), device="cuda:0", env=gpus.environment)
    assert gpus.uuids()[0] in daemon.client.output(task["task_id"]).decode()


def test_reservations_hold_while_tasks_take_their_memory_slowly(machine: MakeMachine) -> None:
    m = machine(2)
    ids = [m.submit("--memory", "14G", "--ramp", "3s", memory_gb=14.4) for _ in range(3)]  # 60 % each
    wait_until(lambda: sum(m.client.task(i)["status"] == "running" for i in ids) == 2, "two of them run")
    running = [task for task in map(m.client.task, ids) if task["status"] == "running"]
    assert {task["device"] for task in running} == {"cuda:0", "cuda:1"}
    (third,) = [i for i in ids if m.client.task(i)["status"] != "running"]
    assert m.verdict(third, "cuda:0")["code"] == m.verdict(third, "cuda:1")["code"] == "memory"
    reading = m.reading(0)
    assert reading["effective_free_memory_gb"] < 10, "what is reserved counts before it is taken"
    assert reading["cached_memory_gb"] > 14
    # Small ones fit beside them, during the ramp-up and after it.
    for _ in range(2):
        small = m.submit("--memory", "4G", "--seconds", "0.1", memory_gb=4)
        assert m.client.wait_end(small)["status"] == "completed"
        wait_until(lambda: min(m.reading(i)["allocated_memory_gb"] for i in range(2)) > 13.9, "all is taken")
    assert m.client.task(third)["status"] == "queued"
    assert {m.client.task(i["task_id"])["status"] for i in running} == {"running"}, "nobody ran out of memory"
    m.client.cancel(running[0]["task_id"])
    m.client.wait_state(third, "running")
    assert m.client.task(third)["device"] == running[0]["device"]


def test_tasks_without_a_figure_share_by_the_limits(machine: MakeMachine) -> None:
    m = machine(1)
    training = m.client.wait_state(m.submit(kind="training"), "running")
    assert training["placement"]["rule"] == "kind_share"
    assert training["placement"]["devices"][0]["reserved_gb"] == pytest.approx(23.7 * 0.6, abs=0.2)
    inference = [m.client.wait_state(m.submit(kind="inference"), "running") for _ in range(3)]
    assert {task["device"] for task in inference} == {"cuda:0"}, "a full house of both fits"
    command = m.submit()
    assert m.client.wait_state(command, "queued")
    assert m.verdict(command, "cuda:0")["code"] in ("busy", "memory"), "a command wants the device whole"


def test_a_command_without_a_figure_has_the_gpu_to_itself(machine: MakeMachine) -> None:
    m = machine(1)
    first = m.submit()
    m.client.wait_state(first, "running")
    second = m.submit(memory_gb=1)
    m.client.wait_state(second, "queued")
    assert m.verdict(second, "cuda:0")["code"] == "exclusive"
    m.client.cancel(first)
    m.client.wait_state(second, "running")


def test_the_gpus_processes_are_ours_by_task_id(machine: MakeMachine) -> None:
    m = machine(1)
    task = m.submit("--memory", "3G", "--fork", "2", memory_gb=4)

    def ours() -> list[Json]:
        return [p for p in m.reading(0)["processes"] or [] if p["task_id"] == task]

    wait_until(
        lambda: sum(p["used_memory_gb"] or 0 for p in ours()) > 2.9, "both children are known as the task's"
    )
    assert m.daemon.resources()["active_tasks"]["cuda:0"][0]["id"] == task


def test_a_process_of_ours_is_ours_from_the_first_answer_on(machine: MakeMachine) -> None:
    m = machine(8)
    ids = {m.submit("--memory", "1G", "--seconds", "60", device=f"cuda:{index}", memory_gb=2) for index in range(8)}
    seen: dict[str, set[str | None]] = {}

    def all_seen() -> bool:
        for gpu in m.daemon.resources()["gpu_info"]["devices"]:
            seen.setdefault(gpu["device_name"], set()).update(process["task_id"] for process in gpu["processes"])
        return len(seen) == 8 and all(seen.values())

    wait_until(all_seen, "each GPU has a process", every=0)
    assert all(len(tasks) == 1 for tasks in seen.values()), seen
    assert {task for tasks in seen.values() for task in tasks} == ids


def test_who_keeps_memory_though_nobody_waits_for_him_is_named(
    machine: MakeMachine, folder: Path
) -> None:
    m = machine(1)
    ended = m.submit("--memory", "1G", "--seconds", "0.1", memory_gb=1)
    m.client.wait_end(ended)
    hold = f"{programs.FAKEGPU_CTL} hold 0 2G & {programs.FAKEGPU_CTL} hold 0 3G & echo $!; wait"
    shell = subprocess.Popen(
        ["/bin/sh", "-c", f"env BERTH_TASK_ID={ended} BERTH_ATTEMPT=1 {hold}"],
        env={**os.environ, **m.gpus.environment},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:

        def named() -> dict[float, tuple[str, str | None, str | None]]:
            found = m.reading(0)["processes"] or []
            return {p["used_memory_gb"]: (p["state"], p["task_id"], p["left_by"]) for p in found}

        alive = {2: ("alive", None, ended), 3: ("alive", None, None)}
        wait_until(lambda: named() == alive, "both are seen")
        shell.kill()
        shell.wait()
        orphans = {2: ("orphan", None, ended), 3: ("orphan", None, None)}
        wait_until(lambda: named() == orphans, "they are known as orphans")
        text = CommandLine(m.daemon, folder).ok("gpus")
        assert f"left by task {ended[:8]}" in text, text
        assert "orphan: what started it has ended" in text, text
    finally:
        os.killpg(shell.pid, signal.SIGKILL)


def test_cancelling_frees_the_gpus_memory_and_slot(machine: MakeMachine) -> None:
    m = machine(1)
    task = m.submit("--memory", "20G", "--fork", "3", "--escape", "--ignore-term", memory_gb=20)
    wait_until(lambda: m.reading(0)["allocated_memory_gb"] > 19, "it holds its memory")
    waiting = m.submit("--memory", "20G", "--seconds", "0.1", memory_gb=20)
    m.client.wait_state(waiting, "queued")
    m.client.cancel(task)
    assert m.client.wait_end(task)["status"] == "cancelled"
    assert m.gpus.show()["processes"] == [] or m.client.task(waiting)["status"] != "queued"
    done = m.client.wait_end(waiting)
    assert (done["status"], done["exit_code"]) == ("completed", 0)


def test_running_out_of_memory_is_the_tasks_own_end(machine: MakeMachine) -> None:
    m = machine(1)
    task = m.client.wait_end(m.submit("--memory", "40G", memory_gb=4))
    assert (task["status"], task["exit_code"]) == ("failed", 1)
    assert "out of memory" in task["error"]["message"]


def test_gpu_fields(machine: MakeMachine) -> None:
    m = machine(2)
    m.gpus.ctl("set", "1", "temperature=na", "power_mw=na", "utilization=na")
    wait_until(lambda: m.reading(1)["temperature_c"] is None, "the reading is gone")
    info = m.client.get("/api/v2/resources/gpu")
    assert (info["available"], info["count"], info["cuda_version"]) == (True, 2, "12.4")
    first, second = info["devices"]
    assert first["id"] == 0
    assert first["device_name"] == "cuda:0"
    assert first["compute_capability"] == "8.6"
    assert first["total_memory_gb"] == 24.0
    assert first["temperature_c"] == 35
    assert (second["power_w"], second["sm_utilization"]) == (None, None), "absent is null, never 0"
    assert first["free_memory_gb"] == pytest.approx(23.7, abs=0.1), "driver-reserved memory is not free"
    assert first["current_tasks"].items() >= {"training": 0, "inference": 0}.items()


def test_the_hardware_table_at_the_start(machine: MakeMachine, daemon: Daemon) -> None:
    m = machine(2)
    table = m.daemon.stdout()
    for text in ("NVIDIA GeForce RTX 3090", "8.6", "24.00", "12.4"):
        assert text in table
    assert "CPU" in daemon.stdout(), "without a GPU it says that the CPU will be used"
