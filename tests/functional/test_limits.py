# SPDX-License-Identifier: Apache-2.0
"""POST /api/v2/resources/config: limits per device and kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.client import Client
from harness.commands import Gate
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus


def test_defaults(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    daemon: Daemon = make_daemon(gpus=fake_gpus(2))
    expected = {
        "cuda:0": {"training": 1, "inference": 3},
        "cuda:1": {"training": 1, "inference": 3},
        "cpu": {"training": 2, "inference": 4},
    }
    resources = daemon.resources()
    assert resources["limits"] == expected
    assert resources["device_usage"].keys() == expected.keys(), "idle devices are listed too"
    assert daemon.client.get("/api/v1/info")["resource_limits"] == expected


def test_changing_one_kind_leaves_the_other(client: Client) -> None:
    answer = client.limits({"cpu": {"training": 7}})
    assert answer.status == 200
    assert answer.json().keys() == {"status", "message", "current_config"}
    assert answer.json()["current_config"]["cpu"] == {"training": 7, "inference": 4}
    assert client.limits({"cpu": {"inference": 9}}).json()["current_config"]["cpu"] == {
        "training": 7,
        "inference": 9,
    }
    assert client.get("/api/v2/resources")["limits"]["cpu"] == {"training": 7, "inference": 9}


def test_cuda_means_all_of_them_and_one_name_only_that(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    client = make_daemon(gpus=fake_gpus(3)).client
    assert client.limits({"cuda": {"training": 4}}).status == 200
    config = client.limits({"cuda:1": {"inference": 0}}).json()["current_config"]
    assert config["cuda:0"] == {"training": 4, "inference": 3}
    assert config["cuda:1"] == {"training": 4, "inference": 0}
    assert config["cpu"] == {"training": 2, "inference": 4}


@pytest.mark.parametrize(
    "changes",
    [
        {"cuda:7": {"training": 1}},
        {"cuda": {"training": 1}},
        {"banana": {"training": 1}},
        {"cpu": {"dancing": 1}},
        {"cpu": {"command": 1}},
        {"cpu": {"training": -1}},
        {"cpu": {"training": 1.5}},
        {"cpu": {"training": "many"}},
        {"cpu": {"inference": None}},
        {"cpu": 3},
        {"cpu": {"inference": 1}, "cuda:7": {"training": 1}},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(client: Client, changes: dict[str, object]) -> None:
    before = client.get("/api/v2/resources")["limits"]
    assert client.limits(changes).status in (400, 422)
    assert client.get("/api/v2/resources")["limits"] == before


def test_limits_are_kept_across_restarts(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    daemon: Daemon = make_daemon(gpus=fake_gpus(2))
    daemon.client.limits({"cuda:1": {"training": 6}, "cpu": {"inference": 0}})
    expected = daemon.resources()["limits"]
    daemon.restart()
    assert daemon.resources()["limits"] == expected
    daemon.kill9()
    daemon.start()
    assert daemon.resources()["limits"] == expected
    assert expected["cuda:1"] == {"training": 6, "inference": 3}


def test_a_limit_holds_and_raising_it_starts_what_waits(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    for kind, limit in (("training", 2), ("inference", 4)):
        ids = [client.submit(*gate.wait(), kind=kind, device="cpu")["task_id"] for _ in range(limit + 1)]
        for task in ids[:-1]:
            client.wait_state(task, "running")
        assert client.task(ids[-1])["status"] == "queued"
        why = client.explain(ids[-1])
        assert (why["devices"][0]["code"], why["devices"][0]["verdict"]) == ("kind_limit", "wait")
        assert client.get("/api/v2/resources")["device_usage"]["cpu"][kind] == limit
        client.limits({"cpu": {kind: limit + 1}})
        client.wait_state(ids[-1], "running")
    gate.open()


def test_lowering_a_limit_lets_what_runs_go_on(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    ids = [client.submit(*gate.wait(), kind="training", device="cpu")["task_id"] for _ in range(2)]
    for task in ids:
        client.wait_state(task, "running")
    assert client.limits({"cpu": {"training": 0}}).status == 200
    waiting = client.submit("true", kind="training", device="cpu")["task_id"]
    assert client.explain(waiting)["devices"][0]["code"] == "limit_zero"
    gate.open()
    for task in ids:
        assert client.wait_end(task)["status"] == "completed"
    assert client.task(waiting)["status"] == "queued"
    client.limits({"cpu": {"training": 1}})
    assert client.wait_end(waiting)["status"] == "completed"


def test_environment_and_configuration_set_the_first_limits(make_daemon: MakeDaemon) -> None:
    daemon: Daemon = make_daemon(
        config={"limits": {"cpu": {"inference": 6}}}, env={"MAX_TRAINING_CONCURRENT_CPU": "5"}
    )
    assert daemon.resources()["limits"]["cpu"] == {"training": 5, "inference": 6}
