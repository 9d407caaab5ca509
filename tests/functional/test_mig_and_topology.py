# SPDX-License-Identifier: Apache-2.0
"""GPUs in MIG mode: their instances as devices. Several GPUs for one task: those nearest to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.command_line import CommandLine
from harness.commands import sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

A100 = {"memory": "80G", "model": "NVIDIA A100-SXM4-80GB"}


class Machine:
    def __init__(self, make_daemon: MakeDaemon, gpus: FakeGpus) -> None:
        self.gpus = gpus
        self.daemon: Daemon = make_daemon(gpus=gpus)
        self.client = self.daemon.client

    def submit(self, *arguments: str, **fields: object) -> str:
        body = {"device": "cuda", "env": self.gpus.environment} | fields
        return self.client.submit(*self.gpus.task(*arguments), **body)["task_id"]

    def output(self, task_id: str) -> str:
        return self.client.output(task_id).decode()

    def devices(self) -> dict[str, dict]:
        return {gpu["device_name"]: gpu for gpu in self.client.get("/api/v2/resources/gpu")["devices"]}


def instances(gpus: FakeGpus, gpu: int = 0) -> list[str]:
    return [instance["uuid"] for instance in gpus.show()["gpus"][gpu]["instances"]]


@pytest.fixture
def divided(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> Machine:
    gpus = fake_gpus(2, **A100)
    gpus.ctl("mig", "0", "1g.10gb", "1g.10gb", "3g.40gb")
    return Machine(make_daemon, gpus)


def test_a_task_runs_on_an_instance_and_sees_it_alone(divided: Machine) -> None:
    m = divided
    uuids = instances(m.gpus)
    task = m.submit("--memory", "8G", "--seconds", "60", device="cuda:0:1", memory_gb=9)
    m.client.wait_state(task, "running")
    wait_until(lambda: m.devices()["cuda:0:1"]["allocated_memory_gb"] == 8.0, "it holds its memory")
    devices = m.devices()
    assert list(devices) == ["cuda:0", "cuda:0:0", "cuda:0:1", "cuda:0:2", "cuda:1"]
    part = devices["cuda:0:1"]
    assert part["uuid"] == uuids[1]
    assert part["mig"]["profile"] == "1g.10gb"
    assert part["mig"]["parent"] == devices["cuda:0"]["uuid"]
    assert part["total_memory_gb"] == 9.5
    assert (part["sm_utilization"], part["temperature_c"]) == (None, None), "absent is null, never 0"
    assert [process["task_id"] for process in part["processes"]] == [task]
    assert devices["cuda:0"]["partitioned"] is True
    assert devices["cuda:0"]["processes"] is None
    assert devices["cuda:0:0"]["processes"] == []
    m.client.cancel(task)
    assert m.client.wait_end(task)["device"] == "cuda:0:1"
    assert m.output(task) == f"devices: {uuids[1]}\n"


def test_instances_are_shared_out_and_the_gpu_itself_is_refused(divided: Machine) -> None:
    m = divided
    m.client.limits({"cuda:1": {"training": 0}})
    ids = [m.submit("--memory", "2G", "--seconds", "30", kind="training", memory_gb=5) for _ in range(3)]
    for task in ids:
        m.client.wait_state(task, "running")
    assert sorted(m.client.task(task)["device"] for task in ids) == ["cuda:0:0", "cuda:0:1", "cuda:0:2"]
    why = m.client.explain(m.submit("--seconds", "1", kind="training", memory_gb=5))
    assert {entry["device"]: entry.get("code") for entry in why["devices"]}["cuda:0"] == "partitioned"
    answer = m.client.request("POST", "/api/v2/tasks", {"command": ["true"], "device": "cuda:0"})
    assert answer.status in (400, 409, 422), answer.status
    assert all(name in answer.detail for name in ("cuda:0:0", "cuda:0:1", "cuda:0:2")), answer.detail
    answer = m.client.request("POST", "/api/v2/tasks", {"command": ["true"], "device": "cuda", "gpus": 2})
    assert answer.status in (400, 409, 422), "instances are never put together"
    assert m.client.run("true", device="cuda:0:0,cuda:0:1", memory_gb=1)["status"] == "completed"


def test_a_reconfiguration_is_followed(divided: Machine) -> None:
    m = divided
    m.daemon.allow_stderr("device is not healthy")
    task = m.submit("--memory", "2G", device="cuda:0:2", memory_gb=5)
    m.daemon.wait_started(task)
    m.gpus.ctl("mig", "0", "1g.10gb", "2g.20gb")
    ended = m.client.wait_end(task)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "device_lost")
    wait_until(
        lambda: list(m.devices()) == ["cuda:0", "cuda:0:0", "cuda:0:1", "cuda:1"], "the list is the new one"
    )
    wait_until(
        lambda: m.client.run("true", device="cuda:0:1", memory_gb=15)["status"] == "completed", "it takes tasks"
    )
    m.gpus.ctl("mig", "0", "off")
    wait_until(lambda: list(m.devices()) == ["cuda:0", "cuda:1"], "the GPU is whole again")
    assert m.client.run("true", device="cuda:0")["status"] == "completed"


def test_a_lost_gpu_is_lost_with_its_instances(divided: Machine) -> None:
    m = divided
    m.daemon.allow_stderr("device is not healthy")
    m.gpus.ctl("lose", "0")
    wait_until(
        lambda: {name for name, gpu in m.devices().items() if gpu["health"] == "lost"}
        == {"cuda:0", "cuda:0:0", "cuda:0:1", "cuda:0:2"},
        "all of them are lost",
    )
    m.gpus.ctl("recover", "0")
    wait_until(lambda: {gpu["health"] for gpu in m.devices().values()} == {"healthy"}, "all are back")


def test_two_gpus_that_are_linked(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(6, **A100)
    gpus.ctl("link", "1", "4", "12")
    gpus.ctl("numa", "5", "1")
    m = Machine(make_daemon, gpus)
    uuids = gpus.uuids()
    done = m.client.wait_end(m.submit("--memory", "1G", "--seconds", "0.1", gpus=2))
    assert (done["status"], done["device"]) == ("completed", "cuda:1,cuda:4")
    assert m.output(done["task_id"]) == f"devices: {uuids[1]},{uuids[4]}\n"
    links = {link["peer"]: link for link in m.devices()["cuda:1"]["links"]}
    assert links[uuids[4]] == {"peer": uuids[4], "closeness": "nvlink", "nvlinks": 12}
    assert links[uuids[0]]["closeness"] == "host_bridge"
    assert uuids[5] not in links, "far away"


def test_the_command_line_shows_both(make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path) -> None:
    gpus = fake_gpus(3, **A100)
    gpus.ctl("mig", "0", "3g.40gb")
    gpus.ctl("link", "1", "2", "4")
    daemon: Daemon = make_daemon(gpus=gpus)
    cli = CommandLine(daemon, folder, gpus.environment)
    listing = cli.ok("gpus")
    assert "└ 3g.40gb" in listing, listing
    assert "3 GPUs · 1 MIG instance" in listing
    matrix = [line.split() for line in cli.ok("gpus", "--topology").splitlines()[:4]]
    assert matrix[0] == ["DEVICE", "cuda:0", "cuda:1", "cuda:2", "NUMA", "PCIe"]
    assert matrix[2] == ["cuda:1", "PHB", "X", "NV4", "n/a", "4.0", "x16"]


#: They stand for the device files of the GPU and of the capabilities of its instances.
STAND_INS = {"/dev/zero": 5, "/dev/full": 7, "/dev/random": 8}


def test_the_fence_is_between_instances_too(make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path) -> None:
    root = folder / "root"
    (root / "proc/driver/nvidia").mkdir(parents=True)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() and entry.name not in ("devices", "driver"):
            (root / "proc" / entry.name).symlink_to(entry)
    (root / "sys").symlink_to("/sys")
    (root / "proc/devices").write_text("Character devices:\n  1 nvidia\n  1 nvidia-caps\n\nBlock devices:\n")
    gpus = fake_gpus(1, **A100)
    gpus.ctl("mig", "0", "1g.10gb", "1g.10gb")
    bus = gpus.show()["gpus"][0]["bus"]
    information = root / f"proc/driver/nvidia/gpus/0000:{bus:02x}:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text("Device Minor: \t 5\n")
    for gpu_instance, minor in ((1, 7), (2, 8)):
        access = root / f"proc/driver/nvidia/capabilities/gpu5/mig/gi{gpu_instance}/access"
        access.parent.mkdir(parents=True)
        access.write_text(f"DeviceFileMinor: {minor}\nDeviceFileMode: 292\nDeviceFileModify: 1\n")
    daemon: Daemon = make_daemon(gpus=gpus, config={"sysfs_root": str(root)})
    said = daemon.client.get("/api/v1/health")["parts"]["enforcement"]
    if "other GPUs are fenced" not in said:
        pytest.skip(f"this machine cannot fence devices: {said}")
    command = sh(
        f"for f in {' '.join(STAND_INS)}; do"
        " if head -c 0 < $f 2>/dev/null; then echo open; else echo closed; fi; done"
    )
    answers = {}
    for device in ("cuda:0:0", "cuda:0:1", "cpu"):
        task = daemon.client.run(*command, device=device, memory_gb=2)
        answers[device] = daemon.client.output(task["task_id"]).decode().split()
    assert answers == {
        "cuda:0:0": ["open", "open", "closed"],
        "cuda:0:1": ["open", "closed", "open"],
        "cpu": ["closed", "closed", "closed"],
    }


def test_of_two_devices_the_one_that_is_lost_is_named(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    m = Machine(make_daemon, fake_gpus(2))
    m.daemon.allow_stderr("device is not healthy")
    run = m.submit("--memory", "2G", "--seconds", "60", device="cuda:0,cuda:1", memory_gb=4)
    wait_until(lambda: m.output(run).startswith("devices: GPU-"), "it has its devices")
    m.gpus.ctl("xid", "1", "79")
    message = m.client.wait_end(run)["error"]["message"]
    assert message == "the device under it was lost (cuda:1)"
    path = f"/api/v2/tasks/{run}"
    chinese = m.client.request("GET", path, headers={"Accept-Language": "zh"}).json()
    assert chinese["error"]["message"] == "其设备已失效（cuda:1）"
    assert chinese["message"].endswith("失败: 其设备已失效（cuda:1）")
    refused = m.client.request("POST", path + "/hold", headers={"Accept-Language": "zh"})
    assert (refused.status, refused.detail) == (409, f"任务 {run} 已结束，不能搁置或释放")
