# SPDX-License-Identifier: Apache-2.0
"""Recordings of radio signals drawn, measured and made noisier by the built-in worker, through REST and the command
line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness import programs
from harness.client import Client, Json
from harness.command_line import CommandLine
from harness.daemon import Daemon, MakeDaemon
from harness.recordings import BAND, RATE, write_recording
from harness.sse import messages, read_log
from harness.waiting import wait_until

#: Pictures small enough to be drawn in no time.
SMALL = {"sample_rate": RATE, "duration_time": 0.05, "stft_point": 64, "width": 60, "height": 40}


@pytest.fixture(autouse=True)
def _signal_worker() -> None:
    for program in (programs.SIGNAL_WORKER, programs.BERTHD):
        if not program.exists():
            pytest.skip(f"not built: {program}")


def start(client: Client, work: str, **fields: Any) -> Json:
    body = {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
    return client.post(f"/api/v2/preprocessing/{work}", body)


def ended(client: Client, task_id: str) -> Json:
    client.wait_end(task_id, within=60)
    return client.get(f"/api/v2/preprocessing/{task_id}")


def done(client: Client, work: str, **fields: Any) -> Json:
    """The statistics of a task that must complete."""
    task = ended(client, start(client, work, **fields)["task_id"])
    assert (task["status"], task["progress"]) == ("completed", 100), task
    return task["stats"]


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def size_of_png(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def test_each_slice_of_a_recording_becomes_a_spectrogram(daemon: Daemon, folder: Path) -> None:
    source = folder / "in"
    write_recording(source / "first.iq", 20)
    write_recording(source / "second.iq", 20, samples=12_000)
    (source / "short.iq").write_bytes(b"\0" * 80)
    out = folder / "out"
    wishes = SMALL | {"image_format": "png", "window": "hann", "colormap": "gray"}
    created = start(daemon.client, "spectrogram", source_path=source, save_path=out, task_id="s", **wishes)
    assert (created["task_type"], created["status"]) == ("spectrogram", "pending")
    assert (created["input_path"], created["output_path"]) == (str(source), str(out))
    task = ended(daemon.client, "s")
    assert (task["status"], task["error"]) == ("completed", None), task
    assert files(out) == [f"first ({i}).png" for i in range(4)] + [f"second ({i}).png" for i in range(2)]
    assert {size_of_png(out / name) for name in files(out)} == {(60, 40)}
    stats = task["stats"]
    assert (stats["pictures"], stats["files"], stats["per_class"]) == (6, 2, {"first": 4, "second": 2})
    assert stats["unreadable"]["count"] == 1
    assert stats["unreadable"]["files"][0]["file"] == str(source / "short.iq")
    whole = daemon.client.task("s")
    assert (whole["kind"], whole["device"], whole["save_path"]) == ("command", "cpu", str(out))
    lines = messages(read_log(daemon.client, "s"))
    assert lines[-2:] == ["Spectrogram completed!", "The task has ended"]
    assert any("short.iq" in line for line in lines)


def test_results_without_a_path_go_to_the_daemons_folder(daemon: Daemon, folder: Path) -> None:
    source = write_recording(folder / "a.iq", 20)
    created = start(daemon.client, "spectrogram", source_path=source, max_slices=1, **SMALL)
    task = ended(daemon.client, created["task_id"])
    assert task["status"] == "completed", task
    out = Path(task["output_path"])
    assert (out.parent.name, out.name) == ("results", created["task_id"])
    assert files(out) == ["a (0).jpg"]
    assert (out / "a (0).jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_a_waterfall_is_a_film_or_a_folder(daemon: Daemon, folder: Path) -> None:
    source = write_recording(folder / "a.iq", 20)
    wishes = {
        "sample_rate": RATE, "fft_size": 32, "duration_time": 0.05, "advance": 20, "width": 64, "height": 32,
        "fps": 10,
    }  # fmt: skip
    film = folder / "films" / "a.avi"
    stats = done(daemon.client, "waterfall", source_path=source, save_path=film, **wishes)
    frames = (20_000 // 32 - RATE // 20 // 32) // 20 + 1
    assert (stats["frames"], stats["rows_per_frame"]) == (frames, RATE // 20 // 32)
    assert (film.read_bytes()[:4], film.read_bytes()[8:12]) == (b"RIFF", b"AVI ")
    done(daemon.client, "waterfall", source_path=source, save_path=folder / "f", max_frames=2, **wishes)
    assert files(folder / "f") == ["0_waterfall_spectrogram.jpg", "1_waterfall_spectrogram.jpg"]


def test_recordings_become_a_data_set(daemon: Daemon, folder: Path) -> None:
    for place in ("amber/pack1", "amber/pack2", "blue/pack1"):
        write_recording(folder / "in" / f"{place}.iq", 20, samples=10_000)
    out = folder / "set"
    stats = done(daemon.client, "iq-dataset", source_path=folder / "in", save_path=out, **SMALL)
    assert (stats["pictures"], stats["per_class"]) == (6, {"amber": 4, "blue": 2})
    assert "amber/pack2/amber (1).jpg" in files(out)
    assert len(files(out)) == 7
    told = json.loads((out / "dataset.json").read_text())
    assert told["per_class"] == stats["per_class"]


def test_noise_is_measured_and_added(daemon: Daemon, folder: Path) -> None:
    source = write_recording(folder / "in" / "clean.iq", 20)
    write_recording(folder / "in" / "noise.iq", None)
    stats = done(daemon.client, "snr", source_path=folder / "in", sample_rate=RATE)
    clean, noise = stats["files"]
    assert (clean["file"], clean["signal_found"]) == (str(source), True)
    assert clean["snr_db"] == pytest.approx(20, abs=1.5)
    assert clean["bandwidth_hz"] == pytest.approx(BAND * RATE, rel=0.15)
    assert clean["centre_offset_hz"] == pytest.approx(0.1 * RATE, rel=0.1)
    assert (noise["signal_found"], "snr_db" in noise) == (False, False)
    stats = done(
        daemon.client, "awgn", source_path=source, save_path=folder / "out", sample_rate=RATE, snr_min=0,
        snr_max=30, snr_step=10, seed=3,
    )  # fmt: skip
    assert [copy["snr_db"] for copy in stats["files"]] == [0, 10]
    assert 30 in stats["snr_db_left_out"]
    assert files(folder / "out") == [
        f"clean_{ratio}dB.{ending}" for ratio in (0, 10) for ending in ("iq", "sigmf-meta")
    ]
    measured = done(daemon.client, "snr", source_path=folder / "out")["files"]
    assert [file["snr_db"] for file in measured] == pytest.approx([0, 10], abs=1.5)


@pytest.mark.parametrize(
    ("work", "fields", "refused"),
    [
        ("spectrogram", {"source_path": None}, ("string_type", "source_path")),
        ("spectrogram", {"overlap": 1024}, ("value_error", "overlap")),
        ("spectrogram", {"window": "kaiser"}, ("enum", "window")),
        ("spectrogram", {"ratio": 17}, ("less_than_equal", "ratio")),
        ("waterfall", {"save_path": "/tmp/a.mov"}, ("value_error", "save_path")),
        ("waterfall", {"fps": 0}, ("greater_than_equal", "fps")),
        ("iq-dataset", {"save_path": ""}, ("string_too_short", "save_path")),
        ("iq-dataset", {"width": 1.5}, ("int_from_float", "width")),
        ("snr", {"sample_rate": 0}, ("greater_than", "sample_rate")),
        ("awgn", {"snr_min": 21}, ("value_error", "snr_max")),
        ("awgn", {"seed": -1}, ("greater_than_equal", "seed")),
    ],
)
def test_bad_fields_are_refused_at_once(
    daemon: Daemon, folder: Path, work: str, fields: Json, refused: tuple[str, str]
) -> None:
    body = {"source_path": str(folder), "save_path": str(folder / "o")} | fields
    answer = daemon.client.request("POST", f"/api/v2/preprocessing/{work}", body)
    assert (answer.status, answer.violations()) == (422, [(refused[0], ["body", refused[1]])])
    assert daemon.client.get("/api/v2/tasks")["total"] == 0


def test_what_is_not_there_is_refused_or_fails_with_its_reason(daemon: Daemon, folder: Path) -> None:
    (folder / "empty").mkdir()
    for work in ("spectrogram", "waterfall", "iq-dataset", "snr", "awgn"):
        paths = {"source_path": "/nonexistent", "save_path": str(folder / "o")}
        answer = daemon.client.request("POST", f"/api/v2/preprocessing/{work}", paths)
        assert (answer.status, "/nonexistent" in answer.detail) == (400, True)
        created = start(daemon.client, work, source_path=folder / "empty", save_path=folder / "o")
        task = ended(daemon.client, created["task_id"])
        assert task["status"] == "failed", work
        assert str(folder / "empty") in task["error"]["message"]


def test_paths_are_confined_to_the_data_roots(make_daemon: MakeDaemon, folder: Path) -> None:
    source = write_recording(folder / "data" / "a.iq", 20)
    daemon = make_daemon(config={"data_roots": [str(folder / "data")]})
    outside = {"source_path": str(source), "save_path": str(folder / "out.avi")}
    assert daemon.client.request("POST", "/api/v2/preprocessing/waterfall", outside).status == 403
    outside = {"source_path": "/etc"}
    assert daemon.client.request("POST", "/api/v2/preprocessing/snr", outside).status == 403
    assert done(daemon.client, "spectrogram", source_path=source, **SMALL)["pictures"] == 4


def test_cancel_stops_the_worker_and_leaves_no_half_files(daemon: Daemon, folder: Path) -> None:
    long = folder / "long.iq"
    with long.open("wb") as file:
        file.truncate(4 << 30)  # sparse: quick to make, slow to draw
    start(daemon.client, "spectrogram", source_path=long, save_path=folder / "out", task_id="c")
    wait_until(lambda: (folder / "out").exists() and files(folder / "out"), "it draws")
    processes = daemon.task_processes("c")
    answer = daemon.client.post("/api/v2/preprocessing/c/cancel")
    assert answer["message"] == "The preprocessing task is cancelled"
    task = ended(daemon.client, "c")
    assert (task["status"], task["stats"]) == ("cancelled", None)
    assert [process for process in processes if Path(f"/proc/{process.pid}").exists()] == []
    for name in files(folder / "out"):
        assert (folder / "out" / name).read_bytes().endswith(b"\xff\xd9"), name
    assert daemon.client.request("POST", "/api/v2/preprocessing/c/cancel").status == 400


@pytest.mark.usefixtures("berth")
def test_the_command_line_shows_what_came_out(daemon: Daemon, folder: Path) -> None:
    cli = CommandLine(daemon, folder)
    source = write_recording(folder / "in" / "class" / "a.iq", 20)
    rate = ["--sample-rate", str(RATE)]
    small = [*rate, "--duration", "0.05", "--stft-point", "64", "--width", "60", "--height", "40"]
    said = cli.ok("data", "spectrogram", "--input", str(source), "--output", str(folder / "s"), *small)
    assert "4 of 1 recordings" in said
    assert len(files(folder / "s")) == 4
    words = ["--input", str(folder / "in"), "--output", str(folder / "set"), *small]
    assert "class 4" in cli.ok("data", "iq-dataset", *words)
    words = ["--input", str(source), "--output", str(folder / "a.avi"), *rate, "--duration", "0.05"]
    assert cli.json("data", "waterfall", *words, "--fft-size", "32", "--advance", "20")["frames"] > 1
    assert re.search(r"^a\.iq +(19|20|21)\.\d dB", cli.ok("snr", "--input", str(source), *rate), re.M)
    words = ["--input", str(source), "--output", str(folder / "n"), "--snr-min", "0", "--snr-max", "10"]
    said = cli.ok("data", "awgn", *words, "--snr-step", "5", *rate)
    assert "3, 0 to 10 dB" in said
    assert str(folder / "n") in said
    assert "iq dataset" in cli.ok("ps", "--all")
    refused = cli("data", "snr", "--input", str(source), "--format", "cf99")
    assert refused.returncode == 2
    assert "format" in refused.stderr
    failed = cli("data", "awgn", "--input", str(folder / "in"), "--output", str(folder / "x"))
    assert failed.returncode == 1
    assert "not a file" in failed.stderr
