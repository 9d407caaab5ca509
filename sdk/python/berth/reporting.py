# SPDX-License-Identifier: Apache-2.0
"""What a task tells of itself: JSON lines appended to the file that BERTH_EVENTS names.

A call writes all of its lines with one write(2) to a file opened for appending, so lines of threads and of forked
processes do not mix. Nothing is kept open between calls. Outside of a task, and when the file cannot be written,
False is returned and nothing else happens: a program must not fail because nobody listens. Wrong values raise
ValueError, also outside of a task, so that they are found where a program is written.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: The daemon takes no longer line.
_LONGEST_LINE = 1 << 20
_LEVELS = ("INFO", "WARNING", "ERROR")

#: By process: a write was cut off by a full disk, so the next line begins with a line feed. A lost update by another
#: thread costs an empty line, which the daemon passes over.
_torn: set[int] = set()


def report(
    progress: float | None = None,
    metrics: Mapping[str, Any] | None = None,
    stage: str | None = None,
    message: str | None = None,
    *,
    level: str = "INFO",
    step: int | None = None,
    current_epoch: int | None = None,
    total_epochs: int | None = None,
    done: int | None = None,
    total: int | None = None,
) -> bool:
    """Tells how far this task is and how well it does: `report(progress=0.4, metrics={"loss": 0.2}, stage="training")`.

    `progress`: finished work, 0 to 1; without it `done / total` items. `current_epoch`: the one at work, from 1.
    `metrics` appear as the task's `latest_metrics` and in its log, with `message` as the text; a `message` alone is a
    line of the log, of `level` INFO, WARNING or ERROR. Scalars of NumPy and PyTorch are taken for numbers; NaN and
    infinity in `metrics` become null, since a loss that diverges is worth telling. Returns whether it was written.
    ValueError for progress that is NaN or not from 0 to 1, for metrics that JSON cannot hold, for an unknown level, and
    when there is nothing to tell.
    """
    if level not in _LEVELS:
        raise ValueError(f"level is one of {', '.join(_LEVELS)}, not {level!r}")
    events: list[dict[str, Any]] = []
    counts = {
        "current_epoch": current_epoch,
        "total_epochs": total_epochs,
        "done": done,
        "total": total,
    }
    given = {name: _whole(name, value) for name, value in counts.items() if value is not None}
    if progress is None:
        progress = _share(done, total)
    if progress is not None:
        events.append({"event": "progress", "value": _fraction(progress), **given})
    elif given:
        raise ValueError("progress is missing: give it, or done and total")
    told: dict[str, Any] = {}
    if metrics is not None:
        told = {"event": "metrics", "data": _object("metrics", metrics)}
    elif message is not None:
        told = {"event": "log", "level": level}
    if told:
        extra = {"stage": stage, "message": message, "step": None if step is None else _whole("step", step)}
        events.append({**told, **{name: value for name, value in extra.items() if value is not None}})
    elif events and stage is not None:
        events[0]["stage"] = stage
    if not events:
        raise ValueError("nothing to report: give progress, metrics or a message")
    return _append(events)


def report_checkpoint(path: str | os.PathLike[str], message: str | None = None) -> bool:
    """Tells that a checkpoint has been written to `path`. Returns whether that was written; ValueError without a
    path."""
    text = os.fspath(path)
    if not isinstance(text, str) or not text:
        raise ValueError(f"path is a path, not {path!r}")
    event = {"event": "checkpoint", "path": text}
    return _append([event if message is None else {**event, "message": message}])


def report_result(result: Mapping[str, Any]) -> bool:
    """Sets the task's `result`, in place of an earlier one. Returns whether it was written; ValueError for what JSON
    cannot hold."""
    return _append([{"event": "result", "data": _object("result", result)}])


class Progress(Generic[T]):
    """An iterable that reports how many of its items are finished, every `interval` seconds at the most."""

    def __init__(self, iterable: Iterable[T], total: int | None, part: tuple[float, float], interval: float) -> None:
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        if total is not None and total < 0:
            raise ValueError(f"total is {total}")
        begin, end = (_fraction(share) for share in part)
        if end < begin:
            raise ValueError(f"part goes from {begin:g} to {end:g}")
        self._iterable = iterable
        self._total = total
        self._begin = begin
        self._end = end
        self._interval = interval

    def __iter__(self) -> Iterator[T]:
        last = time.monotonic()
        done = told = 0
        for item in self._iterable:
            yield item
            done += 1
            now = time.monotonic()
            if now - last >= self._interval:
                last, told = now, done
                self._report(done)
        if told == 0 or told != self._total:
            self._report(done, ended=True)

    def __len__(self) -> int:
        if self._total is None:
            raise TypeError("the number of items is not known")
        return self._total

    def _report(self, done: int, ended: bool = False) -> None:
        if ended:
            share = 1.0
        elif self._total:
            share = min(1.0, done / self._total)
        else:
            return  # how far it is cannot be told
        total = done if ended else max(self._total or 0, done)
        report(progress=self._begin + (self._end - self._begin) * share, done=done, total=total)


def progress(
    iterable: Iterable[T],
    total: int | None = None,
    part: tuple[float, float] = (0.0, 1.0),
    interval: float = 0.5,
) -> Progress[T]:
    """Wraps a loop: `for batch in berth.progress(loader): ...` reports the finished share of the work.

    `total`: the number of items, where `len()` does not tell; where nothing does only the end is reported. `part`: of
    the whole task's progress, for one of several loops, such as `(epoch / epochs, (epoch + 1) / epochs)`. `interval`:
    seconds between reports. An item counts when the next one is asked for. Outside of a task nothing is reported.
    """
    return Progress(iterable, total, part, interval)


def _append(events: list[dict[str, Any]]) -> bool:
    now = round(time.time(), 3)
    lines = []
    for event in events:
        line = json.dumps({**event, "time": now}, ensure_ascii=False, allow_nan=False)
        lines.append(line.encode(errors="replace"))
    longest = max(map(len, lines))
    if longest > _LONGEST_LINE:
        raise ValueError(f"an event of {longest} bytes is too long: {_LONGEST_LINE} is the most")
    path = os.environ.get("BERTH_EVENTS")
    if not path:
        return False
    pid = os.getpid()
    data = (b"\n" if pid in _torn else b"") + b"\n".join(lines) + b"\n"
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = os.write(file, data)
        finally:
            os.close(file)
    except OSError:
        return False
    if written == len(data):
        _torn.discard(pid)
        return True
    _torn.add(pid)
    return False


def _fraction(value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"progress is a number from 0 to 1, not {value!r}") from None
    if not 0.0 <= number <= 1.0:  # NaN, too
        raise ValueError(f"progress is from 0 to 1, not {number:g}")
    return number


def _share(done: int | None, total: int | None) -> float | None:
    if done is None or total is None:
        return None
    return _fraction(_whole("done", done) / _whole("total", total)) if total else 1.0


def _whole(name: str, value: int) -> int:
    number = _plain(value, name)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError(f"{name} is a whole number, not {value!r}")
    return number


def _object(name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{name} is a mapping of names to values, not {data!r}")
    try:
        plain: dict[str, Any] = _plain(data, name)
    except RecursionError:
        raise ValueError(f"{name} contains itself") from None
    return plain


def _plain(value: Any, place: str) -> Any:
    """`value` in terms of JSON."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"the names in {place} are texts, not {key!r}")
        return {key: _plain(inner, f"{place}[{key!r}]") for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, place) for inner in value]
    for convert in ("tolist", "item"):  # NumPy, PyTorch; others that follow them
        method = getattr(value, convert, None)
        if callable(method):
            converted = method()
            if type(converted) is not type(value):
                return _plain(converted, place)
    raise ValueError(f"{place} cannot be written as JSON: {value!r}")
