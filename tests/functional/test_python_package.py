# SPDX-License-Identifier: Apache-2.0
"""The Python package `berth` (sdk/python) against the daemon."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import programs
from harness.commands import PYTHON, Gate, sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.pictures import DataSet
from harness.waiting import wait_until

SDK = programs.ROOT / "sdk/python"
sys.path.insert(0, str(SDK))

import berth  # noqa: E402

ENDED = ("completed", "failed", "cancelled")
Machine = tuple[Daemon, FakeGpus, berth.Client]


def connect(daemon: Daemon, **options: Any) -> berth.Client:
    return berth.Client(f"http://{daemon.address}", daemon.token, **options)


def environment(daemon: Daemon, **more: str) -> dict[str, str]:
    """Of a program that uses the package and knows the daemon."""
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return known | {
        "BERTH_URL": f"http://{daemon.address}",
        "BERTH_TOKEN": daemon.token,
        "PYTHONPATH": str(SDK),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def program(name: str) -> str:
    return str(SDK / "tests/programs" / name)


def start(daemon: Daemon, *arguments: str, **more: str) -> subprocess.Popen[str]:
    pipe, env = subprocess.PIPE, environment(daemon, **more)
    return subprocess.Popen([PYTHON, *arguments], env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def run(daemon: Daemon, *arguments: str, **more: str) -> tuple[int, str, str]:
    """Exit status and both outputs."""
    process = start(daemon, *arguments, **more)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


@pytest.fixture
def sdk(daemon: Daemon) -> berth.Client:
    return connect(daemon)


@pytest.fixture
def gpus_and_sdk(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> Machine:
    gpus = fake_gpus(8)
    daemon = make_daemon(gpus=gpus, unix_socket=True)
    return daemon, gpus, connect(daemon)


# ---- tasks ----


def test_a_command_from_submission_to_its_end(sdk: berth.Client, folder: Path) -> None:
    task = sdk.run(
        [*sh("pwd; echo $MINE; echo oops >&2; exit 3")], cwd=folder, env={"MINE": "1"}, device="cpu"
    )
    assert task.status in ("pending", "queued", "running")
    assert task.wait(timeout=60)["exit_code"] == 3
    assert (task.status, task.output(), task.output("stderr")) == (
        "failed",
        f"{folder}\n1\n".encode(),
        b"oops\n",
    )
    assert b"".join(task.follow_output()) == task.output()
    with pytest.raises(berth.TaskFailed) as failed:
        task.wait(check=True)
    assert failed.value.task["error"]["code"] == "exit"
    assert {record["stream"] for record in task.logs() if "stream" in record} == {"stdout", "stderr"}
    task.delete()
    with pytest.raises(berth.NotFound):
        task.refresh()


def test_waiting_explaining_holding_and_cancelling(sdk: berth.Client) -> None:
    task = sdk.run(["sleep", "1000"], device="cpu", hold=True)
    assert task.explain()["counts"] == {"on_hold": 1}
    with pytest.raises(TimeoutError, match=r"is queued after 0\.2 s"):
        task.wait(timeout=0.2)
    task.release()
    states = []
    for record in sdk.tasks.watch(task.id):
        states.append(record["status"])
        if states[-1] == "running" and not record["cancelling"]:
            task.cancel()
    assert (states[0] in ("queued", "running"), states[-1]) == (True, "cancelled")
    assert task.wait()["cause"] == "cancelled"
    with pytest.raises(berth.Conflict):
        task.cancel()
    assert sdk.task(task.id).done
    assert sdk.tasks.list(status="cancelled", kind="command")["total"] == 1


def test_an_array(sdk: berth.Client) -> None:
    array = sdk.run_array(
        [*sh("echo $BERTH_ARRAY_INDEX; test $BERTH_ARRAY_INDEX != 2")], "0-3%2", device="cpu"
    )
    assert len(array.tasks()) == 4
    ended = array.wait(timeout=60)
    assert (ended["counts"], ended["exit_code"], array.status) == ({"completed": 3, "failed": 1}, 1, "failed")
    assert [task.output() for task in array.tasks()] == [b"0\n", b"1\n", b"2\n", b"3\n"]
    sdk.arrays.delete(array.id)
    held = sdk.arrays.create(command=["true"], array=3, device="cpu", hold=True)["task_id"]
    with pytest.raises(TimeoutError):
        sdk.arrays.wait(held, timeout=0.1)
    assert sdk.arrays.release(held)["tasks"] == 3
    assert sdk.arrays.wait(held)["status"] == "completed"


def test_a_log_is_followed_over_restarts_of_the_daemon(daemon: Daemon, folder: Path) -> None:
    gate, port = Gate(folder / "gate"), daemon.port
    client = connect(daemon)
    task = client.run([*sh(f"seq 1 300; {gate.wait('seq 301 600')[2]}")], device="cpu")
    seen: list[str] = []
    stream = task.logs()
    output: list[bytes] = []

    def follow() -> None:
        seen.extend(record["message"] for record in stream if record.get("stream") == "stdout")

    def copy() -> None:
        output.extend(task.follow_output())

    readers = [threading.Thread(target=follow), threading.Thread(target=copy)]
    for reader in readers:
        reader.start()
    wait_until(lambda: "waiting" in seen and b"waiting" in b"".join(output), "the first half is read")
    daemon.kill9()
    gate.open()
    daemon.start(port)
    for reader in readers:
        reader.join(60)
    assert seen == [*map(str, range(1, 301)), "waiting", *map(str, range(301, 601))]
    assert stream.end == {"status": "completed", "message": stream.end["message"]}
    assert b"".join(output).decode().splitlines() == seen
    assert task.wait(timeout=10)["status"] == "completed", "the same client goes on"


def test_waiting_outlasts_a_restart(daemon: Daemon, folder: Path) -> None:
    gate, port = Gate(folder / "gate"), daemon.port
    task = connect(daemon).run(gate.wait(), device="cpu")
    ended: list[Any] = []
    waiter = threading.Thread(target=lambda: ended.append(task.wait()))
    waiter.start()
    wait_until(lambda: daemon.client.get("/api/v1/health")["active_log_streams"] == 1, "it waits")
    daemon.stop()
    daemon.start(port)
    gate.open()
    waiter.join(60)
    assert ended[0]["status"] == "completed"


def test_over_the_unix_socket_no_token_is_needed(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(unix_socket=True)
    with berth.Client(f"unix:{daemon.socket}", token="") as client:
        assert client.run(["true"], device="cpu").wait(timeout=60)["status"] == "completed"


# ---- errors ----


def test_every_kind_of_error(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(config={"queue_size": 1})
    client = connect(daemon)
    anonymous = berth.Client(f"http://{daemon.address}", token="")
    refusals: list[tuple[type[berth.BerthError], Callable[[], object]]] = [
        (berth.Unauthorized, lambda: anonymous.tasks.create(command=["true"])),
        (berth.BadRequest, lambda: client.tasks.create(command=["true"], pool="nowhere")),
        (berth.NotFound, lambda: client.tasks.get("none")),
        (berth.NotFound, lambda: client.tasks.wait("none")),
        (berth.NotFound, lambda: list(client.tasks.follow("none"))),
        (berth.NotFound, lambda: client.leases.get("none")),
        (berth.ValidationError, lambda: client.tasks.create(command=[])),
        (berth.BerthError, lambda: client.request("PUT", "/api/v2/tasks")),
        (berth.Unreachable, lambda: berth.Client("http://127.0.0.1:1", retries=0).service.info()),
        (berth.Unreachable, lambda: berth.Client("unix:/nowhere.sock").tasks.create(command=["true"])),
    ]
    for kind, ask in refusals:
        with pytest.raises(kind) as refused:
            ask()
        assert str(refused.value)
    with pytest.raises(berth.ValidationError) as wrong:
        client.tasks.create(command=["true"], retry={"max": -1}, priority=11)
    assert set(wrong.value.fields) == {"priority", "retry.max"}
    client.tasks.create(command=["true"], device="cpu", hold=True, task_id="one")
    for kind in (berth.Conflict, berth.QueueFull):
        task_id = "one" if kind is berth.Conflict else "two"
        with pytest.raises(kind):
            client.tasks.create(command=["true"], device="cpu", hold=True, task_id=task_id)
    client.tasks.cancel("one")


# ---- within a task ----


def test_what_a_task_reports_is_what_the_daemon_tells(daemon: Daemon, folder: Path) -> None:
    client = connect(daemon)
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    task = client.run(
        [PYTHON, program("inside_a_task.py"), "t", str(fifo)],
        task_id="t",
        device="cpu",
        env={"PYTHONPATH": str(SDK)},
    )
    wait_until(lambda: task.progress == 40, "its progress is told", unless=lambda: failure(task))
    wait_until(lambda: task.metrics is not None, "its metrics are told")
    assert task.metrics == {"loss": 0.5, "bad": None}
    assert task.result is None
    fifo.write_text("")
    assert task.wait(timeout=60)["status"] == "completed", task.output("stderr")
    assert (task.progress, task.result) == (100, {"accuracy": 0.93})
    records = [record for record in task.logs() if "stream" not in record]
    told = next(record for record in records if "metrics" in record)
    assert (told["stage"], told["metrics"]["loss"]) == ("validation", 0.5)
    assert [r["level"] for r in records if r["message"] == "half way"] == ["WARNING"]
    assert any("/out/last.pt" in record["message"] for record in records)


def failure(task: berth.Task) -> str | None:
    return task.output("stderr").decode() if task.refresh()["status"] in ENDED else None


# ---- leases and devices ----


def test_a_lease_is_renewed_and_given_back(gpus_and_sdk: Machine) -> None:
    _, gpus, client = gpus_and_sdk
    with client.lease(gpus=1, memory_gb=4, device="cuda:3", ttl_s=0.6) as lease:
        assert lease.env["CUDA_VISIBLE_DEVICES"] == gpus.uuids()[3]
        assert (lease.devices, lease.uuids) == (["cuda:3"], [gpus.uuids()[3]])
        ends = set()

        def renewals() -> int:
            ends.add(client.leases.get(lease.id)["expires_at"])
            return len(ends) - 1

        wait_until(lambda: renewals() > 6, "it is renewed for more than twice its time")
    assert client.leases.list() == []
    lease.release()
    assert not lease.lost


def test_a_lease_in_the_environment_of_this_process_and_of_a_child(gpus_and_sdk: Machine) -> None:
    _, gpus, client = gpus_and_sdk
    before = dict(os.environ)
    with client.lease(memory_gb=2, device="cuda:5", export=True) as lease:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == gpus.uuids()[5]
        assert berth.select_device() == "cuda:0", "what it was given"
        child = gpus.hold(5, "1G")
        wait_until(lambda: client.leases.get(lease.id)["pid"] == child.pid, "the child adopts it")
        gpus.release(child)
    assert dict(os.environ) == before
    with pytest.warns(RuntimeWarning, match="was over before"):
        with client.lease(memory_gb=1, ttl_s=600) as lost:
            client.leases.end(lost.id)
    with client.lease(gpus=8), pytest.raises(berth.NothingFree, match="cuda:7"):
        client.lease(gpus=1)


def test_eight_programs_at_once_choose_eight_gpus(gpus_and_sdk: Machine) -> None:
    daemon, gpus, client = gpus_and_sdk
    started = [start(daemon, program("choose_a_device.py")) for _ in range(8)]
    said = [process.stdout.readline().split() for process in started if process.stdout]
    assert sorted(words[1] for words in said) == [f"cuda:{i}" for i in range(8)]
    assert sorted(words[2] for words in said) == sorted(gpus.uuids())
    assert {words[0] for words in said} == {"cuda:0"}, "the only one that it sees"
    assert {lease["pid"] for lease in client.leases.list()} == {process.pid for process in started}
    assert "NothingFree" in run(daemon, program("choose_a_device.py"))[2]
    for process in started:
        process.communicate()
    wait_until(lambda: client.leases.list() == [], "the leases end with their programs")


def test_eight_programs_share_gpus_that_others_use_too(gpus_and_sdk: Machine) -> None:
    daemon, gpus, client = gpus_and_sdk
    for index in range(8):
        gpus.hold(index, "6G")
    wait_until(
        lambda: all(g["free_memory_gb"] < 18 for g in client.resources.gpu()["devices"]), "they are in use"
    )
    started = [start(daemon, program("choose_a_device.py"), "60") for _ in range(8)]
    said = [process.communicate()[0].split() for process in started]
    assert sorted(words[1] for words in said) == [f"cuda:{i}" for i in range(8)]
    assert all(13 < lease["devices"][0]["reserved_gb"] < 15 for lease in client.leases.list())


def test_devices_by_name_in_part_and_only_looked_for(gpus_and_sdk: Machine) -> None:
    daemon, gpus, client = gpus_and_sdk
    known = environment(daemon)
    looked = berth.select_device(hold=0, environ=known)
    assert (looked.machine_devices, looked.lease, client.leases.list()) == (("cuda:0",), None, [])
    named = berth.select_device(environ=known | {"SENSEVOICE_DEVICE": "cuda:6"}, hold=60)
    assert (named, named.uuids) == ("cuda:6", (gpus.uuids()[6],))
    with pytest.warns(RuntimeWarning, match="nothing is reserved"):
        assert berth.select_device(device="cuda:6", environ=dict(known), hold=60).lease is None
    seen = known | {"CUDA_VISIBLE_DEVICES": "6,2"}
    part = berth.select_device(environ=seen, hold=60)
    assert (part, part.machine_devices) == ("cuda:1", ("cuda:2",))
    two = berth.select_device(2, count=2, policy="pack", environ=known, hold=60)
    assert (len(two.devices), len(set(two.uuids))) == (2, 2)
    for device, error in (("cuda:8", ValueError), ("auto", berth.BadRequest)):
        with pytest.raises(error):
            berth.select_device(100, device=device, environ=known)
    over_unix = berth.select_device(1, environ=known, client=berth.Client(f"unix:{daemon.socket}"))
    assert over_unix.lease is not None
    assert over_unix.lease.record["pid"] == os.getpid()
    over_unix.release()


def test_a_machine_without_gpus_and_the_program_on_path(
    daemon: Daemon, fake_gpus: MakeGpus, berth: Path, folder: Path
) -> None:
    from berth import select_device

    assert select_device(environ=environment(daemon)) == "cpu"
    gpus = fake_gpus(2)
    busy = gpus.hold(0, "8G")
    alone = {
        "PATH": str(berth.parent), "HOME": str(folder), "BERTH_URL": "http://127.0.0.1:1",
        "BERTH_NVML_LIBRARY": str(programs.FAKE_NVML), **gpus.environment,
    }  # fmt: skip
    chosen = select_device(environ=alone)
    assert (chosen, chosen.source, chosen.uuids) == ("cuda:1", "command line", (gpus.uuids()[1],))
    gpus.release(busy)


# ---- programs as users write them ----


def test_service_and_resources(gpus_and_sdk: Machine) -> None:
    daemon, _, client = gpus_and_sdk
    wait_until(lambda: client.resources.history("cuda:1", "5m")["devices"][0]["points"], "its history")
    assert run(daemon, program("resources.py")) == (0, "", "")


@pytest.mark.usefixtures("worker")
def test_training_inference_preprocessing_and_signals(daemon: Daemon, folder: Path) -> None:
    DataSet(folder / "data", train=4, val=2, side=32)
    assert run(daemon, program("model_service.py"), str(folder)) == (0, "", "")


@pytest.mark.usefixtures("worker")
def test_the_client_of_the_documents(two_gpus: Daemon, folder: Path) -> None:
    url = f"http://{two_gpus.address}"
    assert run(two_gpus, program("document_000.py"), url, str(folder)) == (0, "", "")


# ---- the package ----

README = (SDK / "README.md").read_text() if SDK.is_dir() else ""
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[text.split("\n")[0][:40] for text in SNIPPETS])
def test_what_the_readme_shows_runs(snippet: str, two_gpus: Daemon) -> None:
    code = snippet.replace("http://localhost:8000", f"http://{two_gpus.address}")
    if "berth.task()" in code:
        task = connect(two_gpus).run([PYTHON, "-c", code], memory_gb=1, env={"PYTHONPATH": str(SDK)})
        assert task.wait(timeout=60)["status"] == "completed", task.output("stderr")
        assert (task.progress, task.result, task.metrics) == (100, {"accuracy": 0.93}, {"loss": 0.25})
        return
    code = "import berth\nclient = berth.Client()\n" + code
    status, out, err = run(two_gpus, "-W", "error", "-c", code)
    assert (status, err, bool(out)) == (0, "", True)


def test_the_module_tells_how_the_daemon_is(two_gpus: Daemon) -> None:
    status, out, _ = run(two_gpus, "-m", "berth")
    assert (status, out.splitlines()[0]) == (0, f"berth {berth.__version__}")
    assert "cuda:1: " in out
    status, _, err = run(two_gpus, "-m", "berth", BERTH_URL="http://127.0.0.1:1")
    assert (status, err.startswith("berth: cannot reach")) == (3, True)
