# SPDX-License-Identifier: Apache-2.0
"""Leases: reservations for programs that are started outside of Berth."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import programs
from harness.client import Client, Json
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

LEASES = "/api/v2/leases"


@pytest.fixture
def gpus_and_daemon(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> tuple[Daemon, FakeGpus]:
    gpus = fake_gpus(8)
    return make_daemon(gpus=gpus), gpus


def lease(daemon: Daemon, **fields: object) -> Json:
    answer = daemon.client.request("POST", LEASES, {"device": "cuda", "memory_gb": 4} | fields)
    assert answer.status == 200, answer.body
    return answer.json()


def leases(daemon: Daemon) -> list[Json]:
    return daemon.client.request("GET", LEASES).json()["leases"]


def device(one: Json) -> str:
    return one["devices"][0]["device"]


def effective_free(daemon: Daemon, name: str) -> float:
    gpus = daemon.client.request("GET", "/api/v2/resources/gpu").json()["devices"]
    return next(gpu["effective_free_memory_gb"] for gpu in gpus if gpu["device_name"] == name)


def outside(gpus: FakeGpus, env: Json, index: int, memory: str) -> subprocess.Popen[bytes]:
    """A program that somebody starts by hand with the lease's environment."""
    holder = subprocess.Popen(
        [programs.FAKEGPU_CTL, "hold", str(index), memory],
        env={**os.environ, **gpus.environment, **env},
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().startswith(b"holding")
    return holder


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_eight_at_once_spread_over_the_gpus(gpus_and_daemon: tuple[Daemon, FakeGpus]) -> None:
    daemon, _ = gpus_and_daemon
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: lease(daemon, policy="spread"), range(8)))
    assert sorted(device(one) for one in taken) == [f"cuda:{i}" for i in range(8)]


def test_a_lease_is_kept_from_tasks_and_given_back(gpus_and_daemon: tuple[Daemon, FakeGpus]) -> None:
    daemon, gpus = gpus_and_daemon
    one = lease(daemon, device="cuda:3", memory_gb=None, ttl_s=600)
    assert one["env"]["CUDA_VISIBLE_DEVICES"] == gpus.uuids()[3]
    assert one["env"]["BERTH_LEASE"] == one["lease_id"]
    task = daemon.client.submit("true", device="cuda:3")["task_id"]
    wait_until(lambda: "exclusive" in daemon.client.explain(task)["counts"], "the task waits for the lease")
    refused = daemon.client.request("POST", LEASES, {"device": "cuda:3"})
    assert refused.status == 409
    explanation = daemon.client.explain(task)
    assert f"berth leases end {one['lease_id']}" in str(explanation["would_fit_if"])
    assert f"cuda:3: needs the device to itself, lease {one['lease_id']} has it to itself" in refused.detail
    assert daemon.client.request("DELETE", f"{LEASES}/{one['lease_id']}").status == 200
    assert daemon.client.wait_end(task)["status"] == "completed"
    assert leases(daemon) == []


def test_it_expires_unless_it_is_renewed(gpus_and_daemon: tuple[Daemon, FakeGpus]) -> None:
    daemon, _ = gpus_and_daemon
    short = lease(daemon, ttl_s=0.3)
    long = lease(daemon, ttl_s=0.3)
    renewed = daemon.client.request("POST", f"{LEASES}/{long['lease_id']}/renew", {"ttl_s": 600}).json()
    assert renewed["ttl_s"] == 600
    wait_until(lambda: len(leases(daemon)) == 1, "the lease that nobody renewed is over")
    assert leases(daemon)[0]["lease_id"] == long["lease_id"]
    answer = daemon.client.request("POST", f"{LEASES}/{short['lease_id']}/renew")
    assert answer.status == 404


def test_it_is_adopted_by_the_process_that_presents_it(
    gpus_and_daemon: tuple[Daemon, FakeGpus],
) -> None:
    daemon, gpus = gpus_and_daemon
    one = lease(daemon, device="cuda:2", memory_gb=10, ttl_s=2)
    program = outside(gpus, one["env"], 2, "6G")
    wait_until(lambda: leases(daemon)[0]["pid"] == program.pid, "the process is the lease's holder")
    assert leases(daemon)[0]["expires_at"] is None
    # What it uses is the lease's: 24 GiB less the 10 of the lease, not less 16.
    wait_until(lambda: 13.0 < effective_free(daemon, "cuda:2") <= 14.0, "its memory is counted once")
    daemon.kill9()
    daemon.start()
    assert leases(daemon)[0]["pid"] == program.pid
    end(program)
    wait_until(lambda: leases(daemon)[0]["pid"] is None, "the end of its holder is noticed")
    assert leases(daemon)[0]["expires_at"] is not None
    wait_until(lambda: leases(daemon) == [], "the time of the lease is over")


def test_it_passes_on_to_another_process_with_its_name(
    gpus_and_daemon: tuple[Daemon, FakeGpus],
) -> None:
    daemon, gpus = gpus_and_daemon
    one = lease(daemon, device="cuda:2", memory_gb=10, ttl_s=600)
    first = outside(gpus, one["env"], 2, "1G")
    second = outside(gpus, one["env"], 2, "1G")
    holder = lambda: leases(daemon)[0]["pid"]  # noqa: E731
    wait_until(lambda: holder() in (first.pid, second.pid), "one of them holds the lease")
    gone, other = (first, second) if holder() == first.pid else (second, first)
    end(gone)
    wait_until(lambda: holder() == other.pid, "the other one holds it now")
    end(other)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_named_process_holds_it(gpus_and_daemon: tuple[Daemon, FakeGpus], restarted: bool) -> None:
    daemon, gpus = gpus_and_daemon
    program = outside(gpus, {}, 5, "1G")
    one = lease(daemon, device="cuda:5", memory_gb=4, ttl_s=600, pid=program.pid)
    assert one["pid"] == program.pid
    stranger = daemon.client.request("POST", f"{LEASES}/{one['lease_id']}/adopt", {"pid": os.getpid()})
    assert stranger.status == 409
    if restarted:
        daemon.kill9()
    end(program)
    if restarted:
        daemon.start()
    wait_until(lambda: leases(daemon) == [], "the lease ends with its process, not with its time")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"device": "cuda", "gpus": 9}, 400, "9 devices were asked for and 8 are there"),
        ({"device": "cuda", "policy": "best"}, 422, "Input should be 'balanced'"),
        ({"device": "cuda", "pool": "nowhere"}, 400, "no pool"),
        ({"device": "cuda:77"}, 400, "index 77 is out of range"),
        ({"device": "cuda", "ttl_s": -1}, 422, "greater than 0"),
        ({"device": "cuda", "memory_gb": 999}, 400, "No device of this machine could ever"),
        ({"device": "cuda", "memory_fraction": 1.5}, 422, "memory_fraction"),
        ({"device": "cuda", "time": 5}, 422, "There is no such field"),
        ({"device": "cuda", "pid": 4_194_303}, 404, "4194303"),
    ],
)
def test_bad_input_reserves_nothing(
    gpus_and_daemon: tuple[Daemon, FakeGpus], body: Json, status: int, words: str
) -> None:
    daemon, _ = gpus_and_daemon
    answer = daemon.client.request("POST", LEASES, body)
    assert (answer.status, words in answer.body.decode()) == (status, True), answer.body
    assert leases(daemon) == []


def test_a_lease_that_is_not_there(gpus_and_daemon: tuple[Daemon, FakeGpus]) -> None:
    daemon, _ = gpus_and_daemon
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/renew"), ("POST", "/adopt")):
        answer = daemon.client.request(method, f"{LEASES}/0000{path}")
        assert answer.status == 404, (method, path)
        assert "no such lease" in answer.detail


def test_a_lost_device_ends_its_lease(gpus_and_daemon: tuple[Daemon, FakeGpus]) -> None:
    daemon, gpus = gpus_and_daemon
    lease(daemon, device="cuda:1", ttl_s=600)
    daemon.allow_stderr("device is not healthy|a lease ended")
    gpus.ctl("lose", "1")
    wait_until(lambda: leases(daemon) == [], "the lease on the lost device is over")


def test_it_survives_a_restart(gpus_and_daemon: tuple[Daemon, FakeGpus], tmp_path: Path) -> None:
    daemon, _ = gpus_and_daemon
    one = lease(daemon, device="cuda:1", ttl_s=600)
    daemon.kill9()
    daemon.start()
    assert [kept["lease_id"] for kept in leases(daemon)] == [one["lease_id"]]
    assert device(leases(daemon)[0]) == "cuda:1"


def test_why_nothing_can_be_leased_is_said_for_each_device(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(3)
    daemon: Daemon = make_daemon(gpus=gpus)
    daemon.allow_stderr("device is not healthy")
    running = gpus.task("--memory", "1G", "--seconds", "600")
    for name, where in (("training", "cuda:0"), ("b", "cuda:0"), ("c", "cuda:1")):
        memory = 20 if name == "c" else 1
        daemon.client.submit(*running, task_id=name, device=where, memory_gb=memory, env=gpus.environment)
        daemon.wait_started(name)
    gpus.ctl("xid", "2", "79")

    def refusal(language: str, **fields: object) -> str:
        client = Client(daemon.address, language=language)
        answer = client.request("POST", LEASES, {"device": "cuda", "memory_gb": 10} | fields)
        assert answer.status == 409, answer.body
        return answer.detail


    def healthy() -> bool:
        return daemon.client.get("/api/v2/resources/gpu")["devices"][2]["health"] == "healthy"

    wait_until(lambda: not healthy(), "the failure is seen")
    assert refusal("en", exclusive=True) == (
        "No device can be leased at the moment: cuda:0: needs the device to itself, 2 running there; "
        "cuda:1: needs the device to itself, task c is running there; cuda:2: needs a healthy device, "
        "failed: XID 79: it has fallen off the bus; it must be reset (nvidia-smi -r)"
    )
    assert refusal("zh", exclusive=True) == (
        "目前没有可租用的设备：cuda:0：需要独占设备，已有 2 个任务在运行；cuda:1：需要独占设备，"
        "任务 c 正在该设备上运行；cuda:2：需要正常的设备，设备故障：XID 79：GPU 掉卡（从总线上脱落）；"
        "需要复位（nvidia-smi -r）"
    )
    never = Client(daemon.address, daemon.client.token, language="zh").request(
        "POST", "/api/v2/tasks", {"command": ["true"], "device": "cuda", "memory_gb": 100}
    )
    assert never.status == 400
    assert never.detail.startswith("本机没有任何设备能够运行此任务：cuda:0：需要 100.00 GB，现有 "), never.detail
    for name in ("training", "b", "c"):
        daemon.client.cancel(name)
