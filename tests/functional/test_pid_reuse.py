# SPDX-License-Identifier: Apache-2.0
"""The number of a task's shim is given to another process while the daemon is away: that one is neither
followed nor signalled, and what the task came to is told as it was.

The story runs as the first process of a PID namespace of its own, where the kernel can be told which number
comes next; this file is then a program (below)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness.commands import sh
from harness.daemon import Daemon
from harness.processes import alive, parent_of
from harness.waiting import wait_until

NEXT_PID = Path("/proc/sys/kernel/ns_last_pid")
OWN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]


def possible() -> bool:
    try:
        done = subprocess.run([*OWN_NAMESPACE, "test", "-w", str(NEXT_PID)], check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_a_process_that_got_the_number_of_a_shim_is_not_taken_for_it(folder: Path, how: str) -> None:
    if not possible():
        pytest.skip("no PID namespace of our own here, or its next number cannot be chosen")
    done = subprocess.run(
        [*OWN_NAMESPACE, sys.executable, __file__, str(folder), how],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the number was used again" in done.stdout


# ---- in the namespace ----


def reap() -> None:
    """Everybody's orphans are the first process's to bury: until then their numbers are taken."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def stranger_with(pid: int) -> None:
    """A process that has nothing to do with the daemon, of that number."""
    for _ in range(100):
        NEXT_PID.write_text(str(pid - 1))
        child = os.fork()
        if child == 0:
            os.setsid()
            os.execve("/bin/sleep", ["sleep", "1000"], {})
        if child == pid:
            return
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    raise AssertionError(f"number {pid} was not to be had")


def story(folder: Path, how: str) -> None:
    daemon = Daemon(folder / "d")
    daemon.allow_stderr(" warning ")
    daemon.start()
    gate = folder / "gate"
    script = f'echo $$ > "{folder}/pid"; while [ ! -e "{gate}" ]; do sleep 0.05; done; exit 7'
    daemon.client.submit(*sh(script), task_id="t", device="cpu")
    wait_until(lambda: (folder / "pid").exists() and (folder / "pid").read_text().endswith("\n"), "it runs")
    shim = parent_of(int((folder / "pid").read_text()))
    assert shim is not None
    daemon.kill9()
    if how == "killed":
        os.kill(shim, signal.SIGKILL)
    else:
        gate.touch()

    def buried() -> bool:
        reap()
        return not Path(f"/proc/{shim}").exists()

    wait_until(buried, "the shim's number is free")
    stranger_with(shim)
    print("the number was used again")
    daemon.start()
    task = daemon.client.wait_end("t")
    told = (task["status"], task["cause"], task["exit_code"], task["attempt"])
    assert told == (("failed", "lost", None, 1) if how == "killed" else ("failed", "exited", 7, 1)), task
    assert alive(shim), "the stranger was left alone"
    assert daemon.client.run("true", device="cpu")["status"] == "completed"
    assert alive(shim), "the stranger was left alone"
    daemon.stop()
    assert alive(shim), "the stranger was left alone"
    os.kill(shim, signal.SIGKILL)


if __name__ == "__main__":
    story(Path(sys.argv[1]), sys.argv[2])
