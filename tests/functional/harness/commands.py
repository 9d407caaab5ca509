# SPDX-License-Identifier: Apache-2.0
"""Programs that tests submit as tasks."""

from __future__ import annotations

import sys
from pathlib import Path

PYTHON = sys.executable


class Gate:
    """A file that tasks wait for: they go on when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> None:
        self.path.touch()

    def wait(self, then: str = ":") -> list[str]:
        """argv of a program that waits for the gate, then does `then`."""
        return sh(f'echo waiting; while [ ! -e "{self.path}" ]; do sleep 0.05; done; {then}')


def sh(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def mark(path: Path, word: str = "ran") -> list[str]:
    """argv of a program whose only trace is a line in a file."""
    return sh(f'echo "{word}" >> "{path}"')


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


# Leaves its session twice over in four children, which all ignore SIGTERM, one of them with an empty
# environment; writes every process id to the file named.
_TREE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def note():
    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, b"%d\\n" % os.getpid())
    os.close(fd)
def escape(bare):
    if os.fork() != 0:
        return
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    note()
    if bare:
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    time.sleep(1000)
    os._exit(0)
for child in range(4):
    escape(child == 3)
note()
time.sleep(1000)
"""


def stubborn_tree(pids: Path) -> list[str]:
    """argv of a program of five processes that do not want to go."""
    return [PYTHON, "-c", _TREE, str(pids)]
