# SPDX-License-Identifier: Apache-2.0
"""Looks into /proc: which processes belong to a daemon's tests, and which are zombies."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    command: str


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def tagged(tag: str) -> list[Process]:
    """Living processes that carry `tag` in their environment or arguments; zombies have neither."""
    sought = tag.encode()
    found = []
    for pid in _pids():
        command = _read(f"/proc/{pid}/cmdline")
        if sought in command or sought in _read(f"/proc/{pid}/environ"):
            found.append(Process(pid, command.replace(b"\0", b" ").decode(errors="replace").strip()))
    return [process for process in found if process.pid != os.getpid()]


def of_task(tag: str, task_id: str) -> list[Process]:
    """Those of one task: the children of its shim carry its id."""
    sought = f"BERTH_TASK_ID={task_id}".encode()
    return [p for p in tagged(tag) if sought in _read(f"/proc/{p.pid}/environ").split(b"\0")]


def zombies_of(parent: int) -> list[int]:
    found = []
    for pid in _pids():
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        if len(fields) > 1 and fields[0] == b"Z" and int(fields[1]) == parent:
            found.append(pid)
    return found


def alive(pid: int) -> bool:
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return bool(fields) and fields[0] != b"Z"


def parent_of(pid: int) -> int | None:
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else None


def watched_by(pid: int) -> set[int]:
    """The processes that `pid` has open descriptors of (pidfds)."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fdinfo"):
            for line in _read(f"/proc/{pid}/fdinfo/{name}").splitlines():
                if line.startswith(b"Pid:"):
                    found.add(int(line[4:]))
    return found
