# SPDX-License-Identifier: Apache-2.0
"""Retries, dependencies, holds, drains and the processor as a fallback, typed at the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.command_line import CommandLine
from harness.commands import Gate, lines, mark, sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("berth")

USAGE, NOT_FOUND, REFUSED, OWN_FAILURE = 2, 4, 5, 125


@pytest.fixture
def cli(daemon: Daemon, folder: Path) -> CommandLine:
    return CommandLine(daemon, folder)


@pytest.fixture
def gpus(fake_gpus: MakeGpus) -> FakeGpus:
    return fake_gpus(2)


@pytest.fixture
def cli_with_gpus(make_daemon: MakeDaemon, gpus: FakeGpus, folder: Path) -> CommandLine:
    return CommandLine(make_daemon(gpus=gpus), folder, gpus.environment)


def detached(cli: CommandLine, *arguments: str) -> str:
    return cli.ok("run", "--detach", *arguments).strip()


def row(cli: CommandLine, task: str) -> str:
    """The task's line in `berth ps`."""
    return next(line for line in cli.ok("ps", "--all").splitlines() if line.startswith(task[:8]))


def field(cli: CommandLine, task: str, name: str) -> str | None:
    found = re.search(rf"^{name} +(.*)$", cli.ok("show", task), re.MULTILINE)
    return found and found.group(1)


def test_run_tries_again_and_ends_as_the_last_try(cli: CommandLine, folder: Path) -> None:
    tries = folder / "tries"
    command = sh(f'echo x >> "{tries}"; exit $(( $(wc -l < "{tries}") < 3 ? 7 : 0 ))')
    options = ("--id", "good", "--retry", "3", "--retry-backoff", "0.1s", "--retry-on", "exit,lost")
    assert cli("run", *options, "--", *command).returncode == 0
    assert len(lines(tries)) == 3
    assert re.search(r" 2(/3)? ", row(cli, "good"))
    assert field(cli, "good", "retries") in ("2", "2 of 3")
    tries.unlink()
    assert cli("run", "--retry", "1", "--retry-backoff", "0s", "--", *command).returncode == 7
    assert len(lines(tries)) == 2
    tries.unlink()
    assert cli("run", "--retry", "1", "--retry-on", "device_lost", "--", *command).returncode == 7
    assert len(lines(tries)) == 1, "an exit status was not to be tried again"


def test_run_shows_what_every_attempt_has_said(cli: CommandLine) -> None:
    script = 'echo "try $BERTH_ATTEMPT"; echo "bad $BERTH_ATTEMPT" >&2; [ "$BERTH_ATTEMPT" = 3 ]'
    done = cli("run", "--id", "t", "--retry", "2", "--retry-backoff", "50ms", "--", *sh(script))
    assert (done.returncode, done.stdout) == (0, "try 1\ntry 2\ntry 3\n")
    assert [line for line in done.stderr.splitlines() if line.startswith("bad")] == ["bad 1", "bad 2", "bad 3"]


def test_the_output_of_an_attempt_before_can_be_read(cli: CommandLine, daemon: Daemon) -> None:
    cli("run", "--id", "t", "--retry", "1", "--retry-backoff", "50ms", "--", *sh('echo "try $BERTH_ATTEMPT"; exit 4'))
    path = "/api/v2/tasks/t/output/stdout"
    read = {n: daemon.client.request("GET", f"{path}?attempt={n}") for n in (0, 1, 2, 3)}
    assert [read[n].body for n in (0, 1, 2)] == [b"try 2\n", b"try 1\n", b"try 2\n"]
    assert (read[3].status, read[3].detail) == (404, "Task t has no attempt 3: the last one is 2")


def test_the_pause_before_a_retry_is_shown(cli: CommandLine) -> None:
    task = detached(cli, "--retry", "1", "--retry-backoff", "30m", "--", "false")
    wait_until(lambda: cli.json("show", task)["not_before"] is not None, "it pauses")
    assert re.search(r"queued .* retry in (29|30)m \d\ds", row(cli, task))
    assert re.fullmatch(r".* \(in (29|30)m \d\ds\)", field(cli, task, "next try") or "")
    cli.ok("cancel", task)


def test_a_task_follows_others_named_by_the_beginnings_of_their_ids(cli: CommandLine, folder: Path) -> None:
    gate, order = Gate(folder / "gate"), folder / "order"
    first = detached(cli, "--", *gate.wait(f'echo first >> "{order}"; exit 3'))
    good = detached(cli, "--id", "good", "--after", first[:13], "--", *mark(order, "good"))
    any_end = detached(cli, "--after-any", first[:13], "--", *mark(order, "any"))
    three = ("--after-any", f"{any_end[:13]},{good}", "--after-any", first)
    last = detached(cli, *three, "--", *mark(order, "last"))
    assert cli.json("show", last)["after_any"] == [any_end, good, first]
    assert f"after {first[:8]}" in row(cli, good)
    assert f"after {any_end[:8]} +2" in row(cli, last)
    assert field(cli, good, "after") == f"{first[:8]} (running)"
    gate.open()
    assert cli("wait", last).returncode == 0
    assert lines(order) == ["first", "any", "last"]
    assert cli("wait", good).returncode == 143
    assert "dependency failed" in row(cli, good)
    assert first in (field(cli, good, "problem") or "")


def test_what_is_to_be_followed_must_be_there_and_able_to_end_well(cli: CommandLine) -> None:
    cli("run", "--id", "twin-1", "--", "false")
    cli("run", "--id", "twin-2", "--", "true")
    for option, task, words in [
        ("--after", "none", ["--after", '"none"']),
        ("--after-any", "twin", ["--after-any", "twin-1", "twin-2"]),
        ("--after", "twin-1", ["twin-1", "failed"]),
    ]:
        done = cli("run", option, task, "--", "true")
        assert done.returncode == OWN_FAILURE
        assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert cli.json("ps", "--all")["total"] == 2


def test_hold_and_release(cli: CommandLine, folder: Path) -> None:
    ran = folder / "ran"
    task = detached(cli, "--hold", "--", *mark(ran))
    assert "on hold" in row(cli, task)
    assert f"berth release {task[:8]}" in (field(cli, task, "on hold") or "")
    gate = Gate(folder / "gate")
    first = detached(cli, "--", *gate.wait())
    other = detached(cli, "--after", first, "--", "true")
    assert cli.ok("hold", other[:12]) == f"{other} on hold\n"
    gate.open()
    assert cli("wait", first).returncode == 0
    assert cli.json("show", other)["status"] == "queued"
    assert lines(ran) == []
    both = cli("release", "none", task, other)
    assert (both.returncode, both.stdout) == (NOT_FOUND, f"{task} released\n{other} released\n")
    assert cli("wait", task, other).returncode == 0
    assert cli("hold", task).returncode == REFUSED
    assert cli("release", task).returncode == REFUSED


def test_a_drained_device_and_machine(cli_with_gpus: CommandLine, gpus: FakeGpus) -> None:
    cli = cli_with_gpus
    assert cli.ok("drain", "--list") == "nothing is drained: tasks start on every device\n"
    assert cli.ok("drain", "cuda:1", "--reason", "a new fan") == "cuda:1 is drained: a new fan\n"
    assert "! drained: a new fan" in cli.ok("gpus")
    assert cli.json("gpus")["drain"] == cli.json("drain", "--list")
    assert cli.ok("pick", "--format", "index") == "0\n"
    assert cli("pick", "--count", "2").returncode == REFUSED
    refused = cli("drain", "cuda:0", "cuda:9")
    assert refused.returncode == REFUSED
    assert "cuda:9" in refused.stderr
    task = detached(cli, "--device", "cuda:1", "--memory", "1G", "--", *gpus.task("--seconds", "0.1"))
    assert "draining" in row(cli, task)
    cli.ok("drain", "--reason", "a new kernel")
    assert cli.ok("drain", "--list") == "the machine is drained: a new kernel\ncuda:1 is drained: a new fan\n"
    assert "the machine is drained: a new kernel" in cli.ok("gpus")
    assert "drained" in row(cli, task)
    assert cli("pick").returncode == REFUSED
    assert cli.json("resume") == {"machine": False, "reason": None, "devices": {}}
    assert cli("wait", task).returncode == 0
    assert "drained" not in cli.ok("gpus")
    cli.ok("drain", "cuda:0,cuda:1")
    assert cli.ok("resume", "cuda:0") == "cuda:1 is drained\n"


def test_the_processor_as_a_fallback(cli_with_gpus: CommandLine) -> None:
    cli = cli_with_gpus
    cli.ok("drain", "cuda:0,cuda:1")
    options = ("--id", "t", "--device", "cuda", "--fallback", "cpu", "--fallback-after", "0.5s")
    done = cli("run", *options, "--", "true")
    assert done.returncode == 0, done.stderr
    assert cli.json("show", "t")["device"] == "cpu"
    assert field(cli, "t", "fallback") == "on the CPU: no GPU was free in time"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--retry", "x"), "--retry: Value x not in range 0 to 1000"),
        (("run", "--retry", "1", "--retry-backoff", "2h"), "at most 1h"),
        (("run", "--retry", "1", "--retry-on", "luck"), "out_of_memory"),
        (("run", "--retry", "1", "--retry-more-memory", "1.5"), "50%"),
        (("run", "--retry-on", "exit"), "without --retry N"),
        (("run", "--after", "a,,b"), "--after"),
        (("run", "--fallback", "gpu"), "only cpu"),
        (("run", "--fallback-after", "1m"), "without --fallback cpu"),
        (("drain", "--list", "cpu"), "--list"),
        (("resume", "--list"), "no option --list"),
        (("hold",), "ID"),
    ],
)
def test_wrong_usage_says_what_would_be_right_and_changes_nothing(
    cli: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    command = ("--", "true") if arguments[0] == "run" else ()
    done = cli(*arguments, *command)
    assert done.returncode == USAGE
    assert words in done.stderr
    assert cli.json("ps", "--all")["total"] == 0
    assert cli.json("drain", "--list")["devices"] == {}


def test_an_unknown_pool_is_refused(cli: CommandLine) -> None:
    done = cli("run", "--pool", "nowhere", "--", "true")
    assert done.returncode == OWN_FAILURE
    assert "nowhere" in done.stderr
    assert cli.json("ps", "--all")["total"] == 0
