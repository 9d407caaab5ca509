# SPDX-License-Identifier: Apache-2.0
"""Leases, parts of memory and users at the command line."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from harness import programs
from harness.command_line import CommandLine
from harness.daemon import MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("berth")

USAGE, NOT_REACHABLE, NOT_FOUND, REFUSED = 2, 3, 4, 5


@pytest.fixture
def gpus(fake_gpus: MakeGpus) -> FakeGpus:
    return fake_gpus(3)


@pytest.fixture
def cli(make_daemon: MakeDaemon, gpus: FakeGpus, folder: Path) -> CommandLine:
    return CommandLine(make_daemon(gpus=gpus), folder, gpus.environment)


def leases(cli: CommandLine) -> list[dict]:
    return cli.json("leases")["leases"]


def test_each_pick_holds_another_device_until_none_is_left(cli: CommandLine) -> None:
    taken = [cli.ok("pick", "--hold", "5m").strip() for _ in range(3)]
    assert sorted(taken) == ["cuda:0", "cuda:1", "cuda:2"]
    refused = cli("pick", "--hold", "5m")
    assert refused.returncode == REFUSED
    assert [line.split(":")[1] for line in refused.stderr.splitlines()[1:]] == ["0", "1", "2"]
    assert len(leases(cli)) == 3


def test_formats_name_the_device_on_standard_output_and_the_lease_beside_it(
    cli: CommandLine, gpus: FakeGpus
) -> None:
    done = cli("pick", "--hold", "5m", "--device", "cuda:1", "--memory", "2G", "--format", "uuid")
    assert (done.returncode, done.stdout) == (0, gpus.uuids()[1] + "\n")
    lease = leases(cli)[0]
    assert re.fullmatch(rf"berth: lease {lease['lease_id'][:8]} holds cuda:1 until .*\(in .*\)\n", done.stderr)
    both = cli.ok("pick", "--hold", "5m", "--count", "2", "--memory", "2G", "--format", "index").strip()
    assert len(both.split(",")) == 2
    wish = ("--memory", "2G", "--gpu-type", "3090")
    one = json.loads(cli.ok("pick", "--hold", "5m", *wish, "--format", "json"))
    assert one["devices"][0]["reserved_gb"] == 2


def test_a_program_started_with_its_variables_adopts_it(cli: CommandLine) -> None:
    script = (
        f'eval "$({programs.BERTH} pick --hold 60s --device cuda:1 --memory 4G --format env)"; '
        f"exec {programs.FAKEGPU_CTL} hold 1 1G"
    )
    program = subprocess.Popen(["sh", "-c", script], env=cli.env, stdout=subprocess.PIPE)
    wait_until(lambda: [lease["pid"] for lease in leases(cli)] == [program.pid], "it is adopted")
    short = leases(cli)[0]["lease_id"][:8]
    assert re.search(rf"{short} +cuda:1 +4.00 GB .* {program.pid} ", cli.ok("leases"))
    shown = cli.ok("gpus")
    assert f"{short}  until process {program.pid} ends" in shown
    assert f"lease {short}" in shown
    program.kill()
    program.communicate()
    wait_until(lambda: leases(cli)[0]["pid"] is None, "its end is noticed")


def test_renewed_and_ended_by_the_beginning_of_the_id(cli: CommandLine) -> None:
    cli.ok("pick", "--hold", "2s")
    lease = leases(cli)[0]["lease_id"]
    assert cli.ok("leases", "renew", lease[:6], "1h").startswith(f"lease {lease[:8]} holds ")
    assert leases(cli)[0]["ttl_s"] == 3600
    assert cli("leases", "renew", "nothing").returncode == NOT_FOUND
    both = cli("leases", "end", "nothing", lease[:6])
    assert (both.returncode, both.stdout) == (NOT_FOUND, f"lease {lease} ended\n")
    assert leases(cli) == []
    assert cli.ok("leases") == ""


def test_for_a_process_that_runs_already(cli: CommandLine, gpus: FakeGpus) -> None:
    program = gpus.hold(2, "1G")
    done = cli("pick", "--hold", "1s", "--device", "cuda:2", "--memory", "2G", "--pid", str(program.pid))
    assert f"until process {program.pid} ends" in done.stderr
    assert leases(cli)[0]["pid"] == program.pid
    gpus.release(program)
    wait_until(lambda: leases(cli) == [], "the lease ends after its process")


def test_without_a_daemon_there_is_no_lease(folder: Path, gpus: FakeGpus) -> None:
    cli = CommandLine(None, folder, gpus.environment | {"BERTH_URL": "http://127.0.0.1:1"})
    done = cli("pick", "--hold", "60s")
    assert (done.returncode, done.stdout) == (NOT_REACHABLE, "")
    assert "a lease needs the daemon" in done.stderr
    assert cli("leases").returncode == NOT_REACHABLE


def test_a_machine_without_a_gpu_leases_nothing(make_daemon: MakeDaemon, folder: Path) -> None:
    cli = CommandLine(make_daemon(), folder)
    assert cli("pick", "--hold", "60s").returncode == REFUSED
    assert leases(cli) == []


def test_parts_of_memory(cli: CommandLine, gpus: FakeGpus) -> None:
    for option, value, least, most in [("fraction", "0.5", 11, 12), ("strategy", "conservative", 18, 19.5)]:
        task = cli.ok("run", "--detach", "--device", "cuda:0", f"--memory-{option}", value, "--", "true").strip()
        cli.ok("wait", task)
        placement = cli.json("show", task)["placement"]
        assert placement["rule"] == "fraction"
        assert least < placement["devices"][0]["reserved_gb"] <= most
        assert "(reserved by the rule: fraction)" in cli.ok("show", task)


def test_a_task_that_is_to_be_tried_again_shows_what_went_wrong(cli: CommandLine) -> None:
    retry = ("--retry", "1", "--retry-backoff", "30m")
    task = cli.ok("run", "--detach", *retry, "--device", "cpu", "--", "sh", "-c", "exit 7").strip()
    wait_until(lambda: cli.json("show", task)["not_before"] is not None, "it pauses")
    assert re.search(r"^last error +.*7", cli.ok("show", task), re.MULTILINE)


def test_tasks_of_a_user(cli: CommandLine) -> None:
    task = cli.ok("run", "--detach", "--hold", "--", "true").strip()
    user = cli.json("show", task)["user"]
    assert re.search(rf"^user +{user}$", cli.ok("show", task), re.MULTILINE)
    assert task[:8] in cli.ok("ps", "--user", user)
    assert cli.json("ps", "--user", user)["total"] == 1
    assert cli.json("ps", "--user", "nobody-else") == {"tasks": [], "total": 0}
