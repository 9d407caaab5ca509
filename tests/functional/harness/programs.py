# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test lie, and what is there."""

from __future__ import annotations

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BIN_DIR = Path(os.environ.get("BERTH_BIN_DIR", ROOT / "build/release/bin")).absolute()
FAKES_DIR = Path(os.environ.get("BERTH_FAKES_DIR", ROOT / "build/release/fakes")).absolute()
TEST_DATA = os.environ.get("BERTH_TEST_DATA")

BERTHD = BIN_DIR / "berthd"
BERTH = BIN_DIR / "berth"
SHIM = BIN_DIR / "berth-shim"
WORKER = BIN_DIR / "berth-worker-vision"
PREPARE_WORKER = BIN_DIR / "berth-worker-prepare"
SIGNAL_WORKER = BIN_DIR / "berth-worker-signal"
FAKE_NVML = FAKES_DIR / "libnvidia-ml.so.1"
KILL_POINT = FAKES_DIR / "libberth-kill-point.so"
FAKEGPU_CTL = FAKES_DIR / "fakegpu-ctl"
FAKEGPU_TASK = FAKES_DIR / "fakegpu-task"


def worker_installed() -> bool:
    """As the daemon sees it: the program and its description beside it."""
    description = WORKER.with_name(WORKER.name + ".json")
    try:
        return WORKER.is_file() and bool(json.loads(description.read_text()))
    except (OSError, ValueError):
        return False


def data_set(name: str) -> Path | None:
    if not TEST_DATA:
        return None
    path = Path(TEST_DATA).absolute() / name
    return path if path.is_dir() else None
