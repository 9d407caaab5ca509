# SPDX-License-Identifier: Apache-2.0
"""What a task tells of itself."""

from __future__ import annotations

import json
import math
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import berth
from berth import reporting


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "events"
    monkeypatch.setenv("BERTH_EVENTS", str(path))
    return path


def told(path: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        assert abs(line.pop("time") - path.stat().st_mtime) < 60
    return lines


def test_progress_and_metrics_are_two_events_of_one_call(events: Path) -> None:
    assert berth.report(
        progress=0.4, metrics={"loss": 0.25}, stage="validation", step=3, current_epoch=2, total_epochs=5
    )
    assert told(events) == [
        {"event": "progress", "value": 0.4, "current_epoch": 2, "total_epochs": 5},
        {"event": "metrics", "data": {"loss": 0.25}, "stage": "validation", "step": 3},
    ]


def test_the_other_events(events: Path) -> None:
    assert berth.report(message="ü\nline", level="WARNING")
    assert berth.report(done=3, total=4)
    assert berth.report(progress=1, stage="done")
    assert berth.report(metrics={"a": 1}, message="one")
    assert berth.report_checkpoint(Path("/out/last.pt"))
    assert berth.report_result({"accuracy": 0.9})
    assert told(events) == [
        {"event": "log", "level": "WARNING", "message": "ü\nline"},
        {"event": "progress", "value": 0.75, "done": 3, "total": 4},
        {"event": "progress", "value": 1.0, "stage": "done"},
        {"event": "metrics", "data": {"a": 1}, "message": "one"},
        {"event": "checkpoint", "path": "/out/last.pt"},
        {"event": "result", "data": {"accuracy": 0.9}},
    ]


class Scalar:
    """As NumPy's and PyTorch's."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def tolist(self) -> Any:
        return self._value


def test_numbers_of_other_packages_and_what_is_not_finite(events: Path) -> None:
    metrics = {"loss": math.nan, "top": (Scalar(3), Scalar([1.5, math.inf])), "flag": True, "none": None}
    assert berth.report(metrics=metrics)
    assert told(events)[0]["data"] == {"loss": None, "top": [3, [1.5, None]], "flag": True, "none": None}


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    "wrong",
    [
        {"progress": math.nan}, {"progress": -0.1}, {"progress": 1.01}, {"progress": "half"}, {"progress": math.inf},
        {"metrics": {"a": object()}}, {"metrics": {1: 2}}, {"metrics": [1]}, {"metrics": {"a": {1, 2}}},
        {"metrics": {"a": b"x"}}, {"metrics": {"a": "x" * (1 << 20)}}, {"message": "m", "level": "LOUD"}, {},
        {"stage": "training"}, {"progress": 0.5, "done": -1}, {"current_epoch": 3},
        {"progress": 0.5, "step": 1.5, "metrics": {}},
    ],
)  # fmt: skip
def test_wrong_values_are_value_errors_and_leave_nothing(
    wrong: dict[str, Any], inside: bool, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not inside:
        monkeypatch.delenv("BERTH_EVENTS")
    with pytest.raises(ValueError):
        berth.report(**wrong)
    assert not events.exists()


def test_metrics_that_contain_themselves() -> None:
    metrics: dict[str, Any] = {}
    metrics["self"] = metrics
    with pytest.raises(ValueError, match="contains itself"):
        berth.report(metrics=metrics)


def test_outside_of_a_task_and_without_room_it_is_false(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert berth.report(progress=0.5) is False
    for place in (tmp_path / "none/events", tmp_path, Path("/dev/full")):
        monkeypatch.setenv("BERTH_EVENTS", str(place))
        assert berth.report(progress=0.5) is False
        assert berth.report_checkpoint("c") is False
        assert berth.report_result({}) is False


def test_a_line_that_was_cut_off_spoils_only_itself(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(reporting.os, "write", lambda file, data: write(file, data[:10]))
    assert berth.report(progress=0.1) is False
    monkeypatch.undo()
    monkeypatch.setenv("BERTH_EVENTS", str(events))
    assert berth.report(progress=0.2) is True
    assert berth.report(progress=0.3) is True
    first, second, third = events.read_text().splitlines()
    assert len(first) == 10
    assert [json.loads(line)["value"] for line in (second, third)] == [0.2, 0.3]


def test_lines_of_threads_and_forked_processes_do_not_mix(events: Path) -> None:
    def work(name: str) -> None:
        for number in range(200):
            assert berth.report(metrics={"name": name, "number": number, "padding": "x" * 500})

    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                work(f"process {child}")
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    threads = [threading.Thread(target=work, args=(f"thread {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    by_name: dict[str, list[int]] = {}
    for line in told(events):
        by_name.setdefault(line["data"]["name"], []).append(line["data"]["number"])
    assert len(by_name) == 8
    assert all(numbers == list(range(200)) for numbers in by_name.values())


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


def test_a_loop_reports_at_most_every_half_second(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(reporting, "time", clock)
    wrapped = berth.progress(range(100), part=(0.5, 1.0))
    assert len(wrapped) == 100
    for _ in wrapped:
        clock.now += 0.125
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    values = [line["value"] for line in lines]
    assert values == [0.5 + 0.5 * done / 100 for done in range(4, 101, 4)]
    assert (values[-1], lines[-1]["done"], lines[-1]["total"]) == (1.0, 100, 100)


def test_a_loop_of_unknown_length_and_one_that_is_left_early(events: Path) -> None:
    assert list(berth.progress(iter("abc"), interval=0)) == ["a", "b", "c"]
    assert [line["value"] for line in told(events)] == [1.0]
    for item in berth.progress("abcd", interval=0):
        if item == "c":
            break
    assert [line["value"] for line in told(events)][1:] == [0.25, 0.5], "only what is finished counts"
    for wrong in ({"part": (0.6, 0.4)}, {"part": (0, 2)}, {"total": -1}):
        with pytest.raises(ValueError):
            berth.progress([1], **wrong)
    with pytest.raises(TypeError):
        len(berth.progress(iter([1])))


def test_the_task_that_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert berth.task() is None
    for name, value in {
        "BERTH_TASK_ID": "0f3c_2", "BERTH_ATTEMPT": "2", "BERTH_DEVICE": "cuda:0", "BERTH_MEMORY_LIMIT": "8589934592",
        "CUDA_VISIBLE_DEVICES": "GPU-1,GPU-2", "BERTH_ARRAY_ID": "0f3c", "BERTH_ARRAY_INDEX": "2",
        "BERTH_ARRAY_SIZE": "10",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert berth.task() == berth.RunningTask(
        id="0f3c_2", attempt=2, device="cuda:0", devices=("cuda:0", "cuda:1"), memory_limit=8 << 30, array_id="0f3c",
        array_index=2, array_size=10,
    )  # fmt: skip
    monkeypatch.setenv("BERTH_DEVICE", "cpu")
    monkeypatch.delenv("BERTH_MEMORY_LIMIT")
    running = berth.task()
    assert running is not None
    assert (running.devices, running.memory_limit) == (("cpu",), None)
