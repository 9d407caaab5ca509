# SPDX-License-Identifier: Apache-2.0
"""What keeps tasks to the memory that they reserved, and away from GPUs of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.client import Json
from harness.command_line import CommandLine
from harness.commands import PYTHON, sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until


def submit(daemon: Daemon, machine: FakeGpus, *arguments: str, **fields: object) -> str:
    body = {"device": "cuda", "env": machine.environment} | fields
    return daemon.client.submit(*machine.task(*arguments), **body)["task_id"]


def log_codes(daemon: Daemon, task_id: str) -> list[str]:
    """Of the records that the daemon wrote itself."""
    path = daemon.state_dir / "tasks" / task_id / "log.jsonl"
    text = path.read_text() if path.exists() else ""
    whole = text[: text.rfind("\n") + 1].splitlines()
    return [json.loads(line.split(" ", 1)[1])["code"] for line in whole if line.startswith("d:")]


def enforcement(daemon: Daemon, task_id: str, attempt: int = 1) -> Json:
    return json.loads(
        (daemon.state_dir / "tasks" / task_id / str(attempt) / "enforcement.json").read_text()
    )


def health(daemon: Daemon) -> Json:
    return daemon.client.get("/api/v1/health")


# ---- the watchdog ----


def test_a_task_beyond_its_memory_is_warned_about_and_goes_on(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, tmp_path: Path
) -> None:
    gpus = fake_gpus(1)
    daemon: Daemon = make_daemon(gpus=gpus)
    submit(daemon, gpus, "--memory", "6G", "--seconds", "9", memory_gb=4, task_id="over")
    submit(daemon, gpus, "--memory", "4.3G", "--seconds", "9", memory_gb=4, task_id="context")

    def held(task_id: str) -> Json:
        return daemon.client.task(task_id)["placement"]["devices"][0]

    wait_until(lambda: held("over")["over_reserved"], "it is told at the task")
    wait_until(lambda: held("context")["used_gb"], "what it holds is known")
    assert (held("over")["reserved_gb"], held("over")["used_gb"]) == (4.0, 6.0)
    assert (held("context")["used_gb"], held("context")["over_reserved"]) == (4.3, False)
    active = {task["id"]: task for task in daemon.resources()["active_tasks"]["cuda:0"]}
    assert active["over"] == {
        "id": "over", "type": "command", "reserved_gb": 4.0, "used_gb": 6.0, "over_reserved": True,
    }  # fmt: skip
    listed = CommandLine(daemon, tmp_path).ok("ps")
    assert [line for line in listed.splitlines() if "uses 6.00 GB, 4.00 GB reserved" in line][0].startswith("over ")
    assert "cuda:0 4.00 GB (uses 4.30 GB)" in CommandLine(daemon, tmp_path).ok("show", "context")
    for task_id in ("over", "context"):
        assert daemon.client.wait_end(task_id)["status"] == "completed"
        wait_until(lambda t=task_id: "completed" in log_codes(daemon, t), "the log is complete")
    assert (held("over")["used_gb"], held("over")["over_reserved"]) == (None, False), "it holds no more"
    assert log_codes(daemon, "over").count("memory_over") == 1
    assert "memory_over" not in log_codes(daemon, "context"), "what CUDA takes for itself is tolerated"


def test_where_it_is_enforced_the_task_ends_with_its_cause_and_an_estimate_ends_nobody(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus
) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus, config={"memory_watchdog": "enforce"})
    submit(daemon, gpus, "--memory", "6G", "--ignore-term", memory_gb=4, task_id="over")
    # A training without a figure: 60 % of the GPU are reserved, which nobody asked for.
    submit(daemon, gpus, "--memory", "20G", kind="training", device="cuda:1", task_id="estimate")
    for task_id in ("over", "estimate"):
        wait_until(lambda t=task_id: "memory_over" in log_codes(daemon, t), f"{task_id} is warned about")
    daemon.kill9()  # the next daemon finds it out for itself
    daemon.start()
    task = daemon.client.wait_end("over")
    assert (task["status"], task["cause"], task["error"]["code"]) == ("failed", "memory_limit", "memory_limit")
    assert "6.00 GB of 4.00 GB reserved on cuda:0" in task["error"]["message"]
    assert task["signal"] == 9, "it ignored SIGTERM"
    wait_until(lambda: "failed" in log_codes(daemon, "over"), "the log is complete")
    assert log_codes(daemon, "over")[2:] == ["started", "memory_over", "memory_limit", "failed"]
    assert daemon.client.task("estimate")["status"] == "running"
    assert "memory_limit" not in log_codes(daemon, "estimate")


def test_the_active_rung_is_known_per_task(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus)
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    asked = daemon.client.run(PYTHON, "-c", show, device="cuda", memory_gb=6, task_id="asked")
    env = json.loads(daemon.client.output("asked"))
    assert asked["status"] == "completed"
    assert float(env["XLA_PYTHON_CLIENT_MEM_FRACTION"]) == pytest.approx(0.25, abs=0.002)
    assert enforcement(daemon, "asked")["rung"] == "hints"
    whole = daemon.client.run(PYTHON, "-c", show, device="cuda", task_id="whole")
    assert whole["status"] == "completed"
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in json.loads(daemon.client.output("whole"))
    assert enforcement(daemon, "whole")["rung"] == "watchdog"
    own = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.1"}
    daemon.client.run(PYTHON, "-c", show, device="cuda", memory_gb=6, env=own, task_id="own")
    assert json.loads(daemon.client.output("own"))["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.1"
    daemon.client.run("true", device="cpu", task_id="cpu")
    assert enforcement(daemon, "cpu")["rung"] == "none"
    assert "watchdog warn" in health(daemon)["parts"]["enforcement"]


# ---- the fence ----

#: They stand for the device files of cuda:0 and cuda:1.
STAND_INS = {"/dev/zero": (1, 5), "/dev/full": (1, 7)}
TRY = sh(
    "for f in /dev/zero /dev/full /dev/null; do"
    " if head -c 0 < $f 2>/dev/null; then echo open; else echo closed; fi; done"
)


@pytest.fixture
def fenced(make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path) -> Daemon:
    """A machine whose NVIDIA driver has the major number 1."""
    root = folder / "root"
    (root / "proc/driver/nvidia/gpus").mkdir(parents=True)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() and entry.name not in ("devices", "driver"):
            (root / "proc" / entry.name).symlink_to(entry)
    (root / "sys").symlink_to("/sys")
    (root / "proc/devices").write_text("Character devices:\n  1 nvidia\n195 nvidiactl\n\nBlock devices:\n")
    gpus = fake_gpus(2)
    for (_, minor), gpu in zip(STAND_INS.values(), gpus.show()["gpus"], strict=True):
        place = root / f"proc/driver/nvidia/gpus/0000:{gpu['bus']:02x}:00.0"
        place.mkdir()
        (place / "information").write_text(f"Model: \t\t Fake\nDevice Minor: \t {minor}\n")
    daemon: Daemon = make_daemon(gpus=gpus, config={"sysfs_root": str(root)})
    said = health(daemon)["parts"]["enforcement"]
    if "other GPUs are fenced" not in said:
        pytest.skip(f"this machine cannot fence devices: {said}")
    return daemon


def test_a_gpu_that_was_not_given_cannot_be_opened(fenced: Daemon) -> None:
    answers = {}
    for device in ("cuda:0", "cuda:1", "cpu", "cuda:0,cuda:1"):
        task = fenced.client.run(*TRY, device=device, memory_gb=2)
        answers[device] = fenced.client.output(task["task_id"]).decode().split()
        assert enforcement(fenced, task["task_id"])["fenced"] is True
    assert answers == {
        "cuda:0": ["open", "closed", "open"],
        "cuda:1": ["closed", "open", "open"],
        "cpu": ["closed", "closed", "open"],
        "cuda:0,cuda:1": ["open", "open", "open"],
    }
    assert Path("/dev/full").open("rb").read(1) == b"\0", "the fence is the tasks', not the machine's"


def test_the_fence_can_be_switched_off(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    daemon: Daemon = make_daemon(gpus=fake_gpus(2), config={"fence_devices": False})
    task = daemon.client.run("true", device="cuda:0", memory_gb=2)
    said = enforcement(daemon, task["task_id"])
    assert (said["fenced"], "fence_devices" in said["fence_missing"]) == (False, True)


def test_without_known_device_files_it_says_so(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    daemon: Daemon = make_daemon(gpus=fake_gpus(2))
    task = daemon.client.run("true", device="cuda:0", memory_gb=2)
    assert task["status"] == "completed"
    said = enforcement(daemon, task["task_id"])
    assert said["fenced"] is False
    assert said["fence_missing"]
