# SPDX-License-Identifier: Apache-2.0
"""The command line's view of the devices, which needs no daemon: `berth pick` and `berth gpus`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import BerthError, NothingFree
from .visible import Device

_WITHIN_S = 60.0


@dataclass(frozen=True)
class Picked:
    devices: list[Device]
    #: What makes them the ones that a program sees.
    env: dict[str, str]


class CommandLine:
    """The program `berth` of PATH."""

    def __init__(self, program: str, environ: Mapping[str, str]) -> None:
        self._program = program
        self._environ = dict(environ)

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> CommandLine | None:
        program = shutil.which("berth", path=environ.get("PATH", ""))
        return None if program is None else cls(program, environ)

    def pick(self, count: int, memory_gb: float | None, policy: str, gpu_type: str | None) -> Picked | None:
        """None on a machine without a GPU; NothingFree, with a reason per device, when none fits."""
        words = ["pick", "--format", "json", "--count", str(count), "--policy", policy]
        if memory_gb is not None:
            words += ["--memory", f"{memory_gb:g}G"]
        if gpu_type:
            words += ["--gpu-type", gpu_type]
        done = self._run(words)
        if done.returncode != 0:
            if not self.devices():
                return None
            raise NothingFree(done.stderr.strip().replace("berth: ", "", 1))
        answer = self._parsed(done)
        return Picked([_device(item) for item in answer["devices"]], dict(answer["env"]))

    def devices(self) -> list[Device]:
        return [_device(item) for item in self._parsed(self._run(["gpus", "--json"]))["devices"]]

    def _run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self._program, *words],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_WITHIN_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BerthError(f"{self._program} {words[0]} does not work: {error}") from None

    def _parsed(self, done: subprocess.CompletedProcess[str]) -> Any:
        try:
            return json.loads(done.stdout)
        except ValueError:
            said = done.stderr.strip() or f"status {done.returncode}"
            raise BerthError(f"{self._program} does not name the devices: {said}") from None


def _device(item: Mapping[str, Any]) -> Device:
    free = item.get("effective_free_memory_gb", item.get("free_memory_gb"))
    name = item.get("device") or item["device_name"]
    return Device(name, item["uuid"], free, item.get("health", "healthy") == "healthy")
