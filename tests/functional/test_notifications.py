# SPDX-License-Identifier: Apache-2.0
"""Who wants to be told is told: by a POST or a program."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.command_line import CommandLine
from harness.commands import sh
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.waiting import wait_until


class Chat:
    """A service that takes notices; answers with `statuses` first, then with 200."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = chat.statuses.pop(0) if chat.statuses else 200
                if status == 200:
                    chat.notices.append({"path": self.path, **json.loads(body)})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def events(self) -> list[str]:
        return [notice["event"] for notice in self.notices]


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    yield chat
    chat.server.shutdown()
    chat.server.server_close()


def test_the_end_of_a_task_is_posted_with_its_record(make_daemon: MakeDaemon, chat: Chat) -> None:
    daemon = make_daemon(config={"notifications": [{"url": chat.url}]})
    daemon.client.submit(*sh("exit 3"), task_id="bad", name="night run", device="cpu")
    daemon.client.wait_end("bad")
    wait_until(lambda: chat.notices, "it is told")
    (notice,) = chat.notices
    assert notice["path"] == "/hook"
    assert notice["event"] == "task_failed"
    assert notice["task"]["task_id"] == "bad"
    assert notice["task"]["exit_code"] == 3
    assert "night run (bad)" in notice["text"]
    assert notice["host"]
    assert notice["time"].endswith("Z") or "+" in notice["time"]


def test_each_target_is_told_what_it_asked_for(make_daemon: MakeDaemon, chat: Chat, tmp_path: Path) -> None:
    told = tmp_path / "told"
    daemon = make_daemon(
        config={
            "notifications": [
                {"url": chat.url, "on": ["task_failed"]},
                {"command": ["/bin/sh", "-c", f'cat >> {told}; echo >> {told}'], "kinds": ["inference"]},
            ]
        }
    )
    daemon.client.submit(*sh("true"), task_id="good", device="cpu")
    daemon.client.submit(*sh("exit 1"), task_id="bad", device="cpu")
    daemon.client.submit(*sh("true"), task_id="served", device="cpu", kind="inference")
    for task in ("good", "bad", "served"):
        daemon.client.wait_end(task)
    wait_until(lambda: chat.notices and told.exists() and told.read_text().endswith("\n"), "both are told")
    assert [notice["task"]["task_id"] for notice in chat.notices] == ["bad"]
    lines = [json.loads(line) for line in told.read_text().splitlines() if line]
    assert [line["task"]["task_id"] for line in lines] == ["served"]


def test_what_is_not_taken_is_sent_again(make_daemon: MakeDaemon, chat: Chat) -> None:
    chat.statuses = [500, 503]
    daemon = make_daemon(config={"notifications": [{"url": chat.url}]})
    daemon.client.submit(*sh("true"), task_id="t", device="cpu")
    daemon.client.wait_end("t")
    wait_until(lambda: chat.events() == ["task_completed"], "the third try is taken", within=60)


def test_a_target_that_does_not_answer_holds_nobody_up(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(config={"notifications": [{"url": "http://127.0.0.1:1/secret-path"}]})
    daemon.allow_stderr("a notification could not be delivered")
    for i in range(3):
        daemon.client.submit(*sh("true"), task_id=f"t{i}", device="cpu")
        assert daemon.client.wait_end(f"t{i}")["status"] == "completed"
    wait_until(lambda: "could not be delivered" in daemon.stderr(), "it is logged in the end", within=60)
    assert "secret-path" not in daemon.stderr(), "the path of a webhook is its password"


def test_devices_that_fail_and_recover_that_are_hot_and_whose_memory_lies_idle(
    make_daemon: MakeDaemon, fake_gpus: MakeGpus, chat: Chat
) -> None:
    gpus = fake_gpus(2)
    daemon: Daemon = make_daemon(
        gpus=gpus,
        config={
            "notifications": [{"url": chat.url}],
            "thresholds": {"temperature": 85, "power": 300, "idle_holder": "2s"},
        },
    )
    daemon.allow_stderr("device is not healthy")
    gpus.ctl("set", "0", "temperature=91", "power_mw=350000", "utilization=50")
    gpus.ctl("set", "1", "utilization=0")
    gpus.hold(1, "4G")
    wait_until(
        lambda: {"device_hot", "device_power", "idle_holder"} <= set(chat.events()), "all is told", within=60
    )
    by_event = {notice["event"]: notice for notice in chat.notices}
    assert by_event["device_hot"]["device"]["name"] == "cuda:0"
    assert by_event["device_hot"]["temperature_c"] == 91
    assert by_event["device_power"]["power_w"] == 350
    assert by_event["idle_holder"]["process"]["used_memory_gb"] == 4
    assert by_event["idle_holder"]["device"]["name"] == "cuda:1"
    resources = daemon.client.get("/api/v2/resources/gpu")["devices"]
    assert [device["throttled"] for device in resources] == [True, False]
    gpus.ctl("lose", "1")
    wait_until(lambda: "device_failed" in chat.events(), "the loss is told", within=60)
    gpus.ctl("recover", "1")
    wait_until(lambda: "device_recovered" in chat.events(), "the recovery is told", within=90)
    assert len(chat.events()) == len(set(chat.events())), "each once"


def test_a_reload_changes_who_is_told(make_daemon: MakeDaemon, chat: Chat) -> None:
    daemon = make_daemon()
    daemon.configure({"notifications": [{"url": chat.url}]})
    os.kill(daemon.pid, signal.SIGHUP)

    def told() -> bool:
        task = daemon.client.submit(*sh("true"), device="cpu")["task_id"]
        daemon.client.wait_end(task)
        return "task_completed" in chat.events()

    wait_until(told, "the end of a task is told")


def test_who_is_to_be_told_can_be_tried(make_daemon: MakeDaemon, chat: Chat, tmp_path: Path) -> None:
    """One event, also to those that want to hear of other things; how each took it, and no word of what is secret."""
    told = tmp_path / "told"
    notifications = [
        {"url": chat.url, "on": ["device_failed"]},
        {"command": ["/bin/sh", "-c", f"cat > {told}; echo $BERTH_EVENT >> {told}"], "users": ["nobody"]},
    ]
    daemon = make_daemon(config={"notifications": notifications})
    berth = CommandLine(daemon, tmp_path)
    done = berth("notify", "test", "--json")
    assert done.returncode == 0, done.stderr
    where = chat.url.removesuffix("/hook")
    targets = json.loads(done.stdout)["targets"]
    assert [(t["target"], t["delivered"], t["reason"]) for t in targets] == [
        (where, True, None), ("/bin/sh", True, None)
    ]  # fmt: skip
    assert all(0 <= target["seconds"] < 10 for target in targets)
    assert chat.events() == ["test"]
    assert chat.notices[0]["host"] in chat.notices[0]["text"]
    assert told.read_text().endswith("test\n")

    chat.statuses = [500, 500]
    answer = daemon.client.request("POST", "/api/v2/notifications/test")
    assert answer.status == 200
    assert b"hook" not in answer.body
    assert [target["delivered"] for target in answer.json()["targets"]] == [False, True]
    assert "500" in answer.json()["targets"][0]["reason"]
    done = berth("notify", "test")
    assert done.returncode == 1
    assert where in done.stdout and "hook" not in done.stdout
    assert chat.events() == ["test"], "nothing is tried again"

    daemon.configure({"notifications": []})
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(
        lambda: daemon.client.request("POST", "/api/v2/notifications/test").status == 409, "nobody is left"
    )
    done = berth("notify", "test")
    assert done.returncode == 5
    assert "notifications" in done.stderr


def test_targets_that_hang_hold_a_test_up_only_so_long(make_daemon: MakeDaemon, chat: Chat) -> None:
    daemon = make_daemon(
        config={"notifications": [{"command": ["/bin/sleep", "1000"]}] * 9 + [{"url": chat.url}]}
    )
    begin = time.monotonic()
    answers: list[Any] = []
    asking = threading.Thread(
        target=lambda: answers.append(daemon.client.request("POST", "/api/v2/notifications/test"))
    )
    asking.start()
    for _ in range(10):
        daemon.client.get("/api/v1/health")
    assert not answers, "the daemon answers others meanwhile"
    asking.join()
    assert 9 < time.monotonic() - begin < 25
    assert [target["delivered"] for target in answers[0].json()["targets"]] == [False] * 9 + [True]


def test_a_program_that_cannot_be_run_is_named_at_the_start(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    daemon = make_daemon(
        config={
            "notifications": [
                {"command": ["/no/such/program", "secret-argument"]}, {"command": [str(plain)]},
                {"command": ["no-such-name"]}, {"command": ["sh", "-c", "true"]},
            ]
        }
    )  # fmt: skip
    daemon.allow_stderr("a program for notifications cannot be run")
    assert daemon.client.get("/api/v1/health")["status"] == "healthy"
    lines = [line for line in daemon.stderr().splitlines() if "cannot be run" in line]
    assert len(lines) == 3
    for line, name in zip(lines, ("/no/such/program", str(plain), "no-such-name"), strict=True):
        assert name in line
    assert "secret-argument" not in daemon.stderr()
