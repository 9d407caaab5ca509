# SPDX-License-Identifier: Apache-2.0
"""The command line against a real daemon: exit statuses, --json, output kept apart."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from harness.command_line import CommandLine
from harness.commands import Gate, lines, stubborn_tree
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.processes import alive
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("berth")

DONE, FAILED, USAGE, UNREACHABLE, NOT_FOUND, REFUSED = 0, 1, 2, 3, 4, 5
OWN_FAILURE = 125  # of run and wait


@pytest.fixture
def cli(daemon: Daemon, folder: Path) -> CommandLine:
    return CommandLine(daemon, folder)


@pytest.fixture
def cli_with_gpus(make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path) -> tuple[CommandLine, Daemon]:
    gpus = fake_gpus(3)
    daemon = make_daemon(gpus=gpus)
    return CommandLine(daemon, folder, gpus.environment), daemon


@pytest.mark.parametrize("code", [0, 1, 7, 42])
def test_run_ends_as_the_command_does(cli: CommandLine, code: int) -> None:
    done = cli("run", "--", "/bin/sh", "-c", f"echo out; echo err >&2; exit {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "out\n", "err\n")


@pytest.mark.parametrize("number", [9, 11, 15])
def test_run_of_a_killed_command_is_128_plus_the_signal(cli: CommandLine, number: int) -> None:
    assert cli("run", "--", "/bin/sh", "-c", f"ulimit -c 0; kill -{number} $$").returncode == 128 + number


@pytest.mark.parametrize(("command", "code"), [("/nonexistent/program", 127), ("/etc/passwd", 126)])
def test_run_and_wait_of_what_cannot_start_end_as_a_shell_does(
    cli: CommandLine, command: str, code: int
) -> None:
    done = cli("run", "--id", "t", "--", command)
    assert done.returncode == code
    assert command in done.stderr
    assert cli("wait", "t").returncode == code


def test_run_and_wait_tell_failures_of_their_own_from_the_commands(
    cli: CommandLine, daemon: Daemon, folder: Path
) -> None:
    assert [cli("run", "--", "/bin/sh", "-c", f"exit {n}").returncode for n in (2, 3, 4, 5)] == [2, 3, 4, 5]
    absent = CommandLine(None, folder, {"BERTH_URL": "http://127.0.0.1:1"})
    refused = CommandLine(daemon, folder, {})
    refused.env["BERTH_TOKEN"] = "wrong"
    for done in (
        absent("run", "--", "true"),
        absent("run", "--detach", "--", "true"),
        absent("wait", "x"),
        refused("run", "--", "true"),
        cli("run", "--id", "a/b", "--", "true"),
        cli("wait", "none"),
    ):
        assert done.returncode == OWN_FAILURE, done
        assert done.stderr.startswith("berth: "), "says why"
        assert done.stdout == ""


def test_run_keeps_arguments_environment_and_directory(cli: CommandLine, folder: Path) -> None:
    cli.env["MINE"] = "x y"
    script = 'echo "$MINE $OTHER" "$1" "$(pwd)"'
    done = cli("run", "--env", "OTHER=o", "--cwd", str(folder), "--", "/bin/sh", "-c", script, "sh", "-a 'b'")
    assert done.stdout == f"x y o -a 'b' {folder}\n"
    assert "BERTH_TOKEN" not in cli.ok("run", "--", "/usr/bin/env")


def test_run_detached_prints_the_id_and_wait_ends_as_the_command(cli: CommandLine, folder: Path) -> None:
    gate = Gate(folder / "gate")
    task = cli.ok("run", "--detach", "--name", "slow one", "--", *gate.wait("exit 9")).strip()
    assert cli.json("show", task)["name"] == "slow one"
    waiting = cli.start("wait", task)
    assert waiting.poll() is None
    gate.open()
    waiting.communicate(timeout=60)
    assert waiting.returncode == 9
    assert cli("wait", task).returncode == 9
    good = cli.ok("run", "--detach", "--", "true").strip()
    assert cli("wait", good, task).returncode == 9
    assert cli("wait", good).returncode == 0


def test_interrupting_run_cancels_the_task(cli: CommandLine, daemon: Daemon, folder: Path) -> None:
    pids = folder / "pids"
    process = cli.start("run", "--id", "t", "--", *stubborn_tree(pids))
    wait_until(lambda: len(lines(pids)) == 5, "the whole tree runs")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (125, 128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGKILL)
    assert daemon.client.wait_end("t")["status"] == "cancelled"
    assert [pid for pid in lines(pids) if alive(int(pid))] == []


def test_run_goes_on_through_a_restart_of_the_daemon(cli: CommandLine, daemon: Daemon, folder: Path) -> None:
    gate = Gate(folder / "gate")
    process = cli.start("run", "--id", "t", "--", *gate.wait("seq 1 50; exit 6"))
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "waiting"  # submitted, answered, followed
    daemon.kill9()
    daemon.start(port=daemon.port)
    gate.open()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 6
    assert out.split() == [*map(str, range(1, 51))], "nothing is lost and nothing is printed twice"


def test_logs_are_the_commands_output(cli: CommandLine) -> None:
    task = cli.ok("run", "--detach", "--", "/bin/sh", "-c", "seq 1 1000; echo bad >&2").strip()
    cli("wait", task)
    done = cli("logs", task)
    assert done.stdout.split() == [str(i) for i in range(1, 1001)]
    assert done.stderr == "bad\n"
    assert cli.ok("logs", "-f", task) == done.stdout
    records = [json.loads(line) for line in cli.ok("logs", "--json", task).splitlines()]
    assert sum(record.get("stream") == "stdout" for record in records) == 1000


def test_ps_and_show(cli: CommandLine, folder: Path) -> None:
    gate = Gate(folder / "gate")
    running = cli.ok("run", "--detach", "--name", "busy", "--", *gate.wait()).strip()
    ended = cli.ok("run", "--detach", "--", "true").strip()
    cli("wait", ended)
    assert [task["task_id"] for task in cli.json("ps")["tasks"]] == [running]
    assert [task["task_id"] for task in cli.json("ps", "--all")["tasks"]] == [ended, running]
    assert running[:8] in cli.ok("ps")
    assert ended[:8] not in cli.ok("ps")
    assert ended[:8] in cli.ok("ps", "--all")
    assert [task["task_id"] for task in cli.json("ps", "BUSY")["tasks"]] == [running], "by its name"
    assert cli.json("ps", "--all", "true")["total"] == 1, "by its command"
    none = cli("ps", "no such & task")
    assert (none.returncode, none.stdout) == (DONE, "")
    assert 'nothing with "no such & task" is running or waiting' in none.stderr
    assert cli.json("show", running[:12])["task_id"] == running, "an id may be shortened"
    assert "busy" in cli.ok("show", running)
    gate.open()


def test_cancel_and_rm(cli: CommandLine) -> None:
    task = cli.ok("run", "--detach", "--", "/bin/sleep", "1000").strip()
    assert cli("rm", task).returncode == REFUSED
    assert cli("cancel", task).returncode == DONE
    assert cli("wait", task).returncode != 0
    assert cli.json("show", task)["status"] == "cancelled"
    assert cli("cancel", task).returncode == REFUSED
    assert cli("rm", task).returncode == DONE
    assert cli("show", task).returncode == NOT_FOUND


@pytest.mark.parametrize("verb", ["show", "logs", "why", "cancel", "rm"])
def test_an_unknown_task_is_4(cli: CommandLine, verb: str) -> None:
    done = cli(verb, "none")
    assert done.returncode == NOT_FOUND
    assert "none" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("dance",),
        ("run",),
        ("run", "--device", "banana", "--", "true"),
        ("run", "--kind", "x", "--", "true"),
        ("run", "--priority", "11", "--", "true"),
        ("run", "--memory", "lots", "--", "true"),
        ("run", "--timeout", "soon", "--", "true"),
        ("show",),
        ("ps", "--nothing"),
        ("pick", "--format", "x"),
        ("train",),
    ],
)
def test_wrong_usage_is_2(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert done.returncode == USAGE
    assert done.stderr
    assert cli.json("ps", "--all")["tasks"] == []


@pytest.mark.parametrize("arguments", [("ps",), ("show", "x"), ("limits",), ("logs", "-f", "x")])
def test_no_daemon_is_3(folder: Path, arguments: tuple[str, ...]) -> None:
    cli = CommandLine(None, folder, {"BERTH_URL": "http://127.0.0.1:1"})
    done = cli(*arguments)
    assert done.returncode == UNREACHABLE
    assert done.stderr


def test_a_refused_run_says_why_and_leaves_no_task(cli_with_gpus: tuple[CommandLine, Daemon]) -> None:
    cli, daemon = cli_with_gpus
    done = cli("run", "--device", "cuda:9", "--", "true")
    assert done.returncode == OWN_FAILURE
    assert "cuda:2" in done.stderr
    cli.ok("run", "--id", "twin", "--device", "cpu", "--", "true")
    assert cli("run", "--id", "twin", "--", "true").returncode == OWN_FAILURE
    cli.env["BERTH_TOKEN"] = "wrong"
    assert cli("run", "--", "true").returncode == OWN_FAILURE
    assert daemon.client.get("/api/v2/tasks")["total"] == 1


def test_why_tells_of_the_foreign_process_that_is_in_the_way(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path
) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(gpus=gpus)
    cli = CommandLine(daemon, folder, gpus.environment)
    holder = gpus.hold(0, "21.6G")
    wait_until(lambda: cli.json("gpus")["devices"][0]["allocated_memory_gb"] > 21, "the process is seen")
    arguments = (
        "--memory",
        "8G",
        "--device",
        "cuda:0",
        "--",
        *gpus.task("--memory", "8G", "--seconds", "0.1"),
    )
    task = cli.ok("run", "--detach", *arguments).strip()
    why = cli.json("why", task)
    verdicts = {entry["device"]: entry for entry in why["devices"]}
    assert (verdicts["cuda:0"]["code"], verdicts["cuda:0"]["verdict"]) == ("memory", "wait")
    assert sum(why["counts"].values()) == len(why["devices"]) == 3
    text = cli.ok("why", task)
    assert "cuda:0" in text
    assert verdicts["cuda:0"]["available"] in text
    gpus.release(holder)
    assert cli("wait", task).returncode == 0


def test_limits(cli_with_gpus: tuple[CommandLine, Daemon]) -> None:
    cli, daemon = cli_with_gpus
    assert cli.json("limits")["limits"]["cuda:1"] == {"training": 1, "inference": 3}
    cli.ok("limits", "set", "cuda:1", "training=5")
    assert cli.json("limits")["limits"]["cuda:1"] == {"training": 5, "inference": 3}
    assert daemon.resources()["limits"]["cuda:1"]["training"] == 5
    assert cli("limits", "set", "cuda:9", "training=5").returncode == REFUSED
    assert cli("limits", "set", "cuda:1", "training=-1").returncode in (USAGE, REFUSED)
    assert cli("limits", "set", "cuda:1", "dancing=1").returncode in (USAGE, REFUSED)
    assert cli.json("limits")["limits"]["cuda:1"] == {"training": 5, "inference": 3}


@pytest.mark.parametrize("with_daemon", [True, False])
def test_gpus_and_pick_with_and_without_the_daemon(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path, with_daemon: bool
) -> None:
    from harness import programs

    gpus = fake_gpus(3)
    gpus.hold(0, "20G")
    gpus.hold(2, "2G")
    env = {
        **gpus.environment,
        "BERTH_NVML_LIBRARY": str(programs.FAKE_NVML),
        "BERTH_URL": "http://127.0.0.1:1",
    }
    daemon = make_daemon(gpus=gpus) if with_daemon else None
    cli = CommandLine(daemon, folder, env)
    wait_until(lambda: cli.json("gpus")["devices"][2]["allocated_memory_gb"] > 1, "the processes are seen")
    listed = cli.json("gpus")["devices"]
    assert [device["device_name"] for device in listed] == ["cuda:0", "cuda:1", "cuda:2"]
    uuids = gpus.uuids()
    assert [device["uuid"] for device in listed] == uuids
    assert len(listed[0]["processes"]) == 1
    assert "RTX 3090" in cli.ok("gpus")
    assert cli.ok("pick").strip() == "cuda:1"
    assert cli.ok("pick", "--format", "index").strip() == "1"
    assert cli.ok("pick", "--format", "uuid").strip() == uuids[1]
    assert cli.ok("pick", "--count", "2").strip() == "cuda:1,cuda:2"
    env_line = cli.ok("pick", "--format", "env")
    assert f"CUDA_VISIBLE_DEVICES={uuids[1]}" in env_line
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in env_line
    picked = json.loads(cli.ok("pick", "--count", "2", "--format", "json"))
    assert [device["uuid"] for device in picked["devices"]] == [uuids[1], uuids[2]]
    assert cli("pick", "--memory", "23G", "--count", "2").returncode == REFUSED
    assert cli.ok("pick", "--memory", "22.5G").strip() == "cuda:1"


def test_without_gpus_gpus_says_so_and_check_is_1(folder: Path) -> None:
    env = {"BERTH_URL": "http://127.0.0.1:1", "BERTH_NVML_LIBRARY": "/nonexistent/libnvidia-ml.so.1"}
    cli = CommandLine(None, folder, env)
    assert cli.json("gpus")["available"] is False
    assert cli("check").returncode == 1
    assert cli("pick").returncode != 0


@pytest.mark.usefixtures("worker")
def test_train_and_infer(cli: CommandLine, folder: Path) -> None:
    from harness.pictures import DataSet

    data = DataSet(folder / "data", train=8, val=4, side=32)
    out = folder / "out"
    arguments = ["--train", str(data.train), "--val", str(data.val), "--save", str(out), "--epochs", "1"]
    done = cli("train", *arguments, "--image-size", "32", "--batch-size", "8", "--id", "tr", within=300)
    assert done.returncode == DONE, done.stderr
    assert cli.json("show", "tr")["status"] == "completed"
    done = cli(
        "infer",
        "--weights",
        str(out / "best_model.safetensors"),
        "--source",
        str(data.val),
        "--json",
        within=300,
    )
    assert done.returncode == DONE, done.stderr
    assert len(json.loads(done.stdout)["predictions"]) == 12
    for picture in data.train.glob("*/*.*"):
        picture.write_bytes(b"no picture")
    done = cli("train", *arguments, "--image-size", "32", "--id", "bad", within=300)
    assert done.returncode == FAILED
    assert str(data.train) in done.stderr


def test_help_version_and_doctor(cli: CommandLine) -> None:
    assert "berth run" in cli.ok("--help")
    assert cli.ok("version").strip()
    assert cli("doctor").returncode in (DONE, FAILED)
    assert cli.json("info")


def test_doctor_and_health_agree_about_supervision(cli: CommandLine, daemon: Daemon) -> None:
    told = {check["subject"]: check["text"] for check in cli.json("doctor")}
    assert told["supervision"] == daemon.client.get("/api/v1/health")["parts"]["supervision"]
