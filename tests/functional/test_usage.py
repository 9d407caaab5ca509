# SPDX-License-Identifier: Apache-2.0
"""What tasks use of their devices: in their records, summed up, for Prometheus."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import programs
from harness.commands import Gate, sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until


@pytest.fixture
def gpus(fake_gpus: MakeGpus) -> FakeGpus:
    return fake_gpus(2)


@pytest.fixture
def daemon(make_daemon: MakeDaemon, gpus: FakeGpus) -> Daemon:
    return make_daemon(gpus=gpus)


def start(daemon: Daemon, gpus: FakeGpus, task_id: str, *arguments: str, **fields: object) -> None:
    daemon.client.submit(
        *gpus.task("--memory", "2G", *arguments),
        **{"task_id": task_id, "device": "cuda:0", "env": gpus.environment, **fields},
    )


def usage(daemon: Daemon, task: str) -> dict[str, float]:
    return daemon.client.task(task)["usage"] or {}


def test_a_task_knows_what_it_has_used_also_after_a_restart_and_at_its_end(
    daemon: Daemon, gpus: FakeGpus
) -> None:
    gpus.ctl("set", "0", "power_mw=100000", "utilization=60", "energy_mj=na")
    start(daemon, gpus, "t")
    wait_until(lambda: usage(daemon, "t").get("seconds", 0) >= 3, "it is watched")
    seen = usage(daemon, "t")
    assert seen["peak_memory_gb"] == pytest.approx(2, abs=0.01)
    assert seen["energy_j"] == pytest.approx(100 * seen["seconds"], rel=0.2)
    daemon.restart()
    wait_until(lambda: usage(daemon, "t").get("seconds", 0) > seen["seconds"], "it is watched on")
    daemon.client.post("/api/v2/tasks/t/cancel", {})
    ended = daemon.client.wait_end("t")
    assert ended["usage"]["energy_j"] >= seen["energy_j"]
    assert ended["usage"]["peak_memory_gb"] == pytest.approx(2, abs=0.01)


def test_usage_is_listed_and_summed_up_for_each_user(daemon: Daemon, gpus: FakeGpus) -> None:
    start(daemon, gpus, "a", "--seconds", "2", name='with, "quotes"')
    daemon.client.submit(*sh("true"), task_id="c", device="cpu")
    daemon.client.wait_end("a")
    daemon.client.wait_end("c")
    answer = daemon.client.get("/api/v2/resources/usage?from=1h")
    tasks = {task["task_id"]: task for task in answer["tasks"]}
    assert tasks["a"]["run_s"] == pytest.approx(2, abs=1.5)
    assert tasks["a"]["peak_memory_gb"] == pytest.approx(2, abs=0.01)
    assert tasks["c"]["peak_memory_gb"] is None, "the processor has none of that"
    assert sum(user["tasks"] for user in answer["users"].values()) == 2
    table = daemon.client.request("GET", "/api/v2/resources/usage?format=csv")
    assert table.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.body.decode())))
    assert [row["task_id"] for row in rows] == ["a", "c"]
    assert rows[0]["name"] == 'with, "quotes"'
    assert daemon.client.get("/api/v2/resources/usage?user=nobody-has-this")["tasks"] == []
    assert daemon.client.get("/api/v2/resources/usage?to=2020-01-01T00:00:00Z&from=2019-01-01T00:00:00Z")["tasks"] == []
    for bad in ("from=yesterday", "format=xml", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"):
        assert daemon.client.request("GET", f"/api/v2/resources/usage?{bad}").status == 400, bad


def metrics(daemon: Daemon, query: str = "") -> str:
    answer = daemon.client.request("GET", f"/metrics{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.body.decode()


def value(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found, f"no {series}"
    return float(found.group(1))


def test_metrics_have_dcgm_names_and_our_own(daemon: Daemon, gpus: FakeGpus, tmp_path: Path) -> None:
    gpus.ctl("set", "0", "temperature=61", "power_mw=123400")
    gate = Gate(tmp_path / "gate")
    daemon.client.submit(*gate.wait(), task_id="r", device="cuda:0", kind="training", memory_gb=4)
    daemon.client.wait_state("r", "running")
    uuid = gpus.uuids()[0]
    wait_until(lambda: 'DCGM_FI_DEV_GPU_TEMP{gpu="0"' in metrics(daemon), "the devices were read")
    wait_until(lambda: re.search(rf'GPU_TEMP{{gpu="0",UUID="{uuid}",[^}}]*}} 61$', metrics(daemon), re.M), "as hot")
    text = metrics(daemon)
    assert value(text, 'berth_tasks{kind="training",state="running"}') == 1
    assert value(text, f'berth_device_reserved_bytes{{device="cuda:0",uuid="{uuid}"}}') == 4 * 2**30
    assert value(text, f'berth_device_tasks{{device="cuda:0",uuid="{uuid}",kind="training"}}') == 1
    assert "modelName" not in text
    assert 'modelName="NVIDIA GeForce RTX 3090"' in metrics(daemon, "?labels=dcgm")
    gate.open()
    daemon.client.wait_end("r")
    # An end is counted when it is durable; it shows a moment before.
    wait_until(lambda: "berth_tasks_ended_total{" in metrics(daemon), "its end is counted")
    text = metrics(daemon)
    assert value(text, 'berth_tasks_ended_total{kind="training",state="completed"}') == 1
    assert value(text, 'berth_task_run_seconds_count{kind="training"}') == 1
    assert daemon.client.request("GET", "/metrics?labels=x").status == 400


def promtool() -> str | None:
    unpacked = programs.ROOT / "build/promtool/usr/bin/promtool"
    return str(unpacked) if unpacked.exists() else shutil.which("promtool")


def test_promtool_has_nothing_to_object_to(daemon: Daemon) -> None:
    tool = promtool()
    if tool is None:
        pytest.skip("promtool is not there: tools/unpack_promtool.sh brings it")
    daemon.client.submit(*sh("true"), task_id="t", device="cuda:0", memory_gb=1)
    daemon.client.wait_end("t")
    checked = subprocess.run(
        [tool, "check", "metrics"], input=metrics(daemon), capture_output=True, text=True, check=False, timeout=60
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_dashboard_asks_only_for_what_there_is(daemon: Daemon, gpus: FakeGpus) -> None:
    import json

    start(daemon, gpus, "t", "--seconds", "1", kind="training")
    daemon.client.wait_end("t")
    wait_until(lambda: "berth_tasks_ended_total{" in metrics(daemon), "its end is counted")
    known = set(re.findall(r"^# TYPE (\S+)", metrics(daemon), re.MULTILINE))
    board = json.loads((programs.ROOT / "packaging/grafana/berth.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(queries) >= 10
    for query in queries:
        names = set(re.findall(r"\b((?:DCGM_FI|berth|process)_\w+)", query))
        assert names, query
        for name in names:
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in known or family in known, f"{query}: there is no {name}"
