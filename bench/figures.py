# SPDX-License-Identifier: Apache-2.0
"""One measured figure, the table, the results file."""

from __future__ import annotations

import dataclasses
import json
import statistics
from pathlib import Path


@dataclasses.dataclass
class Figure:
    """`goal` is the bound that an issue names; `at_most` says on which side of it is good."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    goal: float | None = None
    at_most: bool = True
    note: str = ""

    @property
    def ratio(self) -> float | None:
        if self.peer_value in (None, 0):
            return None
        return self.value / self.peer_value

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        measured = self.ratio if self.peer_value is not None else self.value
        assert measured is not None
        return measured <= self.goal if self.at_most else measured >= self.goal


def median(values: list[float]) -> float:
    return statistics.median(values)


def write_results(figures: list[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for figure in figures:
        row = dataclasses.asdict(figure)
        del row["at_most"]
        row["ratio"] = figure.ratio
        rows.append(row)
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def print_table(figures: list[Figure]) -> None:
    width = max(len(f.name) for f in figures)
    for f in figures:
        value = f"{f.value:10.3f} {f.unit:<6}"
        against = f"  {f.peer}: {f.peer_value:.3f} (x {f.ratio:.3f})" if f.ratio is not None else ""
        sign = "<=" if f.at_most else ">="
        goal = "" if f.goal is None else f"  goal {sign} {f.goal:g} {'ok' if f.met else 'MISSED'}"
        note = f"  [{f.note}]" if f.note else ""
        print(f"{f.name:<{width}} {value}{against}{goal}{note}")
