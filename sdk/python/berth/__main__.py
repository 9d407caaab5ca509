# SPDX-License-Identifier: Apache-2.0
"""`python -m berth`: the version of this package, and how the daemon is. Exit status 3 when it is not reachable."""

from __future__ import annotations

import sys

from .client import Client
from .errors import BerthError, Unreachable
from .types import Gpu, TaskCounts
from .version import __version__


def _lines(gpu: Gpu) -> list[str]:
    lines = [
        f"{device['device_name']}: {device['name']}, {_gib(device['free_memory_gb'])} of "
        f"{_gib(device['total_memory_gb'])} GiB free, {_tasks(device['current_tasks'])} tasks"
        for device in gpu["devices"]
    ]
    return lines or ["no GPU: tasks run on the CPU"]


def _tasks(counts: TaskCounts) -> int:
    return counts["training"] + counts["inference"] + counts["command"]


def _gib(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def main() -> int:
    print(f"berth {__version__}")
    try:
        with Client(retries=0) as client:
            info, health = client.service.info(), client.service.health()
            live = client.tasks.list(status="live", limit=0)["total"]
            print(f"{client.url}: {info['app_name']} {info['version']}, {health['status']}, {live} live tasks")
            print(*_lines(client.resources.gpu()), sep="\n")
    except (BerthError, ValueError) as error:
        print(f"berth: {error}", file=sys.stderr)
        return 3 if isinstance(error, Unreachable) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
