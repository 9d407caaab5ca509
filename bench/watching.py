# SPDX-License-Identifier: Apache-2.0
"""How quickly and how cheaply the devices are seen: 8 GPUs with 64 processes, beside gpustat and nvitop on the same
simulated driver."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from daemon import BENCH_DIR, Load, cpu_seconds, resident_mib, running
from figures import Figure, median
from harness.fakegpu import FakeGpus
from harness.waiting import wait_until
from start_up import on_processor, sampler_child, timed

RUNS, CHANGES, SECONDS = 15, 150, 8.0
PATH = "/api/v2/resources/gpu"
#: What a tool that stays does each quarter of a second: the readings of every device and its processes.
NVITOP = """
import sys, time
from nvitop import Device
devices = Device.all()
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for device in devices:
        device.as_snapshot()
        for process in device.processes().values():
            process.gpu_memory()
    time.sleep(0.25)
"""
GPUSTAT = """
import sys, time
import gpustat
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    gpustat.new_query().jsonify()
    time.sleep(1)
"""


def peer_environment(gpus: FakeGpus, tools: Path, fakes: Path) -> dict[str, str]:
    """They load libnvidia-ml.so.1 by its name."""
    return {**os.environ, **gpus.environment, "LD_LIBRARY_PATH": str(fakes), "PYTHONPATH": str(tools), "TERM": "xterm"}


def cold(bin_dir: Path, fakes: Path, gpus: FakeGpus, tools: Path | None) -> list[Figure]:
    ours = {**os.environ, **gpus.environment, "BERTH_URL": "http://127.0.0.1:9",
            "BERTH_NVML_LIBRARY": str(fakes / "libnvidia-ml.so.1")}
    name = "berth gpus --json, cold, 8 GPUs and 64 processes"
    if tools is None:
        return [Figure(name, 0, "ms", note="skipped: gpustat and nvitop cannot be fetched")]
    theirs = peer_environment(gpus, tools, fakes)
    commands = {
        "gpustat --json": [sys.executable, "-m", "gpustat", "--json"],
        "nvitop -1": [sys.executable, "-m", "nvitop", "-1"],
    }
    figures = []
    for peer, command in commands.items():
        timed(command, theirs)
        pairs = [(timed([str(bin_dir / "berth"), "gpus", "--json"], ours), timed(command, theirs)) for _ in range(RUNS)]
        figures.append(Figure(name, median([a for a, _ in pairs]), "ms", peer, median([b for _, b in pairs]), 0.1))
    return figures


def staying(bin_dir: Path, fakes: Path, gpus: FakeGpus, tools: Path | None) -> list[Figure]:
    """Processor time and memory of what goes on reading."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), gpus) as daemon:
        wait_until(lambda: sampler_child(daemon.pid) is not None, "the sampler runs")
        child = sampler_child(daemon.pid)
        assert child is not None
        time.sleep(1)
        begin, first, of_daemon = time.perf_counter_ns(), on_processor(child), on_processor(daemon.pid)
        time.sleep(SECONDS)
        took = time.perf_counter_ns() - begin
        sampling = 100 * (on_processor(child) - first) / took
        whole = sampling + 100 * (on_processor(daemon.pid) - of_daemon) / took
        memory, all_memory = resident_mib(child), resident_mib(child) + resident_mib(daemon.pid)
    figures = [
        Figure("sampling 8 GPUs and 64 processes", sampling, "%", goal=1.0,
               note=f"of one core, cheap readings at 4 Hz; with the daemon, which keeps history, {whole:.2f} %"),
        Figure("memory of the sampling process", memory, "MiB", goal=30.0, note=f"with the daemon {all_memory:.1f} MiB"),
    ]
    if tools is None:
        return figures
    environment = peer_environment(gpus, tools, fakes)
    peers = {
        # `gpustat --interval` draws on a terminal: the library in a loop is what it does.
        "gpustat, 1 Hz": [sys.executable, "-c", GPUSTAT, str(SECONDS + 3)],
        "nvitop's library, 4 Hz": [sys.executable, "-c", NVITOP, str(SECONDS + 3)],
    }
    for peer, command in peers.items():
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)
        begin_cpu, begin_time = cpu_seconds(process.pid), time.perf_counter()
        time.sleep(SECONDS / 2)
        share = 100 * (cpu_seconds(process.pid) - begin_cpu) / (time.perf_counter() - begin_time)
        resident = resident_mib(process.pid)
        process.kill()
        process.wait()
        figures.append(Figure("processor time of staying with it", whole, "%", peer, share, 1.0,
                              note=f"daemon and sampler together; memory {all_memory:.0f} against {resident:.0f} MiB"))
    return figures


def over_rest(gpus: FakeGpus) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), gpus) as daemon:
        wait_until(lambda: len(daemon.client.get(PATH)["devices"]) == 8, "the devices are known")
        Load(500, path=PATH).run(daemon)
        size = len(daemon.client.request("GET", PATH).body)
        loads = [Load(5000, rate=1000, path=PATH).run(daemon) for _ in range(3)]
        # What this machine's scheduling alone costs a client: an answer of three bytes, asked for in the same way.
        floor = median([Load(2000, rate=1000, path="/healthz").run(daemon)["p99_ms"] for _ in range(3)])
        p99, worst = median([load["p99_ms"] for load in loads]), max(load["worst_ms"] for load in loads)
        return [
            Figure("GET /api/v2/resources/gpu at 1,000/s (p99)", p99, "ms", goal=2.0,
                   note=f"8 GPUs, 64 processes, {size} bytes; worst {worst:.1f} ms; /healthz {floor:.2f} ms"),
            change_is_seen(daemon, gpus),
        ]


def change_is_seen(daemon, gpus: FakeGpus) -> Figure:  # type: ignore[no-untyped-def]
    """From the moment a foreign process has memory until an answer has it."""
    chance = random.Random(8)
    waits = []
    client = daemon.client
    for turn in range(CHANGES):
        device, pid = chance.randrange(8), 3_000_000 + turn
        time.sleep(chance.random() * 0.3)
        gpus.ctl("ghost", str(device), "777M", "--pid", str(pid))
        begin = time.perf_counter()

        def seen(device: int = device, pid: int = pid) -> bool:
            processes = client.get(PATH)["devices"][device]["processes"] or []
            return any(process["pid"] == pid for process in processes)

        wait_until(seen, "the process is seen", every=0.004)
        waits.append((time.perf_counter() - begin) * 1000)
        gpus.ctl("release", str(pid))
    waits.sort()
    return Figure("a foreign process is seen (p99)", waits[int(len(waits) * 0.99) - 1], "ms", goal=1000.0,
                  note=f"with its memory, through REST; {CHANGES} changes; median {median(waits):.0f}, "
                       f"worst {waits[-1]:.0f} ms")


def measure(folder: Path, tools: Path | None) -> list[Figure]:
    bin_dir, fakes = BENCH_DIR.parent / "bin", BENCH_DIR.parent / "fakes"
    gpus = FakeGpus(folder, 8)
    processes = [subprocess.Popen(["sleep", "1000"]) for _ in range(64)]
    try:
        for number, process in enumerate(processes):
            gpus.ctl("hold", str(number % 8), "10M", "--pid", str(process.pid))
        return [*cold(bin_dir, fakes, gpus, tools), *staying(bin_dir, fakes, gpus, tools), *over_rest(gpus)]
    finally:
        gpus.close()
        for process in processes:
            process.kill()
            process.wait()

