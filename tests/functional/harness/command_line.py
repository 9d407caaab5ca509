# SPDX-License-Identifier: Apache-2.0
"""The `berth` program, as a user or a script runs it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import programs
from .daemon import Daemon


class CommandLine:
    """Knows a daemon by BERTH_URL and BERTH_TOKEN, and nothing of the user's own files."""

    def __init__(self, daemon: Daemon | None, home: Path, env: Mapping[str, str] | None = None) -> None:
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **(env or {})}
        if daemon is not None:
            self.env |= {"BERTH_URL": f"http://{daemon.address}", "BERTH_TOKEN": daemon.token}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [programs.BERTH, *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, within: float = 120) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(
                f"berth {arguments} did not end within {within} s: {out!r} {err!r}"
            ) from None
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ok(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))
