# SPDX-License-Identifier: Apache-2.0
"""The wheel that tools/build_wheel.sh makes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def debian_has(module: str) -> bool:
    return subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], capture_output=True).returncode == 0


def test_the_wheel_is_reproducible_and_installs(tmp_path: Path) -> None:
    needed = {
        "pip": "python3-pip",
        "setuptools": "python3-setuptools",
        "wheel": "python3-wheel",
        "ensurepip": "python3-venv",
    }
    missing = [package for module, package in needed.items() if not debian_has(module)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    built = []
    for name in ("first", "second"):
        out = tmp_path / name
        tools = {**os.environ, "PATH": "/usr/bin:/bin"}
        subprocess.run([ROOT / "tools/build_wheel.sh", out], check=True, capture_output=True, env=tools)
        built += out.glob("berth-*.whl")
    assert len(built) == 2
    assert built[0].read_bytes() == built[1].read_bytes()
    python = tmp_path / "venv/bin/python"
    subprocess.run(["/usr/bin/python3", "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", built[0]], check=True)
    code = "import berth, berth.types, berth.api; print(berth.__file__, berth.__version__)"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    said = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith(str(tmp_path / "venv"))
    assert (Path(said.split()[0]).parent / "py.typed").exists()
