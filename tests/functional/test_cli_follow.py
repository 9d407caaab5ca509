# SPDX-License-Identifier: Apache-2.0
"""Staying with a task: interrupts, a daemon that restarts meanwhile, a reader that goes away."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.command_line import CommandLine
from harness.commands import Gate, lines, sh, stubborn_tree
from harness.daemon import Daemon, MakeDaemon
from harness.pictures import DataSet
from harness.training import train
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("berth")


@pytest.fixture
def cli(daemon: Daemon, folder: Path) -> CommandLine:
    return CommandLine(daemon, folder)


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


@pytest.mark.parametrize("how", ["kill", "term"])
@pytest.mark.parametrize("arguments", [(), ("--stdout",), ("--stderr",), ("--records",), ("--json",)])
def test_following_logs_goes_on_through_a_restart_of_the_daemon(
    cli: CommandLine, daemon: Daemon, folder: Path, arguments: tuple[str, ...], how: str
) -> None:
    gate = Gate(folder / "gate")
    half = "seq {0} {1}; seq -f 'error %.0f' {0} {1} >&2"
    script = f"{half.format(1, 3000)}; {gate.wait(half.format(3001, 6000))[2]}"
    daemon.client.submit(*sh(script), task_id="t")
    process = cli.start("logs", "-f", *arguments, "t")
    assert process.stdout is not None
    first = os.read(process.stdout.fileno(), 1).decode()  # past the buffer, which communicate() leaves out
    if how == "kill":
        daemon.kill9()
    else:
        daemon.stop()
    gate.open()
    daemon.start(port=daemon.port)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    daemon.client.wait_end("t")
    whole = cli("logs", *arguments, "t")
    assert first + out == whole.stdout, "nothing is lost and nothing is printed twice"
    assert [line for line in err.splitlines() if not line.startswith("berth: ")] == whole.stderr.splitlines()
    streams = 1 if arguments in (("--stdout",), ("--stderr",)) else 2
    assert (whole.stdout + whole.stderr).count("6000") == streams


@pytest.mark.usefixtures("worker")
def test_following_a_training_goes_on_through_a_restart_of_the_daemon(
    cli: CommandLine, daemon: Daemon, folder: Path
) -> None:
    data = DataSet(folder / "data", train=8, val=4, side=32)
    task = train(daemon.client, data, folder / "out", num_epochs=4, image_size=32)
    process = cli.start("logs", "-f", "--json", task)
    plain = cli.start("logs", "-f", task)
    for follower in (process, plain):
        assert follower.stdout is not None
        assert os.read(follower.stdout.fileno(), 1)
    daemon.client.wait_state(task, "running")
    daemon.kill9()
    daemon.start(port=daemon.port)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "{" + out == cli.ok("logs", "--json", task)
    assert plain.communicate(timeout=60)[0] == cli.ok("logs", task)[1:]


def test_a_reader_of_followed_logs_that_goes_away_leaves_the_task_alone(
    cli: CommandLine, daemon: Daemon, folder: Path
) -> None:
    end = folder / "end"
    daemon.client.submit(*sh(f'while [ ! -e "{end}" ]; do echo tick; sleep 0.02; done'), task_id="t")
    process = cli.start("logs", "-f", "t")
    assert process.stdout is not None
    assert process.stdout.readline() == "tick\n"
    process.stdout.close()
    process.wait(60)
    assert daemon.client.task("t")["status"] == "running"
    end.touch()
    assert daemon.client.wait_end("t")["status"] == "completed"


def test_output_that_a_slow_reader_has_missed_is_said(make_daemon: MakeDaemon, folder: Path) -> None:
    daemon: Daemon = make_daemon(config={"max_output": "1M"})
    cli = CommandLine(daemon, folder)
    process = cli.start("run", "--id", "t", "--", "seq", "1", "2000000")
    wait_until(lambda: daemon.client.request("GET", "/api/v2/tasks/t").status == 200, "it is there")
    daemon.client.wait_end("t")  # nobody has read much: pipes and sockets hold little
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.endswith("1999999\n2000000\n")
    assert "no longer kept" in err
    late = cli("logs", "--stdout", "t")
    assert "no longer kept" in late.stderr
    assert late.stdout.endswith("1999999\n2000000\n")


def test_output_is_complete_for_a_reader_that_keeps_up(cli: CommandLine) -> None:
    done = cli("run", "--", "seq", "1", "2000000")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(f"{n}\n" for n in range(1, 2_000_001))


def test_a_job_that_named_a_gpu_is_told_of_the_processor(cli: CommandLine) -> None:
    assert "no GPU" in cli("run", "--device", "cuda:0", "--", "true").stderr
    assert cli("run", "--", "true").stderr == ""
    refused = cli("run", "--gpu-type", "A100", "--", "true")
    assert refused.returncode == 125
    assert "A100" in refused.stderr
