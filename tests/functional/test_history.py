# SPDX-License-Identifier: Apache-2.0
"""Readings of the devices over time."""

from __future__ import annotations

import csv
import io

import pytest

from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.waiting import wait_until

PATH = "/api/v2/resources/history"


@pytest.fixture
def machine(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> tuple[Daemon, FakeGpus]:
    gpus = fake_gpus(2)
    return make_daemon(gpus=gpus), gpus


def memory(daemon: Daemon, query: str) -> list[float]:
    devices = daemon.client.get(f"{PATH}?{query}")["devices"]
    assert len(devices) == 1
    return [point["used_memory_gb"] for point in devices[0]["points"]]


def test_it_shows_what_a_device_did_and_survives_a_restart(machine: tuple[Daemon, FakeGpus]) -> None:
    daemon, gpus = machine
    holder = gpus.hold(1, "5G")
    wait_until(lambda: 5 in memory(daemon, "device=cuda:1&from=5m&step=1"), "the memory is in the history")
    holder.kill()
    wait_until(lambda: memory(daemon, "device=cuda:1&from=5m&step=1")[-1] == 0, "and its end")
    assert max(memory(daemon, "device=cuda:0&from=5m&step=1")) == 0
    minute = daemon.client.get(f"{PATH}?device=cuda:1&step=60")["devices"][0]["points"]
    assert max(point["used_memory_gb_max"] for point in minute) == 5
    assert 0 < max(point["used_memory_gb"] for point in minute) < 5
    daemon.restart()
    assert 5 in memory(daemon, "device=cuda:1&from=5m&step=1")


def test_a_table_for_spreadsheets(machine: tuple[Daemon, FakeGpus]) -> None:
    daemon, _ = machine
    wait_until(lambda: memory(daemon, "device=cuda:0&step=1"), "there is a point")
    answer = daemon.client.request("GET", f"{PATH}?step=1&format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert {row["device"] for row in rows} == {"cuda:0", "cuda:1", "cpu"}
    gpu = next(row for row in rows if row["device"] == "cuda:0")
    assert gpu["temperature_c"] == "35.00"
    assert gpu["step_s"] == "1"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("device=cuda:7", "There is no device"),
        ("from=yesterday", "it is a time such as"),
        ("step=5", "there are 1, 60 and 900 seconds"),
        ("format=xml", "it is json or csv"),
        ("from=5m&to=10m", "from must be before to"),
    ],
)
def test_what_it_does_not_understand_it_says(machine: tuple[Daemon, FakeGpus], query: str, words: str) -> None:
    answer = machine[0].client.request("GET", f"{PATH}?{query}")
    assert answer.status in (400, 404)
    assert words in answer.json()["detail"]
