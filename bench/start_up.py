# SPDX-License-Identifier: Apache-2.0
"""How fast the programs start, how big the daemon is, what it links. Against the simulated driver with 8 GPUs."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from daemon import wait_until  # the harness is on its path
from figures import Figure, median

FORBIDDEN = re.compile(r"libtorch|libc10|libcuda|libcudart|libnvidia|libav(codec|format|util)|libswscale")


def fake_environment(fakes: Path, directory: str, gpus: int = 8) -> dict[str, str]:
    env = dict(os.environ)
    env["BERTH_FAKE_NVML_LEDGER"] = os.path.join(directory, "ledger")
    env["BERTH_NVML_LIBRARY"] = str(fakes / "libnvidia-ml.so.1")
    subprocess.run([fakes / "fakegpu-ctl", "init", "--gpus", str(gpus), "--memory", "24G"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    return env


def timed(command: list[str], env: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1000


def cold_gpus(bin_dir: Path, env: dict[str, str], runs: int) -> Figure:
    """No daemon answers at the address, so the command reads the driver itself."""
    env = dict(env, BERTH_URL="http://127.0.0.1:9")
    command = [str(bin_dir / "berth"), "gpus", "--json"]
    timed(command, env)
    values = [timed(command, env) for _ in range(runs)]
    baseline = median([timed(["/bin/true"], env) for _ in range(runs)])
    return Figure("berth gpus, cold, 8 GPUs (median)", median(values), "ms", goal=15.0,
                  note=f"process start included; /bin/true {baseline:.2f} ms; worst {max(values):.1f} ms")


def daemon_figures(bin_dir: Path, env: dict[str, str], runs: int) -> list[Figure]:
    ready, resident = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as state:
            begin = time.perf_counter()
            daemon = subprocess.Popen(
                [bin_dir / "berthd", "--state-dir", state, "--listen", "127.0.0.1:0", "--lang", "en"],
                env=env, stdout=subprocess.PIPE, text=True)
            assert daemon.stdout is not None
            port = None
            for line in daemon.stdout:
                found = re.search(r"listening address=127\.0\.0\.1:(\d+)", line)
                if found:
                    port = int(found.group(1))
                    break
            assert port is not None, "berthd did not say where it listens"
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/readyz")
            assert connection.getresponse().read() == b"ok\n"
            ready.append((time.perf_counter() - begin) * 1000)
            connection.request("GET", "/api/v2/resources/gpu")
            connection.getresponse().read()
            status = Path(f"/proc/{daemon.pid}/status").read_text(encoding="ascii")
            resident.append(int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024)  # type: ignore[union-attr]
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=20)
    return [
        Figure("berthd ready, 8 GPUs (median)", median(ready), "ms", goal=100.0,
               note=f"from exec to the first answer; worst {max(ready):.1f} ms"),
        Figure("berthd resident memory (median)", median(resident), "MiB", goal=40.0),
    ]


def sampler_child(daemon: int) -> int | None:
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text(encoding="ascii").split()
    found = (int(pid) for pid in children if b"--run-sampler" in Path(f"/proc/{pid}/cmdline").read_bytes())
    return next(found, None)


def on_processor(pid: int) -> int:
    """Nanoseconds so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])


def reading(bin_dir: Path, fakes: Path, env: dict[str, str]) -> list[Figure]:
    """With 8 entries of a process on each GPU: one reading by drivers that are opened anew, and the processor time of
    the process that goes on reading. With 64 different processes: bench/watching.py."""
    for _ in range(8):
        subprocess.run([fakes / "fakegpu-ctl", "hold", "all", "10M", "--pid", str(os.getpid())], env=env, check=True,
                       stdout=subprocess.DEVNULL)
    program = bin_dir.parent / "bench" / "bench-reading"
    done = subprocess.run([program, fakes / "libnvidia-ml.so.1"], env=env, check=True, capture_output=True, text=True)
    once = json.loads(done.stdout)
    with tempfile.TemporaryDirectory() as state:
        daemon = subprocess.Popen([bin_dir / "berthd", "--state-dir", state, "--listen", "127.0.0.1:0"], env=env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: sampler_child(daemon.pid) is not None, "the sampler runs")
        child = sampler_child(daemon.pid)
        assert child is not None
        begin, first = time.perf_counter_ns(), on_processor(child)
        time.sleep(4)
        percent = 100 * (on_processor(child) - first) / (time.perf_counter_ns() - begin)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(timeout=20)
    return [
        Figure("one reading of 8 GPUs (median)", once["median_ms"], "ms", goal=2.0,
               note=f"drivers opened anew, 64 entries of a process; worst {once['worst_ms']:.2f} ms"),
        Figure("sampler of 8 GPUs", percent, "%", goal=1.0, note="of one core, over 4 s"),
    ]


def linked_libraries(bin_dir: Path) -> Figure:
    text = subprocess.run(["ldd", bin_dir / "berthd"], check=True, capture_output=True, text=True).stdout
    heavy = sorted({line.split()[0] for line in text.splitlines() if FORBIDDEN.search(line)})
    return Figure("berthd: torch, CUDA or FFmpeg libraries", float(len(heavy)), "", goal=0.0,
                  note=", ".join(heavy) if heavy else f"ldd lists {len(text.splitlines())} libraries")


def measure(bin_dir: Path, fakes: Path) -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        env = fake_environment(fakes, directory)
        return [cold_gpus(bin_dir, env, 40), *daemon_figures(bin_dir, env, 9), linked_libraries(bin_dir),
                *reading(bin_dir, fakes, env)]
