# SPDX-License-Identifier: Apache-2.0
"""A daemon to measure, what it uses, and the load generator against it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "functional"))

from harness.daemon import Daemon  # noqa: E402
from harness.fakegpu import FakeGpus  # noqa: E402
from harness.waiting import wait_until  # noqa: E402

BENCH_DIR = Path(os.environ["BERTH_BIN_DIR"]).parent / "bench"
TASKS = "/api/v2/tasks"


@contextlib.contextmanager
def running(folder: Path, gpus: FakeGpus | None = None) -> Iterator[Daemon]:
    """Its tasks must have ended before it is stopped, except those that never started."""
    daemon = Daemon(folder, gpus).start()
    wait_until(lambda: daemon.anonymous().request("GET", "/readyz").status == 200, "berthd is ready")
    try:
        yield daemon
        daemon.stop()
    finally:
        if daemon.running:
            daemon.kill9()


def cpu_seconds(pid: int) -> float:
    """Of all threads of the process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found.group(1)) / 1024


@dataclass(frozen=True)
class Load:
    """What bench-load is asked for; see there."""

    requests: int
    connections: int = 8
    rate: float = 0
    method: str = "GET"
    path: str = TASKS
    body: str = ""
    first: int = 0
    numbers: int = 0

    def start(self, daemon: Daemon) -> subprocess.Popen[str]:
        arguments = [str(BENCH_DIR / "bench-load"), str(daemon.port), str(self.connections), str(self.requests),
                     str(self.rate), self.method, self.path, daemon.token, self.body, str(self.first),
                     str(self.numbers)]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)

    def run(self, daemon: Daemon) -> dict[str, float]:
        return result(self.start(daemon))


def result(process: subprocess.Popen[str]) -> dict[str, float]:
    out = process.communicate()[0]
    assert process.returncode == 0, f"bench-load ended with {process.returncode}"
    answer = json.loads(out)
    assert answer["not_200"] == 0, answer
    return answer


def creates(count: int, body: dict[str, object], **more: float) -> Load:
    return Load(count, method="POST", body=json.dumps(body), **more)  # type: ignore[arg-type]
