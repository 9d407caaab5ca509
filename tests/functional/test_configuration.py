# SPDX-License-Identifier: Apache-2.0
"""The commented configuration file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.daemon import MakeDaemon

yaml = pytest.importorskip("yaml")

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "berth.yaml"


def test_what_it_offers_is_what_holds_without_it(make_daemon: MakeDaemon) -> None:
    settings = yaml.safe_load(re.sub(r"^#(?=[a-z_]+:)", "", EXAMPLE.read_text(), flags=re.MULTILINE))
    for key in ("listen", "state_dir", "nvml_library", "cancel_grace"):  # the harness has its own
        del settings[key]
    plain, configured = make_daemon(), make_daemon(config=settings)
    for daemon in (plain, configured):
        assert daemon.client.run("true")["policy"] == "balanced"
    assert configured.resources()["limits"] == plain.resources()["limits"]


def test_as_it_stands_it_changes_nothing() -> None:
    assert yaml.safe_load(EXAMPLE.read_text()) is None
