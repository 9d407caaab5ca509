# SPDX-License-Identifier: Apache-2.0
"""Which device is chosen, where there is no daemon; and how a process numbers what it may use."""

from __future__ import annotations

import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest

import berth
from berth.visible import Device, Visible

GPUS = [Device(f"cuda:{i}", f"GPU-{i}abc", free_gb=4.0 * (i + 1)) for i in range(3)]


def select(environ: dict[str, str], **wishes: Any) -> berth.Selection:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return berth.select_device(environ=environ, **wishes)


@pytest.fixture
def program(tmp_path: Path) -> dict[str, str]:
    """A program `berth` on PATH that knows three GPUs; what it was asked is in `asked`."""
    devices = [
        {"device_name": gpu.name, "uuid": gpu.uuid, "free_memory_gb": gpu.free_gb, "health": "healthy"} for gpu in GPUS
    ]
    picked = {
        "devices": [{"device": "cuda:2", "uuid": "GPU-2abc", "free_memory_gb": 12.0}],
        "env": {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "GPU-2abc"},
    }
    script = f"""#!/usr/bin/python3
import json, os, sys
open({str(tmp_path / "asked")!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
devices = {devices!r} if os.environ.get("GPUS") != "none" else []
if sys.argv[1] == "gpus":
    print(json.dumps({{"devices": devices}}))
elif not devices or "100G" in sys.argv:
    sys.exit(print("berth: nothing fits: cuda:0: 4.00 GB free", file=sys.stderr) or 5)
else:
    print({json.dumps(json.dumps(picked))})
"""
    (tmp_path / "bin").mkdir()
    path = tmp_path / "bin/berth"
    path.write_text(script)
    path.chmod(0o755)
    return {"PATH": str(tmp_path / "bin"), "BERTH_URL": "http://127.0.0.1:9", "HOME": str(tmp_path)}


NOBODY = {"BERTH_URL": "http://127.0.0.1:9", "PATH": "/nonexistent"}


def test_with_neither_daemon_nor_program_it_is_the_cpu_and_a_warning() -> None:
    with pytest.warns(RuntimeWarning, match="taking the CPU") as warned:
        chosen = berth.select_device(environ=dict(NOBODY))
    assert (chosen, chosen.source, chosen.devices) == ("cpu", "none", ("cpu",))
    assert warned[0].filename == __file__


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_the_cpu_on_demand(how: str) -> None:
    environ = NOBODY | ({"SENSEVOICE_DEVICE": " CPU "} if how == "variable" else {})
    assert select(environ, **({"device": "cpu"} if how == "argument" else {})) == "cpu"


def test_what_is_not_understood() -> None:
    for word in ("banana", "cuda:", "cuda:x", "0", "cuda:0,banana", "mps"):
        with pytest.raises(ValueError, match="not understood"):
            select(NOBODY | {"SENSEVOICE_DEVICE": word})
    for wishes in ({"count": 0}, {"hold": -1}):
        with pytest.raises(ValueError, match="at least"):
            select(dict(NOBODY), **wishes)


def test_the_program_chooses_where_there_is_no_daemon(program: dict[str, str], tmp_path: Path) -> None:
    chosen = select(program, memory_gb=8)
    assert (chosen, chosen.source, chosen.uuids, chosen.lease) == ("cuda:2", "command line", ("GPU-2abc",), None)
    assert "CUDA_VISIBLE_DEVICES" not in program, "only when asked"
    assert "pick --format json --count 1 --policy most_free --memory 8G" in (tmp_path / "asked").read_text()
    exported = select(program, export=True)
    assert (exported, exported.machine_devices) == ("cuda:0", ("cuda:2",))
    assert program["CUDA_VISIBLE_DEVICES"] == "GPU-2abc"


def test_a_device_by_name_without_a_daemon(program: dict[str, str]) -> None:
    assert select(program | {"SENSEVOICE_DEVICE": "cuda:1"}) == "cuda:1"
    assert select(program, device="gpu-0abc") == "cuda:0"
    assert select(program, device="cuda:2,cuda:0").devices == ("cuda:2", "cuda:0")
    with pytest.raises(
        ValueError, match=r"Device index 7 is out of range: this program can use cuda:0, cuda:1, cuda:2"
    ):
        select(program, device="cuda:7")


def test_no_gpu_is_the_cpu_and_no_room_an_error(program: dict[str, str]) -> None:
    for device in ("auto", "cuda", "cuda:1"):
        assert select(program | {"GPUS": "none"}, device=device) == "cpu"
    with pytest.raises(berth.NothingFree, match="nothing fits: cuda:0"):
        select(program, memory_gb=100)


def test_within_a_task_it_is_what_the_task_was_given() -> None:
    given = NOBODY | {
        "BERTH_TASK_ID": "t", "BERTH_DEVICE": "cuda:0", "CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b",
        "SENSEVOICE_DEVICE": "cuda:7",
    }  # fmt: skip
    chosen = select(given)
    assert (chosen, chosen.source, chosen.env) == ("cuda:0", "given", {"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"})
    assert select(given, count=2) == "cuda:0,cuda:1"
    assert select(given, device="cpu") == "cpu"
    with pytest.raises(ValueError, match="was given cuda:0, cuda:1"):
        select(given, count=3)
    leased = {name: value for name, value in given.items() if name != "BERTH_TASK_ID"} | {"BERTH_LEASE": "l"}
    assert select(leased) == "cuda:0"


def test_a_selection_is_a_text(program: dict[str, str]) -> None:
    chosen = select(program)
    assert isinstance(chosen, str)
    assert json.dumps(chosen) == '"cuda:2"'
    assert pickle.loads(pickle.dumps(chosen)) == "cuda:2"
    chosen.release()


@pytest.mark.parametrize(
    ("listed", "here"),
    [
        (None, ["cuda:0", "cuda:1", "cuda:2"]),
        ("2,0", ["cuda:1", None, "cuda:0"]),
        ("GPU-1a", [None, "cuda:0", None]),
        ("1,banana,2", [None, "cuda:0", None]),
        ("-1", [None, None, None]),
        ("", [None, None, None]),
    ],
)
def test_numbers_are_those_of_this_process(listed: str | None, here: list[str | None]) -> None:
    visible = Visible(GPUS, {} if listed is None else {"CUDA_VISIBLE_DEVICES": listed})
    for gpu, name in zip(GPUS, here):
        assert (gpu in visible.devices) == (name is not None)
        if name is not None:
            assert visible.name_here(gpu) == name
            assert visible.named(name) == gpu


def test_a_process_that_sees_some_of_the_gpus_gets_one_of_them(program: dict[str, str]) -> None:
    limited = program | {"CUDA_VISIBLE_DEVICES": "1,0"}
    chosen = select(limited)
    assert (chosen, chosen.machine_devices) == ("cuda:0", ("cuda:1",)), "the freer of the two"
    assert select(limited, device="cuda:1").machine_devices == ("cuda:0",)
    with pytest.raises(berth.NothingFree):
        select(limited, count=3)
    assert select(program | {"CUDA_VISIBLE_DEVICES": "-1"}) == "cpu"


def test_little_memory_is_warned_of(program: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "bin/berth"
    path.write_text(path.read_text().replace("12.0", "1.5"))
    with pytest.warns(RuntimeWarning, match=r"cuda:2 has only 1\.50 GiB free"):
        assert berth.select_device(environ=program) == "cuda:2"


def test_a_program_that_does_not_work_is_an_error(program: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin/berth").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    with pytest.raises(berth.BerthError, match="broken"):
        select(program)
    os.chmod(tmp_path / "bin/berth", 0o755)
