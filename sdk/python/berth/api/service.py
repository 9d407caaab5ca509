# SPDX-License-Identifier: Apache-2.0
"""What the service is, how it is, and its documents."""

from __future__ import annotations

from typing import Any, cast

from ..errors import Unreachable
from ..transport import Transport
from ..types import Health, Info, NotificationTest, Overview


class Service:
    """`client.service`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def overview(self) -> Overview:
        """Name, version and the most used routes."""
        return cast(Overview, self._transport.json("GET", "/"))

    def health(self) -> Health:
        """Counts and the use of the devices; degraded parts are named in `parts`."""
        return cast(Health, self._transport.json("GET", "/api/v1/health"))

    def info(self) -> Info:
        """Version, supported models, limits."""
        return cast(Info, self._transport.json("GET", "/api/v1/info"))

    def alive(self) -> bool:
        """Whether the daemon answers at all."""
        return self._probe("/healthz")

    def ready(self) -> bool:
        """Whether it takes requests."""
        return self._probe("/readyz")

    def metrics(self, model_names: bool = False) -> str:
        """Figures in Prometheus' text format; with `model_names` those of devices have the label `modelName`, as
        NVIDIA's DCGM exporter gives it."""
        return self._transport.text("/metrics", {"labels": "dcgm"} if model_names else None)

    def test_notifications(self) -> NotificationTest:
        """Sends everybody whom the daemon's configuration has it tell something a test: who took it, and why others
        did not. Takes 15 seconds at most. Conflict when nobody is configured."""
        return cast(NotificationTest, self._transport.json("POST", "/api/v2/notifications/test", body={}))

    def openapi(self) -> dict[str, Any]:
        """The daemon's contract as OpenAPI 3.1."""
        return cast("dict[str, Any]", self._transport.json("GET", "/openapi.json"))

    def docs(self) -> str:
        """The contract as an HTML page."""
        return self._transport.text("/docs")

    def redoc(self) -> str:
        """The same page under its older path."""
        return self._transport.text("/redoc")

    def _probe(self, path: str) -> bool:
        try:
            return self._transport.send("GET", path).status == 200
        except Unreachable:
            return False
