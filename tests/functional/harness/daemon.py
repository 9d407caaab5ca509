# SPDX-License-Identifier: Apache-2.0
"""One berthd in a directory of its own: start, stop, kill -9, restart, and the checks at its end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import processes, programs
from .client import Client, Json
from .fakegpu import FakeGpus
from .waiting import NotInTimeError, wait_until

#: Cancelling a task waits this long between SIGTERM and SIGKILL: short, so that tests are.
GRACE = "1s"
_LISTENING = re.compile(rb"listening address=(\S+)")


class Daemon:
    """Everything it starts is marked by its directory's name (in TMPDIR), so that what is left over
    after the end can be found."""

    def __init__(
        self,
        folder: Path,
        gpus: FakeGpus | None = None,
        config: Mapping[str, Any] | None = None,
        unix_socket: bool = False,
        language: str = "en",
        env: Mapping[str, str] | None = None,
        state_dir: Path | None = None,
        program: Path = programs.BERTHD,
    ) -> None:
        self.folder = folder
        self.gpus = gpus
        self.state_dir = state_dir or folder / "state"
        self.tmp = folder / "tmp"
        self.socket = folder / "berth.sock" if unix_socket else None
        self.address = ""
        self._program = program
        self._language = language
        self.env = dict(env or {})  # of the next start
        self._config = {"cancel_grace": GRACE, **(config or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._allowed: list[re.Pattern[str]] = []
        self._starts = 0
        for made in (self.folder, self.tmp):
            made.mkdir(parents=True, exist_ok=True)

    # ---- life ----

    @property
    def pid(self) -> int:
        assert self._process is not None, "the daemon is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def configure(self, config: Mapping[str, Any]) -> None:
        """From the next start or SIGHUP on; in place of what there was."""
        self._config = {"cancel_grace": GRACE, **config}
        self._config_file().write_text(json.dumps(self._config))  # JSON is YAML

    def _config_file(self) -> Path:
        return self.folder / "berth.yaml"

    def arguments(self, port: int = 0) -> list[str]:
        config = self._config_file()
        config.write_text(json.dumps(self._config))
        nvml = programs.FAKE_NVML if self.gpus else "/nonexistent/libnvidia-ml.so.1"
        arguments = [str(self._program), "--config", str(config), "--listen", f"127.0.0.1:{port}"]
        if self.socket:
            arguments += ["--listen", f"unix:{self.socket}"]
        arguments += ["--state-dir", str(self.state_dir), "--nvml-library", str(nvml)]
        return [*arguments, "--lang", self._language]

    def environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        env |= {"TMPDIR": str(self.tmp), "LANG": "C.UTF-8"}
        if self.gpus:
            env |= self.gpus.environment
        return env | self.env

    def start(self, port: int = 0, every: float = 0.02) -> Daemon:
        """`port` 0: any that is free. `every`: how often it is looked whether it is ready."""
        self._spawn(port)
        wait_until(self._listening, "berthd listens", every=every, unless=self._dead)
        return self

    def start_and_kill(self, after: float) -> None:
        """Does not wait until it is ready."""
        self._spawn(0)
        time.sleep(after)
        self.kill9()

    def _spawn(self, port: int) -> None:
        assert not self.running
        self.address = ""
        self._starts += 1
        self._stdout = self.folder / f"stdout.{self._starts}"
        with self._stdout.open("wb") as out, (self.folder / "stderr").open("ab") as err:
            self._process = subprocess.Popen(
                self.arguments(port), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self.environment()
            )

    def _listening(self) -> bool:
        for address in _LISTENING.findall(self._stdout.read_bytes()):
            if not address.startswith(b"unix"):
                self.address = address.decode()
        return bool(self.address)

    def _dead(self) -> str | None:
        assert self._process is not None
        status = self._process.poll()
        return None if status is None else f"berthd ended with {status}: {self.stderr()!r}"

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Tasks go on. The exit status must be 0."""
        assert self._process is not None
        self._process.send_signal(number)
        try:
            status = self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise NotInTimeError("berthd did not end within 60 s after SIGTERM") from None
        finally:
            self._process = None
        assert status == 0, f"berthd ended with {status}: {self.stderr()!r}"

    def kill9(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def killed(self) -> bool:
        """Whether something else has killed it."""
        return self._process is not None and self._process.poll() == -signal.SIGKILL

    def restart(self) -> Daemon:
        self.stop()
        return self.start()

    # ---- talking to it ----

    @property
    def token(self) -> str:
        return (self.state_dir / "token").read_text().strip()

    @property
    def client(self) -> Client:
        return Client(self.address, self.token, self._language)

    def anonymous(self) -> Client:
        return Client(self.address, None, self._language)

    def over_unix(self) -> Client:
        assert self.socket is not None
        return Client(f"unix:{self.socket}", None, self._language)

    def stdout(self) -> str:
        return self._stdout.read_text()

    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def allow_stderr(self, pattern: str) -> None:
        """Lines that match are expected of this test."""
        self._allowed.append(re.compile(pattern))

    # ---- its processes ----

    def task_processes(self, task_id: str) -> list[processes.Process]:
        return processes.of_task(str(self.tmp), task_id)

    def wait_started(self, task_id: str) -> Json:
        """The task, once its program is there: it counts as running from its placement on, before it is launched."""
        task = self.client.wait_state(task_id, "running")
        wait_until(lambda: self.task_processes(task_id), f"task {task_id} has a process")
        return task

    def resources(self) -> Json:
        return self.client.get("/api/v2/resources")

    # ---- the end ----

    def close(self) -> None:
        """Cancels what still runs, stops the daemon and asserts that nothing is left."""
        try:
            if self._process is not None:
                self._end_tasks()
                pid = self.pid
                wait_until(lambda: not processes.zombies_of(pid), "the daemon has no zombies", within=15)
                self.stop()
            wait_until(lambda: not self._left(), "no process is left", within=15)
        except BaseException as error:
            left = self._left()
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            if self._process is not None:
                self._process.wait()
            raise AssertionError(f"{error}; killed: {left}; stderr: {self.stderr()!r}") from error
        said = [line for line in self.stderr().splitlines() if not any(p.search(line) for p in self._allowed)]
        assert not said, f"standard error is not empty: {said}"

    def _end_tasks(self) -> None:
        if not self.running:
            return
        client = self.client
        client.timeout = 20
        live = [task["task_id"] for task in client.tasks("limit=100000&status=live")]
        for task_id in live:
            client.request("POST", f"/api/v2/tasks/{task_id}/cancel")
        wait_until(lambda: not client.tasks("limit=1&status=live"), f"{live} have ended", within=60)

    def _left(self) -> list[processes.Process]:
        return processes.tagged(str(self.tmp))


MakeDaemon = Callable[..., Daemon]
