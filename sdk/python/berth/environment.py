# SPDX-License-Identifier: Apache-2.0
"""What a program that Berth has started finds in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

#: By vendor: the variable that lists the devices a program may use.
VISIBLE_VARIABLES = {
    "cuda": "CUDA_VISIBLE_DEVICES",
    "rocm": "ROCR_VISIBLE_DEVICES",
    "xpu": "ZE_AFFINITY_MASK",
    "npu": "ASCEND_RT_VISIBLE_DEVICES",
}


@dataclass(frozen=True)
class RunningTask:
    """The task that this program is."""

    id: str
    #: How often it has been launched, from 1.
    attempt: int
    #: As this program sees it: `cuda:0` for the first of its GPUs, `cpu`.
    device: str
    #: Every device it was given, as this program sees them: `("cuda:0", "cuda:1")`.
    devices: tuple[str, ...]
    #: What is reserved for it on each device, in bytes; None when nothing is.
    memory_limit: int | None
    #: The array that it is a task of, its index there, and how many tasks were submitted.
    array_id: str | None = None
    array_index: int | None = None
    array_size: int | None = None


def task(environ: Mapping[str, str] = os.environ) -> RunningTask | None:
    """The task that this program is; None when Berth has not started it."""
    identifier = environ.get("BERTH_TASK_ID")
    if not identifier:
        return None
    device = environ.get("BERTH_DEVICE") or "cpu"
    return RunningTask(
        id=identifier,
        attempt=_number(environ, "BERTH_ATTEMPT") or 1,
        device=device,
        devices=_listed(environ, device),
        memory_limit=_number(environ, "BERTH_MEMORY_LIMIT"),
        array_id=environ.get("BERTH_ARRAY_ID"),
        array_index=_number(environ, "BERTH_ARRAY_INDEX"),
        array_size=_number(environ, "BERTH_ARRAY_SIZE"),
    )


def given_devices(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """What Berth has given to this program, as it sees them: as a task, or with a lease's variables. Empty: nothing."""
    if not (environ.get("BERTH_TASK_ID") or environ.get("BERTH_LEASE")):
        return ()
    return _listed(environ, environ.get("BERTH_DEVICE") or "cpu")


def _listed(environ: Mapping[str, str], device: str) -> tuple[str, ...]:
    vendor = device.partition(":")[0]
    listed = environ.get(VISIBLE_VARIABLES.get(vendor, ""), "")
    count = len([word for word in listed.split(",") if word.strip()])
    return tuple(f"{vendor}:{i}" for i in range(count)) if count > 1 else (device,)


def _number(environ: Mapping[str, str], name: str) -> int | None:
    try:
        return int(environ[name])
    except (KeyError, ValueError):
        return None
