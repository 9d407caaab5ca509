# SPDX-License-Identifier: Apache-2.0
"""A pass of the scheduler alone, without daemon or disk: bench-scheduling."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from figures import Figure

GOALS = {"pass alone, nothing fits": 5.0}
SUBMISSION = "a task is submitted and waits"


def measure(build: Path) -> list[Figure]:
    done = subprocess.run([build / "bench" / "bench-scheduling"], check=True, capture_output=True, text=True)
    figures = []
    for line in done.stdout.splitlines():
        row = json.loads(line)
        figures.append(
            Figure(f"scheduler, 100,000 tasks, 1,000 devices: {row['name']} (median)", row["median_ms"], "ms",
                   goal=GOALS.get(row["name"]), note=f"worst {row['worst_ms']:.3f} ms")
        )
        if row["name"] == SUBMISSION:
            figures.append(Figure(f"scheduler, 100,000 tasks, 1,000 devices: {SUBMISSION} (p99)", row["p99_ms"], "ms",
                                  goal=5.0))
    return figures
