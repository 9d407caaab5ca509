# SPDX-License-Identifier: Apache-2.0
"""Fixtures: daemons in directories of their own, simulated GPUs, and what skips what is missing."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import programs
from harness.client import Client
from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import FakeGpus, MakeGpus
from harness.training import stand_in_daemon


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes a minute or more; run by default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs = [
        ("daemon", [programs.BERTHD, programs.SHIM]),
        ("fake_gpus", [programs.FAKE_NVML, programs.FAKEGPU_CTL, programs.FAKEGPU_TASK]),
        ("berth", [programs.BERTH]),
    ]
    for item in items:
        for fixture, files in needs:
            missing = [str(path) for path in files if not path.exists()]
            if fixture in getattr(item, "fixturenames", ()) and missing:
                item.add_marker(pytest.mark.skip(reason=f"not built: {', '.join(missing)}"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, for the socket's sake, and kept when BERTH_TEST_KEEP is set."""
    path = Path(tempfile.mkdtemp(prefix="berth-test-"))
    yield path
    if not os.environ.get("BERTH_TEST_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """In memory: for what is timed and is not about the disk, which others use at the same time."""
    shared_memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="berth-test-", dir=shared_memory if shared_memory.is_dir() else None))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_daemon(folder: Path) -> Iterator[MakeDaemon]:
    """Makes started daemons; each is checked and ended when the test is over."""
    made: list[Daemon] = []

    def make(inside: Path = folder, **options: Any) -> Daemon:
        made.append(Daemon(inside / f"d{len(made)}", **options))
        return made[-1].start()

    yield make
    errors = []
    for daemon in made:
        try:
            daemon.close()
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise errors[0]


@pytest.fixture
def daemon(make_daemon: MakeDaemon) -> Daemon:
    """A daemon on a machine without GPUs."""
    return make_daemon()


@pytest.fixture
def client(daemon: Daemon) -> Client:
    return daemon.client


@pytest.fixture
def fake_gpus(folder: Path) -> Iterator[MakeGpus]:
    """Makes simulated machines; close() undoes what blocks the driver, so it runs before the
    daemons' end: a test that takes both must name `make_daemon` first."""
    made: list[FakeGpus] = []

    def make(count: int = 8, memory: str = "24G", **options: str) -> FakeGpus:
        place = folder / f"gpus{len(made)}"
        place.mkdir()
        made.append(FakeGpus(place, count, memory, **options))
        return made[-1]

    yield make
    for gpus in made:
        gpus.close()


@pytest.fixture
def two_gpus(make_daemon: MakeDaemon, fake_gpus: MakeGpus, folder: Path) -> Daemon:
    """A daemon whose worker, a stand-in, can use its two GPUs."""
    return make_daemon(gpus=fake_gpus(2), program=stand_in_daemon(folder))


@pytest.fixture
def worker() -> None:
    """Tests of training and inference."""
    if not programs.worker_installed():
        pytest.skip(f"no berth-worker-vision in {programs.BIN_DIR}")
    if not programs.BERTHD.exists():
        pytest.skip(f"not built: {programs.BERTHD}")


@pytest.fixture
def berth() -> Path:
    return programs.BERTH
