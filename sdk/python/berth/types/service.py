# SPDX-License-Identifier: Apache-2.0
"""What the service is and how it is."""

from __future__ import annotations

from typing import Literal, TypedDict

from .resources import ActiveTask, TaskCounts


class Overview(TypedDict):
    name: Literal["Berth"]
    version: str
    environment: str
    features: list[str]
    #: By group: name to method and path
    endpoints: dict[str, dict[str, str]]
    documentation: dict[str, str]


class HealthResourceStatus(TypedDict):
    device_usage: dict[str, TaskCounts]
    active_tasks: dict[str, list[ActiveTask]]
    limits: dict[str, dict[str, int]]


class Health(TypedDict):
    status: Literal["healthy", "unhealthy"]
    timestamp: str
    version: str
    #: Trainings on record, in any state
    training_tasks: int
    #: Inferences on record, in any state
    inference_tasks: int
    #: Open streams of logs, events and output
    active_log_streams: int
    resource_status: HealthResourceStatus
    #: State of the parts, in words: `devices`, `workers`, `supervision`
    parts: dict[str, str]


class Info(TypedDict):
    app_name: Literal["Berth"]
    version: str
    environment: str
    #: Empty when the built-in programs are not installed
    supported_models: list[str]
    resource_limits: dict[str, dict[str, int]]
    gpu_available: bool
    #: Where users of the daemon's machine find its token
    token_file: str
    #: This request came with the token or from a trusted user of the socket
    authenticated: bool


class NotificationDelivery(TypedDict):
    #: The program, or where the URL leads, without its path
    target: str
    delivered: bool
    #: Why not
    reason: str | None
    seconds: float


class NotificationTest(TypedDict):
    #: In the order of the configuration
    targets: list[NotificationDelivery]
