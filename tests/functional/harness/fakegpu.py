# SPDX-License-Identifier: Apache-2.0
"""A simulated machine of GPUs: a ledger file of its own, and the program that changes it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import programs


class FakeGpus:
    def __init__(self, folder: Path, count: int = 8, memory: str = "24G", **options: str) -> None:
        self.ledger = folder / "ledger"
        self.count = count
        self._holders: list[subprocess.Popen[bytes]] = []
        arguments = ["init", "--gpus", str(count), "--memory", memory]
        for name, value in options.items():
            arguments += [f"--{name}", value]
        self.ctl(*arguments)

    @property
    def environment(self) -> dict[str, str]:
        return {"BERTH_FAKE_NVML_LEDGER": str(self.ledger)}

    def ctl(self, *arguments: str) -> str:
        done = subprocess.run(
            [programs.FAKEGPU_CTL, *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def show(self) -> dict[str, Any]:
        return json.loads(self.ctl("show", "--json"))

    def uuids(self) -> list[str]:
        """In the order of the PCI bus, which is that of cuda:N."""
        gpus = sorted(self.show()["gpus"], key=lambda gpu: gpu["bus"])
        return [gpu["uuid"] for gpu in gpus]

    def hold(self, gpu: int | str, memory: str) -> subprocess.Popen[bytes]:
        """A foreign process that holds memory, until release()."""
        holder = subprocess.Popen(
            [programs.FAKEGPU_CTL, "hold", str(gpu), memory],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
        )
        self._holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline().startswith(b"holding"), "the foreign process got its memory"
        return holder

    def release(self, holder: subprocess.Popen[bytes]) -> None:
        self._holders.remove(holder)
        holder.kill()
        holder.communicate()

    def trap(self, gpu: int, memory: str, file: Path, pid: int = 4_000_000) -> None:
        """A foreign process that takes its memory at the first reading of the GPU after `file` changed."""
        self.ctl("trap", str(gpu), memory, "--pid", str(pid), "--when-changed", str(file))

    def release_ghost(self, pid: int = 4_000_000) -> None:
        self.ctl("release", str(pid))

    def task(self, *arguments: str) -> list[str]:
        """argv of a program that takes its devices as CUDA would."""
        return [str(programs.FAKEGPU_TASK), *arguments]

    def close(self) -> None:
        for holder in list(self._holders):
            self.release(holder)
        self.ctl("unblock")


MakeGpus = Callable[..., FakeGpus]
