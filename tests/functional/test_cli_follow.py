# SPDX-License-Identifier: Apache-2.0
"""Staying with a task: interrupts."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness.command_line import CommandLine
from harness.commands import lines, stubborn_tree
from harness.daemon import Daemon, MakeDaemon
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("berth")


@pytest.mark.parametrize("daemon_there", [True, False])
def test_a_second_interrupt_leaves_and_says_what_becomes_of_the_task(
    make_daemon: MakeDaemon, folder: Path, daemon_there: bool
) -> None:
    daemon: Daemon = make_daemon(config={"cancel_grace": "3s"})
    pids = folder / "pids"
    process = CommandLine(daemon, folder).start("run", "--id", "t", "--", *stubborn_tree(pids))
    assert process.stderr is not None
    wait_until(lambda: len(lines(pids)) == 5, "the whole tree runs")
    if not daemon_there:
        daemon.kill9()
    process.send_signal(signal.SIGINT)
    wait_until(lambda: "again" in process.stderr.readline(), "the first interrupt is answered")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert ("is being cancelled" in err, "goes on" in err) == (daemon_there, not daemon_there)
    if not daemon_there:
        daemon.start()
        assert daemon.client.task("t")["status"] == "running"
        daemon.client.cancel("t")
    assert daemon.client.wait_end("t")["status"] == "cancelled"
