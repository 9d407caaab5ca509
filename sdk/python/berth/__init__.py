# SPDX-License-Identifier: Apache-2.0
"""Berth: GPU jobs placed on the devices of one machine.

    import berth

    client = berth.Client()
    task = client.run(["python3", "train.py"], gpus=1, memory_gb=8)
    task.wait(check=True)

Within a task `berth.report()` tells how far it is; in a program started by hand `berth.select_device()` says which GPU
to use. The standard library is all that is needed.
"""

from __future__ import annotations

from .client import Client
from .environment import RunningTask, task
from .errors import (
    BadRequest,
    BerthError,
    Conflict,
    Forbidden,
    NotFound,
    NothingFree,
    QueueFull,
    Refused,
    ServerError,
    StorageFull,
    TaskFailed,
    Unauthorized,
    Unavailable,
    Unreachable,
    ValidationError,
    Violation,
)
from .handles import ArrayOfTasks, Task
from .lease import Lease
from .reporting import Progress, progress, report, report_checkpoint, report_result
from .rfuav import RFUAVClient, RFUAVError
from .selection import Selection, select_device
from .streams import ChangeStream, LogStream
from .version import __version__

__all__ = [
    "ArrayOfTasks",
    "BadRequest",
    "BerthError",
    "ChangeStream",
    "Client",
    "Conflict",
    "Forbidden",
    "Lease",
    "LogStream",
    "NotFound",
    "NothingFree",
    "Progress",
    "QueueFull",
    "RFUAVClient",
    "RFUAVError",
    "Refused",
    "RunningTask",
    "Selection",
    "ServerError",
    "StorageFull",
    "Task",
    "TaskFailed",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "ValidationError",
    "Violation",
    "__version__",
    "progress",
    "report",
    "report_checkpoint",
    "report_result",
    "select_device",
    "task",
]
