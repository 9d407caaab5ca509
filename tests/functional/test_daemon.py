# SPDX-License-Identifier: Apache-2.0
"""The program itself: arguments, configuration, what it is linked with, what it takes."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import programs
from harness.commands import Gate
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(not programs.BERTHD.exists(), reason=f"not built: {programs.BERTHD}")


def berthd(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs.BERTHD, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": "/"},
    )


def test_version_and_help() -> None:
    for argument in ("--version", "--help"):
        done = berthd(argument)
        assert (done.returncode, done.stderr) == (0, "")
        assert "berthd" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nonsense",),
        ("--listen",),
        ("--listen", "nonsense", "--state-dir", "{folder}/s"),
        ("--listen", "127.0.0.1:99999", "--state-dir", "{folder}/s"),
        ("--lang", "fr"),
        ("--config", "/nonexistent.yaml"),
        ("--state-dir", "/proc/nowhere"),
    ],
)
def test_wrong_arguments_are_refused_with_a_message(folder: Path, arguments: tuple[str, ...]) -> None:
    done = berthd(*(argument.format(folder=folder) for argument in arguments))
    assert done.returncode not in (0, -6, -11)
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("banana", "it has no port"),
        ("localhost.example.invalid:8000", "localhost.example.invalid"),
        ("0.0.0.0:0", "data_roots"),
    ],
)
def test_a_wrong_listener_is_refused_for_what_is_wrong_with_it(
    folder: Path, address: str, word: str
) -> None:
    done = berthd("--listen", address, "--state-dir", str(folder / "s"))
    assert done.returncode != 0
    assert word in done.stderr
    assert not (folder / "s").exists(), "nothing was touched"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("listen: 127.0.0.1:0\nnonsense: 1\n", "2"),
        ("limits:\n  cpu:\n    dancing: 1\n", "3"),
        ("limits:\n  cpu:\n    training: -1\n", "3"),
        ("cancel_grace: soon\n", "1"),
        ("listen: [\n", ""),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_line(folder: Path, text: str, line: str) -> None:
    file = folder / "berth.yaml"
    file.write_text(text)
    done = berthd("--config", str(file), "--state-dir", str(folder / "state"))
    assert done.returncode != 0
    assert str(file) in done.stderr
    assert f"line {line}" in done.stderr
    assert not (folder / "state").exists(), "nothing was touched"


def test_a_port_that_is_taken_is_said(daemon: Daemon, folder: Path) -> None:
    done = berthd("--listen", daemon.address, "--state-dir", str(folder / "other"))
    assert done.returncode != 0
    assert daemon.address in done.stderr


def test_it_links_neither_torch_nor_cuda_nor_ffmpeg() -> None:
    linked = subprocess.run(["ldd", programs.BERTHD], capture_output=True, text=True, check=True).stdout
    for name in ("torch", "c10", "cuda", "nvidia", "cudnn", "avcodec", "avformat"):
        assert name not in linked


def test_it_stays_small(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    daemon = make_daemon(gpus=fake_gpus(8))
    daemon.client.run("true")
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    resident = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    assert resident < 40 * 1024


def test_an_idle_daemon_is_idle(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    daemon = make_daemon(gpus=fake_gpus(8))
    daemon.client.run("true")

    def busy() -> float:
        fields = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    before, begin = busy(), time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 2, "two seconds pass")
    assert busy() - before < 0.3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_and_leaves_tasks_running(daemon: Daemon, folder: Path, number: int) -> None:
    gate = Gate(folder / "gate")
    daemon.client.submit(*gate.wait(), task_id="t")
    daemon.client.wait_state("t", "running")
    daemon.stop(number)
    wait_until(lambda: daemon.task_processes("t"), "it runs")
    daemon.start()
    gate.open()
    assert daemon.client.wait_end("t")["status"] == "completed"


def test_a_full_queue_is_429(make_daemon: MakeDaemon) -> None:
    client = make_daemon(config={"queue_size": 2}).client
    client.limits({"cpu": {"training": 0}})
    body = {"command": ["true"], "kind": "training", "device": "cpu"}
    statuses = [client.request("POST", "/api/v2/tasks", body).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    client.limits({"cpu": {"training": 1}})
    for task in client.tasks():
        assert client.wait_end(task["task_id"])["status"] == "completed"
    assert client.request("POST", "/api/v2/tasks", body).status == 200


def test_large_output_is_limited_and_said(make_daemon: MakeDaemon) -> None:
    client = make_daemon(config={"max_output": "1M", "max_log": "1M"}).client
    task = client.run("/bin/sh", "-c", "seq 1 1000000")
    assert task["status"] == "completed"
    answer = client.output(task["task_id"])
    assert len(answer) < 3 << 20
    assert answer.endswith(b"\n1000000\n"), "the end is what matters"


def test_the_state_directory_moves_with_its_files(daemon: Daemon, folder: Path) -> None:
    daemon.client.run("echo", "hi", task_id="t")
    daemon.stop()
    moved = folder / "moved"
    daemon.state_dir.rename(moved)
    daemon.state_dir = moved
    daemon.start()
    assert daemon.client.task("t")["status"] == "completed"
    assert daemon.client.output("t") == b"hi\n"
