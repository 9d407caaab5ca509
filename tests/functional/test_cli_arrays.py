# SPDX-License-Identifier: Apache-2.0
"""Arrays of tasks at the command line."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from harness.command_line import CommandLine
from harness.commands import lines, sh
from harness.daemon import Daemon
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("berth")

USAGE, NOT_FOUND, REFUSED, OWN_FAILURE = 2, 4, 5, 125


@pytest.fixture
def cli(daemon: Daemon, folder: Path) -> CommandLine:
    return CommandLine(daemon, folder)


def detached(cli: CommandLine, *arguments: str) -> str:
    return cli.ok("run", "--detach", *arguments).strip()


def test_run_waits_for_all_of_it_and_tells_where_the_output_is(cli: CommandLine, folder: Path) -> None:
    file = folder / "lines"
    done = cli("run", "--array", "1,5-9:2%2", "--", *sh(f'echo hidden; echo "$BERTH_ARRAY_INDEX" >> "{file}"'))
    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(lines(file)) == ["1", "5", "7", "9"]
    one = re.search(r'"berth logs (\S+_1)"', done.stderr)
    assert one, done.stderr
    assert cli.ok("logs", one.group(1)) == "hidden\n"
    assert done.stderr.count("\n") == 1, "without a terminal no progress is drawn"


def test_it_ends_as_the_first_bad_task(cli: CommandLine) -> None:
    command = sh("case $BERTH_ARRAY_INDEX in 1) exit 7;; 3) kill -9 $$;; esac")
    done = cli("run", "--id", "a", "--array", "0-4", "--", *command)
    assert done.returncode == 7
    assert "2 of 5 tasks failed: a_[1,3]" in done.stderr
    assert cli("wait", "a").returncode == 7
    assert cli("wait", "a_3").returncode == 128 + signal.SIGKILL
    assert "2 of 5 tasks failed" in cli.ok("show", "a")
    assert cli("run", "--array", "0-1", "--", *sh("kill -9 $$")).returncode == 128 + signal.SIGKILL


def test_the_list_has_a_row_for_those_that_wait(cli: CommandLine) -> None:
    array = detached(cli, "--array", "0-49%1", "--name", "sweep", "--", "sleep", "60")
    short = array[:8]
    wait_until(lambda: f"{short}_0 " in cli.ok("ps"), "the first runs")
    rows = cli.ok("ps", "--limit", "2").splitlines()[1:]
    assert len(rows) == 2, "what runs is not hidden behind what waits"
    assert re.match(rf"{short}_\[1-49\] +queued .* sweep$", rows[0])
    assert re.match(rf"{short}_0 +running ", rows[1])
    assert len(cli.json("ps")["tasks"]) == 50
    shown = cli.ok("show", array[:6])
    assert re.search(r"^of them +1 running, 49 queued$", shown, re.MULTILINE)
    assert re.search(r"^at a time +1$", shown, re.MULTILINE)
    assert re.search(rf"^array +index 7, one of 50 tasks of {short}$", cli.ok("show", f"{short}_7"), re.MULTILINE)
    assert "array limit" in cli.ok("why", f"{short}_7")
    assert cli("why", array).returncode == REFUSED
    assert f"berth logs {short}_0" in cli("logs", array).stderr
    assert cli("rm", array).returncode == REFUSED
    assert cli.ok("cancel", short) in (f"{array} is being cancelled\n", f"{array} cancelled\n")
    assert cli("wait", short).returncode == 143
    assert cli.ok("rm", array) == f"{array} removed\n"
    assert cli.json("ps", "--all")["total"] == 0


def test_it_is_held_released_and_come_after(cli: CommandLine, folder: Path) -> None:
    order = folder / "order"
    array = detached(cli, "--hold", "--array", "0-2", "--", *sh(f'echo x >> "{order}"'))
    after = detached(cli, "--after", array[:8], "--", *sh(f'echo after >> "{order}"'))
    listed = cli.ok("ps")
    assert re.search(rf"^{array[:8]}_\[0-2\] .* on hold ", listed, re.MULTILINE)
    assert f"after {array[:8]}  " in listed
    assert f"{array[:8]} (queued)" in cli.ok("show", after)
    assert cli.ok("release", array[:8]) == f"{array} released\n"
    assert cli("wait", after).returncode == 0
    assert lines(order) == ["x", "x", "x", "after"]


def test_ctrl_c_cancels_all_of_it(cli: CommandLine) -> None:
    run = cli.start("run", "--id", "a", "--array", "0-9", "--", "sleep", "60")
    wait_until(lambda: any(task["status"] == "running" for task in cli.json("ps")["tasks"]), "one runs")
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 143, err
    assert cli.json("show", "a")["counts"] == {"cancelled": 10}


def test_it_is_followed_over_a_restart_of_the_daemon(cli: CommandLine, daemon: Daemon) -> None:
    run = cli.start("run", "--id", "a", "--array", "0-3%2", "--", "sleep", "1")
    wait_until(lambda: cli.json("ps")["total"] > 0, "it is there")
    port = daemon.port
    daemon.kill9()
    daemon.start(port)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 0, err


def test_nonsense_is_refused(cli: CommandLine) -> None:
    assert cli("run", "--array", "9-", "--", "true").returncode == USAGE
    assert cli("run", "--array", "1,1", "--", "true").returncode == OWN_FAILURE
    assert cli("show", "a_1").returncode == NOT_FOUND
