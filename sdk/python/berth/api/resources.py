# SPDX-License-Identifier: Apache-2.0
"""/api/v2/resources: the devices, what runs on them, limits, what is drained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from ..transport import Transport
from ..types import Cpu, Drains, Gpu, History, KindLimits, LimitsResponse, ResourceStatus, UsageList

Step = Literal["auto", "1", "60", "900"]


class Resources:
    """`client.resources`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def status(self) -> ResourceStatus:
        """Use, limits and readings of every device, idle ones too."""
        return cast(ResourceStatus, self._transport.json("GET", "/api/v2/resources"))

    def gpu(self) -> Gpu:
        """Readings of every GPU, other programs' use included. Memory in GiB."""
        return cast(Gpu, self._transport.json("GET", "/api/v2/resources/gpu"))

    def cpu(self) -> Cpu:
        return cast(Cpu, self._transport.json("GET", "/api/v2/resources/cpu"))

    def history(
        self, device: str | None = None, start: str | None = None, end: str | None = None, step: Step = "auto"
    ) -> History:
        """Readings over time: seconds are kept for an hour, minutes for a week, quarters of an hour for a year.

        `start` and `end`: ISO 8601, seconds since 1970, or how long ago (`90m`); the last hour without them. `step` in
        seconds; `auto` is the finest that gives at most 1,500 points of a device. BadRequest for what is no time.
        """
        query = {"device": device, **_span(start, end), "step": step}
        return cast(History, self._transport.json("GET", "/api/v2/resources/history", query))

    def history_csv(
        self, device: str | None = None, start: str | None = None, end: str | None = None, step: Step = "auto"
    ) -> str:
        """The same as comma-separated values, with a line of names."""
        query = {"device": device, **_span(start, end), "step": step, "format": "csv"}
        return self._transport.text("/api/v2/resources/history", query)

    def usage(self, start: str | None = None, end: str | None = None, user: str | None = None) -> UsageList:
        """What tasks have used of the devices: every task that ran between `start` (30 days ago) and `end`, and each
        user's in all. Times as for `history`."""
        query = {**_span(start, end), "user": user}
        return cast(UsageList, self._transport.json("GET", "/api/v2/resources/usage", query))

    def usage_csv(self, start: str | None = None, end: str | None = None, user: str | None = None) -> str:
        """The tasks as comma-separated values, with a line of names."""
        query = {**_span(start, end), "user": user, "format": "csv"}
        return self._transport.text("/api/v2/resources/usage", query)

    def set_limits(self, max_concurrent: Mapping[str, KindLimits]) -> LimitsResponse:
        """How many trainings and inferences may run on a device: `{"cuda:0": {"inference": 4}}`. What is not named
        keeps its limit; all changes are made, or none (BadRequest)."""
        body = {"max_concurrent": max_concurrent}
        return cast(LimitsResponse, self._transport.json("POST", "/api/v2/resources/config", body=body))

    def drains(self) -> Drains:
        """What takes no new tasks."""
        return cast(Drains, self._transport.json("GET", "/api/v2/resources/drain"))

    def drain(self, devices: Sequence[str] | None = None, reason: str | None = None) -> Drains:
        """Starts nothing new on these devices, or on the whole machine. What runs goes on. Kept over restarts."""
        return self._drain({"devices": devices, "drain": True, "reason": reason})

    def resume(self, devices: Sequence[str] | None = None) -> Drains:
        """New tasks are taken again."""
        return self._drain({"devices": devices, "drain": False})

    def _drain(self, body: dict[str, Any]) -> Drains:
        return cast(Drains, self._transport.json("POST", "/api/v2/resources/drain", body=body))


def _span(start: str | None, end: str | None) -> dict[str, str | None]:
    return {"from": start, "to": end}
