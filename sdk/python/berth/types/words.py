# SPDX-License-Identifier: Apache-2.0
"""Words that several requests and answers share."""

from __future__ import annotations

import os
from typing import Literal, Union

#: `completed`, `failed` and `cancelled` are final.
State = Literal["pending", "queued", "running", "completed", "failed", "cancelled"]

#: What a task counts as. Devices have limits for trainings and inferences, none for commands.
Kind = Literal["command", "training", "inference"]

#: How to choose among the devices that fit; "" means `balanced`.
Policy = Literal["balanced", "most_free", "least_loaded", "pack", "spread", "fastest", ""]

#: Text is sent as it is (relative paths count from the daemon's directory); a `pathlib.Path` is made absolute.
PathLike = Union[str, "os.PathLike[str]"]

FINAL = ("completed", "failed", "cancelled")
