# SPDX-License-Identifier: Apache-2.0
"""Wait until something holds. The deadlines are generous: a test machine may be busy."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Multiplies every deadline, for sanitizer builds and slow machines.
PATIENCE = float(os.environ.get("BERTH_TEST_PATIENCE", "1"))
WITHIN = 60.0


class NotInTimeError(AssertionError):
    """What was waited for did not come true."""


def wait_until(
    check: Callable[[], T],
    what: str,
    within: float = WITHIN,
    every: float = 0.02,
    unless: Callable[[], str | None] | None = None,
) -> T:
    """The first true answer of `check`. `unless` may give a reason to stop waiting at once."""
    end = time.monotonic() + within * PATIENCE
    while True:
        answer = check()
        if answer:
            return answer
        if unless is not None and (reason := unless()):
            raise NotInTimeError(f"{what}: {reason}")
        if time.monotonic() > end:
            raise NotInTimeError(f"{what}: not within {within * PATIENCE:g} s; last seen {answer!r}")
        time.sleep(every)
