# SPDX-License-Identifier: Apache-2.0
"""`berth top` in a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from harness import programs
from harness.command_line import CommandLine
from harness.commands import sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """Shows the last picture that was drawn."""

    def __init__(self, line: CommandLine, width: int = 100, height: int = 24, **env: str) -> None:
        self.master, slave = pty.openpty()
        self.resize(width, height, slave)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.bytes = b""
        self.process = subprocess.Popen(
            [programs.BERTH, "top"], stdin=slave, stdout=slave, stderr=slave,
            env={**line.env, "TERM": "xterm-256color", **env}, start_new_session=True,
        )  # fmt: skip

    def resize(self, width: int, height: int, to: int | None = None) -> None:
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self.master if to is None else to, termios.TIOCSWINSZ, size)

    def read(self) -> None:
        while select.select([self.master], [], [], 0.02)[0]:
            try:
                more = os.read(self.master, 65536)
            except OSError:
                return
            if not more:
                return
            self.bytes += more

    def raw_picture(self) -> str:
        """From the last time that drawing began at the top and came to an end."""
        self.read()
        whole = self.bytes[: self.bytes.rfind(b"\x1b[J") + 3]
        return whole[whole.rfind(b"\x1b[H") + 3 :].decode(errors="replace")

    def picture(self) -> list[str]:
        text = COLOUR.sub("", self.raw_picture()).replace("\x1b[K", "").replace("\x1b[J", "")
        return [line.rstrip() for line in text.split("\r\n")]

    def shows(self, text: str) -> None:
        def ended() -> str | None:
            return None if self.process.poll() is None else f"it ended: {self.bytes!r}"

        wait_until(lambda: text in "\n".join(self.picture()), f"{text!r} is shown", unless=ended)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def close(self) -> int:
        """The exit status."""
        try:
            end = time.monotonic() + 20
            while self.process.poll() is None and time.monotonic() < end:
                self.read()
            status = self.process.wait(timeout=1)
            self.read()  # what it wrote last
            return status
        finally:
            self.process.kill()


@pytest.fixture
def gpus(fake_gpus: MakeGpus) -> FakeGpus:
    return fake_gpus(2)


@pytest.fixture
def daemon(make_daemon: MakeDaemon, gpus: FakeGpus) -> Daemon:
    return make_daemon(gpus=gpus)


@pytest.fixture
def berth(daemon: Daemon, tmp_path: Path) -> CommandLine:
    return CommandLine(daemon, tmp_path)


def test_devices_tasks_and_processes_are_shown_and_change(
    daemon: Daemon, gpus: FakeGpus, berth: CommandLine
) -> None:
    terminal = Terminal(berth)
    terminal.shows("no tasks: berth run -- COMMAND starts one")
    lines = terminal.picture()
    assert lines[0].startswith("berth top · berthd at http://127.0.0.1:")
    assert lines[1].startswith("DEVICE  MODEL")
    assert lines[2].startswith("cuda:0  NVIDIA GeForce RTX 3090")
    assert lines[-1].startswith("q leave · Tab tasks/processes")
    assert len(lines) == 24
    daemon.client.submit(
        *gpus.task("--memory", "3G", "--utilization", "70"), task_id="train-1", device="cuda:1",
        kind="training", env=gpus.environment, name="night run",
    )  # fmt: skip
    terminal.shows("> train-1  running")
    terminal.shows("night run")
    terminal.type("\t")
    terminal.shows("Processes: 1 · by memory use")
    terminal.shows("3.00 GB")
    terminal.type("q")
    assert terminal.close() == 0


def test_a_task_is_cancelled_after_a_question_and_its_log_is_read(daemon: Daemon, berth: CommandLine) -> None:
    daemon.client.submit(*sh("echo first words; sleep 1000"), task_id="a", device="cpu")
    daemon.client.submit(*sh("sleep 1000"), task_id="b", device="cpu")
    daemon.client.wait_state("a", "running")
    terminal = Terminal(berth)
    terminal.shows("Tasks: 2")
    terminal.type("/first")
    terminal.shows("Tasks: 1")
    terminal.type("\rl")
    terminal.shows("Log of task a")
    terminal.shows("first words")
    terminal.type("\x1b")
    terminal.shows("Tasks: 1")
    terminal.type("c")
    terminal.shows("cancel task a? y / n")
    assert daemon.client.task("a")["status"] == "running"
    terminal.type("y")
    assert daemon.client.wait_end("a")["status"] == "cancelled"
    assert daemon.client.task("b")["status"] == "running"
    terminal.type("\x03")
    assert terminal.close() == 0


def test_the_terminal_is_left_as_it_was_whatever_ends_it(berth: CommandLine) -> None:
    terminal = Terminal(berth)
    terminal.shows("no tasks")
    assert termios.tcgetattr(terminal.slave)[3] & termios.ECHO == 0
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.close() == 128 + signal.SIGTERM
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert terminal.bytes.endswith(b"\x1b[?25h\x1b[?1049l")


def test_it_follows_the_size_and_does_without_colour(daemon: Daemon, berth: CommandLine) -> None:
    terminal = Terminal(berth, NO_COLOR="1")
    terminal.shows("no tasks")
    assert not COLOUR.search(terminal.raw_picture())
    terminal.resize(40, 10)
    os.kill(terminal.process.pid, signal.SIGWINCH)
    wait_until(lambda: len(terminal.picture()) == 10, "it has the new size")
    assert all(len(line) <= 40 for line in terminal.picture())
    terminal.type("q")
    terminal.close()


def test_a_daemon_that_goes_and_comes_is_survived(daemon: Daemon, gpus: FakeGpus, tmp_path: Path) -> None:
    environment = {**gpus.environment, "BERTH_NVML_LIBRARY": str(programs.FAKE_NVML)}
    terminal = Terminal(CommandLine(daemon, tmp_path, environment))
    terminal.shows("no tasks")
    daemon.stop()
    terminal.shows("read without a daemon")
    terminal.shows("cuda:1")
    terminal.type("q")
    assert terminal.close() == 0


def test_without_a_terminal_it_says_what_to_use(berth: CommandLine) -> None:
    done = berth("top")
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


@pytest.mark.parametrize(("width", "height"), [(59, 20), (50, 16), (40, 12), (30, 8), (1, 1)])
def test_on_a_small_terminal_devices_and_tasks_are_seen_and_nothing_wraps(
    daemon: Daemon, gpus: FakeGpus, berth: CommandLine, width: int, height: int
) -> None:
    daemon.client.submit(
        *gpus.task("--memory", "3G"), task_id="train-1", device="cuda:0", env=gpus.environment
    )
    terminal = Terminal(berth, width, height)
    if width > 1:
        terminal.shows("> train-1  running")
        assert any(line.startswith("cuda:0") and "GB" in line for line in terminal.picture())
        assert "q leave" in terminal.picture()[-1]
        assert len(terminal.picture()) == height
    else:
        terminal.shows("…")
    assert all(len(line) <= width for line in terminal.picture())
    terminal.type("q")
    assert terminal.close() == 0
