# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, a class for each way to deal with it. The message says what was wrong, in the daemon's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from .types import TaskArray, TaskResponse


class _ViolationRequired(TypedDict):
    #: What kind of violation, as pydantic 2 names it: `missing`, `int_parsing`, `greater_than_equal`
    type: str
    #: Where: `["body", "batch_size"]`, `["query", "limit"]`
    loc: list[Any]
    msg: str
    #: What was given; for a missing field the whole object
    input: Any


class Violation(_ViolationRequired, total=False):
    """One way in which a request did not match its schema."""

    #: The bound that was broken: `{"ge": 1}`
    ctx: dict[str, Any]


class BerthError(RuntimeError):
    """The daemon refused, or could not be asked.

    `status` is the HTTP status, None where there was no answer; `detail` what the answer gave as its reason: a
    text, of a ValidationError a list.
    """

    def __init__(self, message: str, status: int | None = None, detail: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.detail = message if detail is None else detail

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.status, self.detail)


class Unreachable(BerthError):
    """Nobody answers there, the connection broke, or no answer came in time.

    Requests that change nothing have been tried again already. Whether another one was carried out is not known.
    """


class BadRequest(BerthError):
    """400: understood, but it cannot be: a device that is not there, an unknown model, a path that does not exist."""


class Unauthorized(BerthError):
    """401: the token is missing or wrong."""


class Forbidden(BerthError):
    """403: this client, or a path of the request, is not allowed."""


class NotFound(BerthError):
    """404: there is no such task, lease or path."""


class Conflict(BerthError):
    """409: the id exists already, or the task's state does not allow this."""


class NothingFree(Conflict):
    """409 for a lease: no device can be had at the moment. The message has a reason per device."""


class ValidationError(BerthError):
    """422: the request does not match its schema. `violations` lists every one, `fields` only where they are."""

    @property
    def violations(self) -> list[Violation]:
        return self.detail if isinstance(self.detail, list) else []

    @property
    def fields(self) -> list[str]:
        """`["batch_size", "retry.max"]`, without the `body` or `query` in front."""
        return [".".join(str(part) for part in violation["loc"][1:]) for violation in self.violations]


class Refused(BerthError):
    """Nothing is wrong with the request, but the daemon does not take it now. The same may be taken later."""


class QueueFull(Refused):
    """429: the queue has as many tasks as the configuration allows."""


class Unavailable(Refused):
    """503: a part of the daemon is not ready or not installed."""


class StorageFull(Refused):
    """507: the daemon's state directory has no room left."""


class ServerError(BerthError):
    """Any other 5xx: a defect; the daemon's log has more."""


class TaskFailed(BerthError):
    """A task that was to end well did not; `task` is its record. Raised only where `check=True` asks for it."""

    def __init__(self, task: TaskResponse | TaskArray) -> None:
        super().__init__(f"task {task['task_id']} {task['status']}: {task['message']}", None, task)
        self.task = task

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.task,)


_BY_STATUS: dict[int, type[BerthError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: ValidationError,
    429: QueueFull,
    503: Unavailable,
    507: StorageFull,
}


def error_of(status: int, body: bytes) -> BerthError:
    """The error that an answer stands for; `body` is JSON with a `detail`, or anything that something between us
    and the daemon has sent."""
    detail: Any = None
    try:
        answer = json.loads(body)
        detail = answer.get("detail") if isinstance(answer, Mapping) else None
    except ValueError:
        detail = body.decode(errors="replace").strip()[:500]
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else BerthError)
    return kind(_words(detail) or f"the daemon answered with status {status}", status, detail)


def _words(detail: Any) -> str:
    if not isinstance(detail, list):
        return "" if detail is None else str(detail)
    lines = []
    for violation in detail:
        loc = violation.get("loc", []) if isinstance(violation, Mapping) else []
        place = ".".join(str(part) for part in loc if part not in ("body", "query", "path"))
        message = violation.get("msg", violation) if isinstance(violation, Mapping) else violation
        lines.append(f"{place}: {message}" if place else str(message))
    return "; ".join(lines)
