# SPDX-License-Identifier: Apache-2.0
"""Document 004: the memory check, SENSEVOICE_DEVICE, and that both always agree."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from harness import programs
from harness.command_line import CommandLine
from harness.commands import sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

SCRIPT = programs.ROOT / "scripts/check_gpu_memory.py"


@pytest.fixture
def gpus(fake_gpus: MakeGpus) -> FakeGpus:
    return fake_gpus(8)


@pytest.fixture
def daemon(make_daemon: MakeDaemon, gpus: FakeGpus) -> Daemon:
    return make_daemon(gpus=gpus)


def command_line(daemon: Daemon | None, gpus: FakeGpus, folder: Path, **env: str) -> CommandLine:
    line = CommandLine(daemon, folder, {**gpus.environment, **env})
    if daemon is None:
        line.env |= {"BERTH_NVML_LIBRARY": str(programs.FAKE_NVML), "BERTH_URL": "http://127.0.0.1:1"}
    return line


def known(daemon: Daemon, device: int, used_gb: float) -> bool:
    reading = daemon.client.get("/api/v2/resources/gpu")["devices"][device]
    return abs((reading["allocated_memory_gb"] or 0) - used_gb) < 0.05


def test_a_service_gets_its_device_and_port_and_the_lines_of_the_document(
    daemon: Daemon, gpus: FakeGpus, tmp_path: Path
) -> None:
    for device in range(8):
        if device != 5:
            gpus.hold(device, "10G")
    wait_until(lambda: known(daemon, 7, 10), "the foreign processes are known")
    berth = command_line(
        daemon, gpus, tmp_path, SENSEVOICE_DEVICE="auto", SENSEVOICE_PORT="50003", LANG="zh_CN.UTF-8"
    )
    done = berth(
        "run", "--kind", "inference", "--", "sh", "-c",
        'echo "$SENSEVOICE_DEVICE $SENSEVOICE_PORT $CUDA_VISIBLE_DEVICES"',
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["cuda:0", "50003", gpus.uuids()[5]]
    lines = done.stderr.splitlines()
    assert lines[0] == "检测到 8 个CUDA设备，使用GPU加速"
    assert lines[1] == "正在检测GPU显存使用情况..."
    assert lines[2] == "  GPU 0 (NVIDIA GeForce RTX 3090): 总显存 24.00GB, 已用 10.00GB, 空闲 13.71GB"
    assert lines[10] == "自动选择显存空闲最多的GPU: cuda:5 (空闲 23.71GB)"


def test_eight_services_at_once_get_eight_gpus(daemon: Daemon, gpus: FakeGpus, tmp_path: Path) -> None:
    running = [
        command_line(daemon, gpus, tmp_path, SENSEVOICE_DEVICE="auto", SENSEVOICE_PORT=str(50000 + i)).start(
            "run", "--kind", "inference", "--",
            str(programs.FAKEGPU_TASK), "--memory", "2G", "--seconds", "60",
        )
        for i in range(8)
    ]  # fmt: skip
    try:
        wait_until(lambda: daemon.client.get("/api/v2/tasks?status=running")["total"] == 8, "all run")
        devices = {task["device"] for task in daemon.client.get("/api/v2/tasks")["tasks"]}
        assert devices == {f"cuda:{i}" for i in range(8)}
    finally:
        for service in running:
            service.terminate()
        for service in running:
            service.communicate(timeout=60)


@pytest.mark.parametrize(
    ("value", "device", "inside"),
    [
        ("cuda", "cuda:0", "cuda:0"),
        ("", "cuda:0", "cuda:0"),
        ("CUDA:3", "cuda:3", "cuda:0"),
        ("cpu", "cpu", "cpu"),
    ],
)
def test_the_values_of_the_variable(
    daemon: Daemon, gpus: FakeGpus, tmp_path: Path, value: str, device: str, inside: str
) -> None:
    berth = command_line(daemon, gpus, tmp_path, SENSEVOICE_DEVICE=value)
    done = berth("run", "--kind", "inference", "--id", "t", "--", "printenv", "SENSEVOICE_DEVICE")
    assert (done.returncode, done.stdout.strip()) == (0, inside), done.stderr
    assert daemon.client.task("t")["device"] == device


def test_a_device_that_is_not_there_or_not_understood_is_an_error_not_another_device(
    daemon: Daemon, gpus: FakeGpus, tmp_path: Path
) -> None:
    done = command_line(daemon, gpus, tmp_path, SENSEVOICE_DEVICE="cuda:9")("run", "--", "true")
    assert done.returncode != 0
    assert "cuda:9" in done.stderr or "index 9" in done.stderr
    done = command_line(daemon, gpus, tmp_path, SENSEVOICE_DEVICE="mps")("run", "--", "true")
    assert done.returncode != 0
    assert "mps" in done.stderr


def test_an_option_is_more_than_the_variable(daemon: Daemon, gpus: FakeGpus, tmp_path: Path) -> None:
    berth = command_line(daemon, gpus, tmp_path, SENSEVOICE_DEVICE="cuda:1")
    berth.ok("run", "--device", "cuda:2", "--id", "a", "--", "true")
    assert daemon.client.task("a")["device"] == "cuda:2"
    berth.ok("run", "--env", "SENSEVOICE_DEVICE=cuda:4", "--id", "b", "--", "true")
    assert daemon.client.task("b")["device"] == "cuda:4"


def test_without_a_gpu_the_cpu_takes_it_and_that_is_said(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, tmp_path: Path
) -> None:
    gpus = fake_gpus(0)
    daemon = make_daemon(gpus=gpus)
    berth = command_line(daemon, gpus, tmp_path, SENSEVOICE_DEVICE="auto")
    done = berth("run", "--kind", "inference", "--", "printenv", "SENSEVOICE_DEVICE")
    assert (done.returncode, done.stdout.strip()) == (0, "cpu"), done.stderr
    assert "no GPU on this machine: running on the CPU" in done.stderr
    checked = berth("check")
    assert checked.returncode == 1
    assert "export SENSEVOICE_DEVICE=cpu" in checked.stdout


def test_check_pick_and_the_automatic_choice_always_agree(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, tmp_path: Path
) -> None:
    chance = random.Random(4)
    gpus = fake_gpus(4)
    daemon = make_daemon(gpus=gpus)
    for turn in range(8):
        holders = []
        for device in range(4):
            # Steps of 2 MiB: less than what reports round to. Ties are frequent.
            size = 4096 + 2 * chance.randrange(4) if chance.random() < 0.7 else 0
            if size:
                holders.append(gpus.hold(device, f"{size}M"))
            gpus.ctl("set", str(device), f"utilization={chance.choice([0, 0, 50])}")
        settled = json.loads(command_line(None, gpus, tmp_path).ok("check", "--json"))
        here = {d["device_name"]: (d["free_memory_bytes"], d["sm_utilization"]) for d in settled["devices"]}

        def same(here: dict[str, tuple[int, int]] = here) -> bool:
            devices = daemon.client.get("/api/v2/resources/gpu")["devices"]
            return here == {d["device_name"]: (d["free_memory_bytes"], d["sm_utilization"]) for d in devices}

        wait_until(same, "the daemon knows what the driver says")
        recommended = settled["recommended"]
        assert command_line(None, gpus, tmp_path).ok("pick").strip() == recommended
        berth = command_line(daemon, gpus, tmp_path, SENSEVOICE_DEVICE="auto")
        assert berth.json("check")["recommended"] == recommended, f"turn {turn}"
        assert berth.ok("pick").strip() == recommended
        berth.ok("run", "--kind", "inference", "--id", f"t{turn}", "--", "true")
        assert daemon.client.task(f"t{turn}")["device"] == recommended, f"turn {turn}: {here}"
        for holder in holders:
            gpus.release(holder)


def run_script(gpus: FakeGpus, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("BERTH_")},
            **gpus.environment,
            "BERTH_NVML_LIBRARY": str(programs.FAKE_NVML),
            "BERTH_URL": "http://127.0.0.1:1",
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_script_of_the_document_prints_what_the_document_shows(fake_gpus: MakeGpus) -> None:
    if not (programs.ROOT / "build/release/bin/berth").exists():
        pytest.skip("the script looks for build/release/bin/berth, which is not there")
    gpus = fake_gpus(2)
    gpus.hold(0, "22G")
    done = run_script(gpus)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("🔍 GPU 显存检查工具\n" + "=" * 80 + "\n✅ 检测到 2 个 GPU 设备\n\n📊 GPU 显存使用情况:\n" + "-" * 80)
    assert "🔴 GPU 0: NVIDIA GeForce RTX 3090\n   总显存:   24.00 GB\n   已使用:   22.00 GB\n   可用:     1.71 GB\n   使用率:   91.7%\n   占用进程: 1 个\n      - PID " in done.stdout
    assert "🟢 GPU 1: " in done.stdout
    assert done.stdout.endswith("💡 推荐使用 GPU 1 (空闲显存最多: 23.71 GB)\n   环境变量设置: export SENSEVOICE_DEVICE=cuda:1\n")
    automatic = run_script(gpus, "auto")
    assert automatic.stdout.splitlines()[-1] == "自动选择显存空闲最多的GPU: cuda:1 (空闲 23.71GB)"
    assert run_script(gpus, LANGUAGE="en").stdout.startswith("🔍 GPU memory check\n")
    assert run_script(fake_gpus(0)).returncode == 1


def test_the_memory_policy_of_the_document_is_an_option(daemon: Daemon) -> None:
    task = daemon.client.submit(
        *sh("echo limit=$BERTH_MEMORY_LIMIT"), device="cuda:0", memory_fraction=0.8
    )
    ended = daemon.client.wait_end(task["task_id"])
    assert ended["status"] == "completed"
    assert ended["placement"]["devices"][0]["reserved_gb"] == pytest.approx(0.8 * 23.71, abs=0.05)
