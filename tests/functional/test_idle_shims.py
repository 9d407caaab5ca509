# SPDX-License-Identifier: Apache-2.0
"""A shim whose attempt has ended takes the next one. Nobody notices, except by the time it takes."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from harness.client import Client
from harness.commands import sh
from harness.daemon import Daemon, MakeDaemon
from harness.processes import alive
from harness.sse import messages, read_log
from harness.waiting import wait_until


def shim_of(client: Client, script: str = ":") -> int:
    """Runs it and says which shim ran it."""
    task = client.run(*sh(f"echo $PPID; {script}"))
    return int(client.output(task["task_id"]).split()[0])


def command_line(pid: int) -> list[str]:
    if not alive(pid):
        return []
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="ascii").rstrip("\0").split("\0")


def idle_shim(client: Client) -> int:
    """Runs something and says which shim waits for more since."""
    shims: list[int] = []

    def look() -> bool:
        shims.append(shim_of(client))  # a daemon that has just started has no launcher yet
        return command_line(shims[-1]) == ["berth-shim", "--idle"]

    wait_until(look, "a shim is idle")
    return shims[-1]


def test_tasks_one_after_the_other_share_a_shim_and_nothing_else(make_daemon: MakeDaemon) -> None:
    client = make_daemon().client
    idle_shim(client)
    script = 'echo $PPID; echo "$BERTH_TASK_ID $X" >&2; ulimit -c 0; umask 77; pwd; cat /proc/self/cgroup; exit $X'
    shims = set()
    for number in range(6):
        task = client.run(*sh(script), task_id=f"t{number}", env={"X": str(number)})
        assert (task["exit_code"], task["attempt"]) == (number, 1)
        shim, cwd, *groups = client.output(f"t{number}").decode().splitlines()
        shims.add(shim)
        assert client.output(f"t{number}", "stderr") == f"t{number} {number}\n".encode()
        assert f"/t{number}/" in cwd
        assert all(".shim" in group for group in groups if re.match(r"0::.*berth-", group))
        assert f"t{number} {number}" in messages(read_log(client, f"t{number}"))
    assert len(shims) == 1


def test_an_idle_shim_says_so_and_goes_after_a_while(make_daemon: MakeDaemon) -> None:
    shim = idle_shim(make_daemon().client)
    wait_until(lambda: not alive(shim), "it is not wanted any more")


def test_a_shim_that_was_sent_a_signal_takes_nothing_more(make_daemon: MakeDaemon) -> None:
    client = make_daemon().client
    first = idle_shim(client)
    client.submit(*sh("echo $PPID; exec sleep 1000"), task_id="long")
    wait_until(lambda: client.output("long") == f"{first}\n".encode(), "it runs in the same shim")
    client.cancel("long")
    assert client.wait_end("long")["status"] == "cancelled"
    assert shim_of(client) != first
    wait_until(lambda: not alive(first), "the first one is gone")


def test_an_idle_shim_that_is_killed_is_not_missed(make_daemon: MakeDaemon) -> None:
    client = make_daemon().client
    shim = idle_shim(client)
    os.kill(shim, signal.SIGKILL)
    wait_until(lambda: not alive(shim), "it is gone")
    task = client.run(*sh("exit 4"))
    assert (task["status"], task["exit_code"], task["attempt"]) == ("failed", 4, 1)


def test_one_that_is_asked_to_end_meanwhile_costs_a_task_nothing(make_daemon: MakeDaemon) -> None:
    client = make_daemon().client
    for number in range(5):
        os.kill(idle_shim(client), signal.SIGTERM)  # noticed when it has the next attempt
        task = client.run(*sh("exit 4"), task_id=f"t{number}")
        assert (task["status"], task["exit_code"]) == ("failed", 4), task


def test_idle_shims_go_with_the_daemon_and_busy_ones_stay(make_daemon: MakeDaemon, folder: Path) -> None:
    daemon: Daemon = make_daemon()
    client = daemon.client
    go = folder / "go"
    busy = idle_shim(client)
    client.submit(*sh(f'echo $PPID; while [ ! -e "{go}" ]; do sleep 0.02; done; exit 6'), task_id="busy")
    wait_until(lambda: client.output("busy") == f"{busy}\n".encode(), "it runs in the idle shim")
    idle = idle_shim(client)
    daemon.kill9()
    wait_until(lambda: not alive(idle), "nobody wants the idle one any more")
    assert alive(busy)
    daemon.start()
    go.touch()
    task = daemon.client.wait_end("busy")
    assert (task["status"], task["exit_code"], task["attempt"]) == ("failed", 6, 1)
    wait_until(lambda: not alive(busy), "its shim has nobody to wait for")
