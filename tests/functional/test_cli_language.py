# SPDX-License-Identifier: Apache-2.0
"""In a Chinese locale people read Chinese, and programs read what they always read."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from harness.command_line import CommandLine
from harness.commands import Gate
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("berth")

#: Readings and times, which differ from one look to the next.
VOLATILE = {"age_s", "timestamp", "updated_at"}


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in VOLATILE}
    return [steady(item) for item in value] if isinstance(value, list) else value


class Both:
    """The same machine and tasks for an English and a Chinese user: one task runs, one waits."""

    def __init__(self, make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path) -> None:
        gpus = fake_gpus(2)
        daemon: Daemon = make_daemon(gpus=gpus)
        self.gate = Gate(folder / "gate")
        self.english = CommandLine(daemon, folder, gpus.environment)
        self.chinese = CommandLine(daemon, folder, {**gpus.environment, "LANG": "zh_CN.UTF-8"})
        client = daemon.client
        client.limits({"cuda:0": {"training": 0}})
        client.submit(*self.gate.wait(), kind="command", device="cpu", task_id="runs", name="名字")
        client.submit("true", kind="training", device="cuda:0", memory_gb=1, task_id="waits")
        client.wait_state("runs", "running")


@pytest.fixture
def both(make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path) -> Both:
    return Both(make_daemon, fake_gpus, folder)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ps",), ("状态", "排队中", "运行中", "优先级")),
        (("show", "waits"), ("请求设备", "排队中", "秒前")),
        (("why", "waits"), ("判定", "等待", "可运行的条件")),
        (("gpus",), ("型号", "显存", "2 块 GPU")),
        (("limits",), ("训练", "推理")),
        (("info",), ("守护进程", "正常")),
        (("doctor",), ("进程监管", "令牌")),
        (("check",), ("总显存", "推荐使用")),
        (("version",), ("berthd",)),
        (("drain", "--list"), ("所有设备都接收新任务",)),
    ],
)
def test_heads_labels_and_states_are_chinese(
    both: Both, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    text = both.chinese.ok(*arguments)
    assert [word for word in words if word not in text] == []
    heads = re.findall(r"\b[A-Z]{4,}\b|^(?:task|state|kind|daemon|device) ", text, re.MULTILINE)
    assert set(heads) <= {"NVIDIA", "CUDA", "PATH"}, text


def test_columns_are_aligned_by_what_a_terminal_shows(both: Both) -> None:
    head, *rows = both.chinese.ok("ps").splitlines()
    column = width(head[: head.rindex("任务")])
    ends = {"runs": "名字", "waits": "true"}
    assert len(rows) == len(ends)
    for row in rows:
        assert width(row[: row.rindex(ends[row.split()[0]])]) == column, row


@pytest.mark.parametrize(
    "arguments",
    [
        ("ps",),
        ("show", "waits"),
        ("why", "waits"),
        ("logs", "runs"),
        ("gpus",),
        ("limits",),
        ("info",),
        ("doctor",),
        ("check",),
        ("drain", "--list"),
    ],
)
def test_json_is_the_same_in_every_language(both: Both, arguments: tuple[str, ...]) -> None:
    if arguments[0] == "logs":
        said = '"message":"waiting"'  # then it waits for its gate
        wait_until(lambda: said in both.english.ok(*arguments, "--json"), "the log has what the task has said")
        assert both.chinese.ok(*arguments, "--json") == both.english.ok(*arguments, "--json")
    else:
        assert steady(both.chinese.json(*arguments)) == steady(both.english.json(*arguments))


def test_notes_and_errors_are_chinese_and_statuses_the_same(both: Both, folder: Path) -> None:
    for arguments, status in [
        (("run", "--", "/nonexistent"), 127),
        (("wait", "none"), 125),
        (("rm", "x"), 4),
    ]:
        done = both.chinese(*arguments)
        assert done.returncode == both.english(*arguments).returncode == status
        assert re.search("[一-鿿]", done.stderr), done.stderr
    absent = CommandLine(None, folder, {"BERTH_URL": "http://127.0.0.1:1", "LC_ALL": "zh_TW.UTF-8"})
    done = absent("ps")
    assert done.returncode == 3
    assert "连接被拒绝" in done.stderr
