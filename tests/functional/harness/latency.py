# SPDX-License-Identifier: Apache-2.0
"""How long a request takes, without the time in which this machine gave its cores to others."""

from __future__ import annotations

import http.client
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .client import Client


def _waited_for_a_core(task: Path) -> float:
    """Seconds that the thread was ready to run and did not (schedstat's second number)."""
    try:
        return int((task / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _stolen() -> float:
    """Seconds that the host gave this machine's cores to other machines, of all cores together."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


class Canary(threading.Thread):
    """Sleeps for a moment, again and again, and notes when it was woken late: then the whole machine
    stood still, whatever the daemon did."""

    NAP, LATE = 0.002, 0.005

    def __init__(self) -> None:
        super().__init__(name="canary", daemon=True)
        self._pauses: list[tuple[float, float]] = []
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            begin = time.monotonic()
            time.sleep(self.NAP)
            end = time.monotonic()
            if end - begin > self.NAP + self.LATE:
                self._pauses.append((begin + self.NAP, end))

    def stop(self) -> None:
        self._done.set()

    def paused(self, begin: float, end: float) -> float:
        return sum(max(0.0, min(end, b) - max(begin, a)) for a, b in list(self._pauses))


@dataclass
class Timing:
    """Of one route, in seconds. `net` leaves out what both sides waited for a core, and the time in
    which the whole machine stood still."""

    raw: list[float] = field(default_factory=list)
    net: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)  # when it was sent, time.monotonic()


class Stopwatch:
    """Keeps one connection open; not for several threads."""

    def __init__(self, client: Client, daemon_pid: int) -> None:
        self._client = client
        self._daemon = Path(f"/proc/{daemon_pid}/task")
        self._connection: http.client.HTTPConnection | None = None
        self._canary = Canary()
        self._canary.start()
        self.timings: dict[str, Timing] = {}
        self.statuses: dict[str, set[int]] = {}

    def _delays(self) -> float:
        mine = Path(f"/proc/self/task/{threading.get_native_id()}")
        others = [self._daemon / name for name in os.listdir(self._daemon)]
        return sum(map(_waited_for_a_core, [mine, *others]))

    def get(self, path: str, name: str | None = None) -> None:
        self.request("GET", path, None, name)

    def request(self, method: str, path: str, body: bytes | None = None, name: str | None = None) -> bytes:
        if self._connection is None:
            self._connection = self._client.connection()
            self._connection.connect()
        headers = self._client.headers({"Content-Type": "application/json"} if body else None)
        delays, stolen = self._delays(), _stolen()
        begin = time.monotonic()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        end = time.monotonic()
        elapsed = end - begin
        delays = self._delays() - delays
        if elapsed > 0.010:  # rare: then the canary gets the time to tell
            time.sleep(0.010)
            delays = max(delays, self._canary.paused(begin, end)) + _stolen() - stolen
        timing = self.timings.setdefault(name or f"{method} {path}", Timing())
        timing.at.append(begin)
        timing.raw.append(elapsed)
        timing.net.append(max(0.0, elapsed - delays))
        self.statuses.setdefault(name or f"{method} {path}", set()).add(response.status)
        if response.will_close:
            self._connection.close()
            self._connection = None
        return content

    def close(self) -> None:
        self._canary.stop()
        if self._connection is not None:
            self._connection.close()

    def report(self) -> str:
        rows = [f"{'route':55} {'count':>5} {'worst':>9} {'worst net':>9}  ms"]
        for name, timing in sorted(self.timings.items(), key=lambda item: -max(item[1].raw)):
            worst, net = max(timing.raw) * 1000, max(timing.net) * 1000
            rows.append(f"{name:55} {len(timing.raw):5} {worst:9.2f} {net:9.2f}")
        return "\n".join(rows)

    def between(self, begin: float, end: float) -> Timing:
        """Of all routes, what was under way in that time."""
        found = Timing()
        for timing in self.timings.values():
            for at, raw, net in zip(timing.at, timing.raw, timing.net, strict=True):
                if at + raw >= begin and at <= end:
                    found.at.append(at)
                    found.raw.append(raw)
                    found.net.append(net)
        return found

    def worst(self) -> tuple[str, float]:
        """The route with the longest net time, and that, in seconds."""
        return max(((name, max(timing.net)) for name, timing in self.timings.items()), key=lambda row: row[1])
