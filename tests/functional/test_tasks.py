# SPDX-License-Identifier: Apache-2.0
"""POST /api/v2/tasks and what can be done with a task: schema, codes, lists, removal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from harness.client import Client
from harness.commands import Gate, sh
from harness.daemon import Daemon, MakeDaemon
from harness.waiting import wait_until

FIELDS = {
    "task_id", "task_type", "status", "message", "progress", "device", "priority", "created_at", "updated_at",
    "current_epoch", "total_epochs", "latest_metrics", "exit_code", "signal",
}  # fmt: skip


def test_create_answers_with_the_whole_pending_task(client: Client) -> None:
    task = client.submit("true", name="first", priority=4, device="cpu")
    assert task.keys() >= FIELDS
    assert (task["task_type"], task["status"], task["progress"]) == ("command", "pending", 0)
    assert (task["name"], task["priority"], task["device"]) == ("first", 4, "cpu")
    for field in ("created_at", "updated_at"):
        assert datetime.fromisoformat(task[field]).tzinfo is not None
    done = client.wait_end(task["task_id"])
    assert (done["status"], done["progress"], done["exit_code"], done["signal"]) == (
        "completed",
        100,
        0,
        None,
    )
    assert done.keys() == task.keys()


def test_get_finds_a_task_by_its_own_id(client: Client) -> None:
    client.submit("true", task_id="my-task")
    assert client.task("my-task")["task_id"] == "my-task"
    assert client.wait_end("my-task")["status"] == "completed"


@pytest.mark.parametrize("name", ["eine Übung", "任务-一", "a b", "x" * 128, "%2e%2e", "..x"])
def test_any_id_without_slash_works(client: Client, name: str) -> None:
    from urllib.parse import quote

    assert client.submit("echo", "hi", task_id=name)["task_id"] == name
    assert client.wait_end(quote(name))["exit_code"] == 0
    assert client.output(quote(name)) == b"hi\n"
    client.remove(quote(name))
    assert client.request("GET", "/api/v2/tasks/" + quote(name)).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/tasks/none"),
        ("GET", "/api/v2/tasks/none/logs"),
        ("GET", "/api/v2/tasks/none/events"),
        ("GET", "/api/v2/tasks/none/explain"),
        ("GET", "/api/v2/tasks/none/output/stdout"),
        ("POST", "/api/v2/tasks/none/cancel"),
        ("DELETE", "/api/v2/tasks/none"),
        ("GET", "/api/v2/training/none"),
        ("GET", "/api/v2/training/none/logs"),
        ("POST", "/api/v2/training/none/stop"),
        ("GET", "/api/v2/inference/none"),
        ("GET", "/api/v2/nothing"),
        ("GET", "/nothing"),
    ],
)
def test_unknown_is_404(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status == 404
    assert isinstance(answer.detail, str)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v2/tasks"),
        ("POST", "/api/v1/health"),
        ("DELETE", "/api/v2/resources"),
        ("PATCH", "/api/v2/tasks/x"),
    ],
)
def test_wrong_method_is_405(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status == 405
    assert isinstance(answer.detail, str)
    assert answer.headers["Allow"]


def test_duplicate_id_is_409_and_changes_nothing(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    client.submit(*gate.wait("exit 5"), task_id="twin")
    client.wait_state("twin", "running")
    assert client.request("POST", "/api/v2/tasks", {"command": ["true"], "task_id": "twin"}).status == 409
    gate.open()
    assert client.wait_end("twin")["exit_code"] == 5
    assert client.request("POST", "/api/v2/tasks", {"command": ["true"], "task_id": "twin"}).status == 409
    client.remove("twin")
    assert client.submit("true", task_id="twin")["status"] == "pending"
    assert client.wait_end("twin")["exit_code"] == 0


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        ({}, ("missing", ["body", "command"])),
        ({"command": "true"}, ("list_type", ["body", "command"])),
        ({"command": []}, ("too_short", ["body", "command"])),
        ({"command": ["true"], "kind": "training "}, ("enum", ["body", "kind"])),
        ({"command": ["true"], "priority": 0}, ("greater_than_equal", ["body", "priority"])),
        ({"command": ["true"], "priority": 11}, ("less_than_equal", ["body", "priority"])),
        ({"command": ["true"], "priority": 2.5}, ("int_from_float", ["body", "priority"])),
        ({"command": ["true"], "priority": "high"}, ("int_parsing", ["body", "priority"])),
        ({"command": ["true"], "device": None}, ("string_type", ["body", "device"])),
        ({"command": ["true"], "device": "banana"}, ("value_error", ["body", "device"])),
        ({"command": ["true"], "device": "cuda:x"}, ("value_error", ["body", "device"])),
        ({"command": ["true"], "device": "cuda:-1"}, ("value_error", ["body", "device"])),
        ({"command": ["true"], "memory_gb": 0}, ("greater_than", ["body", "memory_gb"])),
        ({"command": ["true"], "memory_fraction": 1.5}, ("less_than_equal", ["body", "memory_fraction"])),
        (
            {"command": ["true"], "memory_gb": 1, "memory_fraction": 0.5},
            ("value_error", ["body", "memory_fraction"]),
        ),
        ({"command": ["true"], "timeout_s": -1}, ("greater_than", ["body", "timeout_s"])),
        ({"command": ["true"], "task_id": "a/b"}, ("value_error", ["body", "task_id"])),
        ({"command": ["true"], "env": {"A=B": "x"}}, ("value_error", ["body", "env"])),
        ({"command": ["true"], "cwd": "relative"}, ("value_error", ["body", "cwd"])),
    ],
)
def test_schema_violations_are_422_in_pydantic_form(
    client: Client, body: dict[str, object], violation: tuple[str, list[str]]
) -> None:
    answer = client.request("POST", "/api/v2/tasks", body)
    assert answer.status == 422
    assert answer.violations() == [violation]
    assert client.tasks() == []


def test_every_violation_is_listed(client: Client) -> None:
    answer = client.request("POST", "/api/v2/tasks", {"priority": 99, "device": "banana"})
    assert answer.status == 422
    assert {loc[-1] for _, loc in answer.violations()} == {"command", "priority", "device"}


def test_a_body_that_is_not_json_is_422(client: Client) -> None:
    for raw in (b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"command": ["true"]} x'):
        answer = client.request(
            "POST", "/api/v2/tasks", raw=raw, headers={"Content-Type": "application/json"}
        )
        assert answer.status == 422, raw
        assert answer.violations()[0][1][0] == "body", raw
    deep = b"[" * 100_000 + b"]" * 100_000
    assert client.request("POST", "/api/v2/tasks", raw=b'{"command": ' + deep + b"}").status in (413, 422)


def test_lenient_values_are_taken_as_pydantic_takes_them(client: Client) -> None:
    task = client.submit("true", priority="7")
    assert task["priority"] == 7
    assert client.submit("true", priority=8.0)["priority"] == 8


def test_semantic_errors_are_400(client: Client) -> None:
    for body in (
        {"command": ["true"], "device": "GPU-00000000"},
        {"command": ["true"], "device": "cpu", "memory_gb": 900_000},
        {"command": ["true"], "device": "cpu", "gpus": 3},
    ):
        answer = client.request("POST", "/api/v2/tasks", body)
        assert answer.status == 400, body
        assert isinstance(answer.detail, str)
    assert client.tasks() == []


def test_lists_are_newest_first_with_filters_and_pages(client: Client) -> None:
    ids = [client.submit("true", task_id=f"t{i}")["task_id"] for i in range(5)]
    client.submit("false", task_id="bad", kind="inference", name="Nächtlich 100%")
    for task in ids:
        client.wait_end(task)
    client.wait_end("bad")
    listed = client.get("/api/v2/tasks")
    assert [task["task_id"] for task in listed["tasks"]] == ["bad", "t4", "t3", "t2", "t1", "t0"]
    assert listed["total"] == 6
    assert (listed["training_tasks"], listed["inference_tasks"]) == ([], [])
    assert (listed["total_training"], listed["total_inference"]) == (0, 0)
    page = client.get("/api/v2/tasks?limit=2&offset=1")
    assert [task["task_id"] for task in page["tasks"]] == ["t4", "t3"]
    assert page["total"] == 6
    assert [t["task_id"] for t in client.tasks("order=turn&limit=2")] == ["t0", "t1"]
    assert client.request("GET", "/api/v2/tasks?order=oldest").status == 422
    assert [t["task_id"] for t in client.tasks("status=failed")] == ["bad"]
    assert [t["task_id"] for t in client.tasks("kind=inference")] == ["bad"]
    assert client.tasks("status=running") == []
    assert [t["task_id"] for t in client.tasks("q=FALS")] == ["bad"], "its command"
    assert [t["task_id"] for t in client.tasks("q=n%C3%A4chtlich%20100%25")] == ["bad"], "its name"
    assert [t["task_id"] for t in client.tasks("q=t3")] == ["t3"], "its id"
    assert client.get("/api/v2/tasks?q=true&limit=2")["total"] == 5
    assert client.tasks("q=nothing%20such") == []
    assert client.request("GET", "/api/v2/tasks?limit=x").status == 422


def test_delete_only_what_has_ended(client: Client, folder: Path, daemon: Daemon) -> None:
    gate = Gate(folder / "gate")
    client.submit(*gate.wait("echo out"), task_id="t")
    client.wait_state("t", "running")
    assert client.request("DELETE", "/api/v2/tasks/t").status == 409
    gate.open()
    client.wait_end("t")
    assert client.remove("t") | {"message": ""} == {"status": "success", "message": "", "task_id": "t"}
    assert client.request("GET", "/api/v2/tasks/t").status == 404
    assert client.request("GET", "/api/v2/tasks/t/logs").status == 404
    assert client.request("DELETE", "/api/v2/tasks/t").status == 404
    wait_until(lambda: not (daemon.state_dir / "tasks" / "t").exists(), "the task's files are gone")
    daemon.restart()
    assert daemon.client.request("GET", "/api/v2/tasks/t").status == 404


def test_final_states_are_final(client: Client) -> None:
    client.run(*sh("exit 1"), task_id="t")
    assert client.request("POST", "/api/v2/tasks/t/cancel").status == 409
    assert client.task("t")["status"] == "failed"


def test_system_routes(client: Client) -> None:
    assert client.get("/").keys() >= {
        "name",
        "version",
        "environment",
        "features",
        "endpoints",
        "documentation",
    }
    health = client.get("/api/v1/health")
    assert health["status"] == "healthy"
    assert health.keys() >= {
        "timestamp", "version", "training_tasks", "inference_tasks", "active_log_streams", "resource_status",
    }  # fmt: skip
    info = client.get("/api/v1/info")
    assert info.keys() >= {
        "app_name", "version", "environment", "supported_models", "resource_limits", "gpu_available",
    }  # fmt: skip
    assert info["gpu_available"] is False
    assert Path(info["token_file"]).read_text().strip() == client.token
    assert info["authenticated"] is True
    wrong = client.request("GET", "/api/v1/info", headers={"Authorization": "Bearer wrong"}).json()
    assert wrong["authenticated"] is False
    cpu = client.get("/api/v2/resources/cpu")
    assert cpu.keys() >= {
        "percent", "per_cpu_percent", "cores", "physical_cores", "freq_mhz", "load_avg", "memory_percent",
    }  # fmt: skip
    for probe in ("/healthz", "/readyz"):
        assert client.request("GET", probe).status == 200


def test_texts_follow_the_language(client: Client) -> None:
    client.run("true", task_id="t")
    english = client.task("t")["message"]
    chinese = client.request("GET", "/api/v2/tasks/t", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).json()[
        "message"
    ]
    assert english.isascii()
    assert not chinese.isascii()


def test_the_oldest_tasks_that_have_ended_are_forgotten(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(config={"keep": {"tasks": 3}})
    ids = [daemon.client.run("true")["task_id"] for _ in range(5)]
    wait_until(lambda: len(daemon.client.tasks()) == 3, "two of the five are forgotten", within=30)
    assert [task["task_id"] for task in daemon.client.tasks()] == ids[:1:-1]
    wait_until(lambda: len(list((daemon.state_dir / "tasks").iterdir())) == 3, "their files are gone")
