# SPDX-License-Identifier: Apache-2.0
"""Splitting, augmenting and cropping data sets by the built-in worker, through REST and the command line."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from harness import programs
from harness.client import Client, Json
from harness.command_line import CommandLine
from harness.daemon import Daemon, MakeDaemon
from harness.pictures import COLOURS, noise, write_bmp, write_png
from harness.processes import Process
from harness.sse import messages, read_log
from harness.waiting import wait_until

METHODS = ["AdvancedBlur", "CLAHE", "ColorJitter", "GaussNoise", "ISONoise", "Sharpen"]


@pytest.fixture(autouse=True)
def _prepare_worker() -> None:
    for program in (programs.PREPARE_WORKER, programs.BERTHD):
        if not program.exists():
            pytest.skip(f"not built: {program}")


def write_set(root: Path, classes: dict[str, int], side: int = 24) -> Path:
    """A folder per class with so many pictures, every second one a BMP."""
    rng = random.Random(5)
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            write, suffix = (write_bmp, "bmp") if number % 2 else (write_png, "png")
            write(root / name / f"{number:04}.{suffix}", noise(rng, COLOURS["blue"], side))
    return root


def write_slow_set(root: Path, count: int = 400) -> Path:
    """So much work to augment that it does not end before it is looked at: links to one large picture."""
    place = root / "train" / "a"
    place.mkdir(parents=True)
    first = place / "0000.png"
    row = bytes(range(256)) * 12
    write_png(first, [row] * 1024)
    for number in range(1, count):
        os.link(first, place / f"{number:04}.png")
    return root


def start(client: Client, work: str, **fields: Any) -> Json:
    body = {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
    return client.post(f"/api/v2/preprocessing/{work}", body)


def status(client: Client, task_id: str) -> Json:
    return client.get(f"/api/v2/preprocessing/{task_id}")


def ended(client: Client, task_id: str, within: float = 120) -> Json:
    client.wait_end(task_id, within=within)
    return status(client, task_id)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def worker_process(daemon: Daemon, task_id: str) -> Process | None:
    for process in daemon.task_processes(task_id):
        if Path(process.command.split(" ")[0]).name == programs.PREPARE_WORKER.name:
            return process
    return None


def wait_working(daemon: Daemon, task_id: str) -> Process:
    """Until it has told progress."""
    wait_until(lambda: status(daemon.client, task_id)["progress"] > 0, "it makes progress")
    process = worker_process(daemon, task_id)
    assert process is not None
    return process


def test_split_puts_every_picture_into_one_part(daemon: Daemon, folder: Path) -> None:
    source = write_set(folder / "in", {"a": 10, "b": 7, "none": 0})
    (source / "a" / "notes.txt").write_text("no picture")
    output = folder / "out"
    created = start(
        daemon.client, "split", input_path=source, output_path=output, train_ratio=0.6, val_ratio=0.2,
        task_id="s", description="for people",
    )  # fmt: skip
    assert (created["task_id"], created["task_type"], created["status"]) == ("s", "dataset_split", "pending")
    assert (created["progress"], created["stats"]) == (0, None)
    assert (created["input_path"], created["output_path"]) == (str(source), str(output))
    task = ended(daemon.client, "s")
    assert (task["status"], task["progress"], task["error"]) == ("completed", 100, None), task
    stats = task["stats"]
    counts = [stats[name] for name in ("total_images", "train_images", "val_images", "test_images")]
    assert counts == [17, 10, 3, 4]
    assert (stats["classes"], stats["empty_classes"]) == (["a", "b"], ["none"])
    assert (stats["failed"], stats["skipped_files"]) == (0, 1)
    copied = [name.split("/", 1)[1] for name in files(output)]
    assert sorted(copied) == sorted(name for name in files(source) if not name.endswith(".txt"))
    assert len(files(output / "train" / "a")) == 6
    for name in files(output):
        assert (output / name).read_bytes() == (source / name.split("/", 1)[1]).read_bytes()
    whole = daemon.client.task("s")
    assert (whole["task_type"], whole["kind"], whole["device"]) == ("dataset_split", "command", "cpu")
    assert (whole["items_done"], whole["items_total"]) == (17, 17)
    assert whole["save_path"] == str(output)


def test_splits_follow_from_their_seed_and_do_not_mix(daemon: Daemon, folder: Path) -> None:
    source = write_set(folder / "in", {"a": 20})

    def split(output: str, **fields: Any) -> Json:
        task = start(daemon.client, "split", input_path=source, output_path=folder / output, **fields)
        return ended(daemon.client, task["task_id"])

    assert split("one")["status"] == split("two")["status"] == split("three", seed=9)["status"] == "completed"
    assert files(folder / "one") == files(folder / "two") != files(folder / "three")
    before = files(folder / "one")
    again = split("one", seed=9)
    assert again["status"] == "failed"
    assert again["error"]["code"] == "bad_request"
    assert "overwrite" in again["error"]["message"]
    assert files(folder / "one") == before
    assert split("one", seed=9, overwrite=True)["status"] == "completed"
    assert files(folder / "one") == files(folder / "three")


def test_links_are_made_when_asked_for(daemon: Daemon, folder: Path) -> None:
    source = write_set(folder / "in", {"a": 4})
    task = start(daemon.client, "split", input_path=source, output_path=folder / "out", link=True)
    assert ended(daemon.client, task["task_id"])["status"] == "completed"
    for name in files(folder / "out"):
        assert (folder / "out" / name).stat().st_ino == (source / name.split("/", 1)[1]).stat().st_ino


def test_augment_writes_originals_and_one_picture_per_method(daemon: Daemon, folder: Path) -> None:
    data = folder / "data" / "set"
    write_set(data / "train", {"a": 3, "b": 2})
    write_set(data / "valid", {"a": 1})
    (data / "train" / "b" / "broken.png").write_bytes(b"no picture")
    created = start(daemon.client, "augment", dataset_path=data)
    output = folder / "dataset_aug"
    assert (created["task_type"], created["output_path"]) == ("data_augmentation", str(output))
    task = ended(daemon.client, created["task_id"])
    assert task["status"] == "completed", task
    stats = task["stats"]
    assert (stats["original_images"], stats["augmented_images"], stats["methods_used"]) == (7, 36, 6)
    assert (stats["methods"], stats["classes"]) == (METHODS, ["a", "b"])
    assert (stats["failed"], [file["path"] for file in stats["failed_files"]]) == (1, ["train/b/broken.png"])
    assert len(files(output)) == 6 * 7
    assert (output / "train/a/0001_origin.bmp").read_bytes() == (data / "train/a/0001.bmp").read_bytes()
    assert (output / "train/a/0001_AugM3.bmp").read_bytes()[:2] == b"BM"
    assert (output / "valid/a/0000_AugM5.png").read_bytes()[:4] == b"\x89PNG"
    only = start(daemon.client, "augment", dataset_path=data, output_path=folder / "x", methods=["Sharpen"])
    assert ended(daemon.client, only["task_id"])["stats"]["augmented_images"] == 6
    assert (folder / "x/valid/a/0000_AugM0.png").read_bytes() == (
        output / "valid/a/0000_AugM5.png"
    ).read_bytes(), "the same picture, method and seed"


def test_crop_keeps_the_structure_and_names_what_failed(daemon: Daemon, folder: Path) -> None:
    source = write_set(folder / "in", {"a": 2, "b/deep": 2}, side=20)
    write_png(source / "small.png", noise(random.Random(1), COLOURS["blue"], 4))
    created = start(
        daemon.client, "crop", input_path=source, output_path=folder / "out", x=5, y=6, width=10, height=100
    )
    task = ended(daemon.client, created["task_id"])
    assert (task["task_type"], task["status"]) == ("image_crop", "completed")
    stats = task["stats"]
    assert (stats["total_images"], stats["success"], stats["failed"]) == (5, 4, 1)
    assert stats["failed_files"][0]["path"] == "small.png"
    assert "4 x 4" in stats["failed_files"][0]["reason"]
    assert files(folder / "out") == files(source) - {"small.png"} | {".berth-output"}
    (folder / "own/a").mkdir(parents=True)
    (folder / "own/a/0000.png").write_bytes(b"mine")
    created = start(
        daemon.client, "crop", input_path=source, output_path=folder / "own", x=5, y=6, width=5, height=5
    )
    refused = ended(daemon.client, created["task_id"])
    assert refused["status"] == "failed"
    assert "already holds a/0000.png, which would be replaced" in refused["message"]
    assert (folder / "own/a/0000.png").read_bytes() == b"mine"
    header = (folder / "out/a/0001.bmp").read_bytes()[18:26]
    assert [int.from_bytes(header[i : i + 4], "little") for i in (0, 4)] == [10, 14]
    single = start(
        daemon.client, "crop", input_path=source / "a/0000.png", output_path=folder / "one",
        x=0, y=0, width=1, height=1,
    )  # fmt: skip
    assert ended(daemon.client, single["task_id"])["status"] == "completed"
    assert files(folder / "one") == {"0000.png", ".berth-output"}


def test_the_log_tells_what_is_done_in_both_languages(daemon: Daemon, folder: Path) -> None:
    source = write_set(folder / "in", {"a": 10})
    start(daemon.client, "split", input_path=source, output_path=folder / "out", task_id="s")
    ended(daemon.client, "s")
    lines = messages(read_log(daemon.client, "s"))
    assert "a: 8 train, 2 val" in lines
    assert lines[-1] == "The task has ended"
    assert lines[-2] == "Data set split completed!"
    chinese = Client(daemon.address, language="zh")
    assert chinese.get("/api/v2/preprocessing/s")["message"] == "数据集分割完成"
    events = chinese.request("GET", "/api/v2/preprocessing/s/logs").body.decode()
    assert "开始数据集分割..." in events
    assert "数据集分割完成！" in events
    assert "任务结束" in events


def test_cancel_stops_the_worker_and_leaves_no_half_files(daemon: Daemon, folder: Path) -> None:
    source = write_slow_set(folder / "set")
    start(daemon.client, "augment", dataset_path=source, output_path=folder / "out", task_id="c")
    process = wait_working(daemon, "c")
    assert "Working (" in status(daemon.client, "c")["message"]
    answer = daemon.client.post("/api/v2/preprocessing/c/cancel")
    assert answer == {"status": "success", "message": "The preprocessing task is cancelled", "task_id": "c"}
    task = ended(daemon.client, "c", within=30)
    assert (task["status"], task["stats"]) == ("cancelled", None)
    assert worker_process(daemon, "c") is None
    assert not Path(f"/proc/{process.pid}").exists()
    assert [name for name in files(folder / "out") if ".part" in name] == []
    for name in files(folder / "out"):
        assert (folder / "out" / name).read_bytes().endswith(b"IEND\xaeB`\x82"), name
    late = daemon.client.request("POST", "/api/v2/preprocessing/c/cancel")
    assert late.status == 400
    assert "cancelled" in late.detail
    daemon.client.remove("c")
    assert daemon.client.request("GET", "/api/v2/preprocessing/c").status == 404


def test_a_cancelled_split_leaves_the_earlier_one(daemon: Daemon, folder: Path) -> None:
    source = write_set(folder / "in", {"a": 2})
    big = source / "a" / "big.png"
    with big.open("wb") as file:
        file.truncate(1 << 31)  # sparse: quick to make, slow to copy
    old = folder / "out" / "train" / "old"
    old.mkdir(parents=True)
    (old / "x.png").write_bytes(b"x")
    start(
        daemon.client, "split", input_path=source, output_path=folder / "out", overwrite=True, task_id="c",
        train_ratio=0.9,
    )  # fmt: skip
    wait_until(lambda: (folder / "out/.berth-split").exists(), "it copies")
    daemon.client.post("/api/v2/preprocessing/c/cancel")
    assert ended(daemon.client, "c", within=30)["status"] == "cancelled"
    assert files(folder / "out") == {"train/old/x.png"}
    assert not (folder / "out/.berth-split").exists()


def test_work_goes_on_while_the_daemon_is_restarted(daemon: Daemon, folder: Path) -> None:
    source = write_slow_set(folder / "set", count=40)
    start(
        daemon.client, "augment", dataset_path=source, output_path=folder / "out",
        methods=["CLAHE", "ISONoise"], task_id="r",
    )  # fmt: skip
    process = wait_working(daemon, "r")
    daemon.restart()
    task = ended(daemon.client, "r")
    assert task["status"] == "completed", task
    assert (task["stats"]["augmented_images"], daemon.client.task("r")["attempt"]) == (80, 1)
    assert len(files(folder / "out")) == 120
    assert not Path(f"/proc/{process.pid}").exists()


def test_a_killed_worker_is_told_and_a_retry_begins_again(daemon: Daemon, folder: Path) -> None:
    source = write_slow_set(folder / "set", count=30)
    start(
        daemon.client, "augment", dataset_path=source, output_path=folder / "out", methods=["CLAHE"],
        task_id="k", retry={"max": 1, "backoff_s": 0},
    )  # fmt: skip
    os.kill(wait_working(daemon, "k").pid, signal.SIGKILL)
    task = ended(daemon.client, "k")
    assert task["status"] == "completed"
    assert daemon.client.task("k")["retries"] == 1
    assert len([name for name in files(folder / "out") if ".part" not in name]) == 60


@pytest.mark.parametrize(
    ("work", "fields", "refused"),
    [
        ("split", {"train_ratio": 0.05}, ("greater_than_equal", ["body", "train_ratio"])),
        ("split", {"val_ratio": 0.7}, ("less_than_equal", ["body", "val_ratio"])),
        ("split", {"train_ratio": 0.9, "val_ratio": 0.5}, ("value_error", ["body", "val_ratio"])),
        ("split", {"input_path": 5}, ("string_type", ["body", "input_path"])),
        ("crop", {"x": -1}, ("greater_than_equal", ["body", "x"])),
        ("crop", {"height": 0}, ("greater_than_equal", ["body", "height"])),
        ("crop", {"width": 1.5}, ("int_from_float", ["body", "width"])),
        ("augment", {"methods": "CLAHE"}, ("list_type", ["body", "methods"])),
    ],
)
def test_bad_fields_are_refused_at_once(
    daemon: Daemon, folder: Path, work: str, fields: Json, refused: tuple[str, list[str]]
) -> None:
    body = {"input_path": str(folder), "output_path": str(folder / "o"), "dataset_path": str(folder)}
    body |= {"x": 0, "y": 0, "width": 5, "height": 5, **fields}
    answer = daemon.client.request("POST", f"/api/v2/preprocessing/{work}", body)
    assert (answer.status, answer.violations()) == (422, [refused])
    assert daemon.client.get("/api/v2/tasks")["total"] == 0


def test_what_is_not_there_is_refused_or_fails_with_its_reason(daemon: Daemon, folder: Path) -> None:
    def refused(work: str, **fields: Any) -> tuple[int, str]:
        answer = daemon.client.request("POST", f"/api/v2/preprocessing/{work}", fields)
        return answer.status, answer.detail

    status_, detail = refused("split", input_path="/nonexistent", output_path=str(folder / "o"))
    assert (status_, "/nonexistent" in detail) == (400, True)
    status_, detail = refused("augment", dataset_path=str(folder), methods=["Blurr"])
    assert (status_, "CLAHE" in detail) == (400, True)
    (folder / "flat").mkdir()
    rectangle = {"x": 0, "y": 0, "width": 1, "height": 1}
    for work, fields in {
        "split": {"input_path": folder / "flat", "output_path": folder / "o"},
        "augment": {"dataset_path": folder / "flat", "output_path": folder / "o"},
        "crop": {"input_path": folder / "flat", "output_path": folder / "o", **rectangle},
    }.items():
        task = ended(daemon.client, start(daemon.client, work, **fields)["task_id"])
        assert (task["status"], task["error"]["code"]) == ("failed", "bad_request"), work
        assert task["message"].endswith(task["error"]["message"])
    busy = start(daemon.client, "split", input_path=folder / "flat", output_path=folder / "o", task_id="same")
    assert busy["task_id"] == "same"
    again = {"input_path": str(folder), "output_path": str(folder / "o"), "task_id": "same"}
    assert daemon.client.request("POST", "/api/v2/preprocessing/split", again).status == 409


def test_paths_are_confined_to_the_data_roots(make_daemon: MakeDaemon, folder: Path) -> None:
    source = write_set(folder / "data" / "in", {"a": 2})
    daemon = make_daemon(config={"data_roots": [str(folder / "data")]})
    outside = {"input_path": str(source), "output_path": str(folder / "out")}
    assert daemon.client.request("POST", "/api/v2/preprocessing/split", outside).status == 403
    outside = {"dataset_path": "/etc"}
    assert daemon.client.request("POST", "/api/v2/preprocessing/augment", outside).status == 403
    inside = start(daemon.client, "split", input_path=source, output_path=folder / "data" / "out")
    assert ended(daemon.client, inside["task_id"])["status"] == "completed"


@pytest.mark.usefixtures("berth")
def test_the_command_line_prepares_a_data_set(daemon: Daemon, folder: Path) -> None:
    cli = CommandLine(daemon, folder)
    source = write_set(folder / "in", {"a": 10, "b": 5})
    said = cli.ok("data", "split", "--input", str(source), "--output", str(folder / "set"))
    assert "15: 12 train, 3 valid" in said
    assert str(folder / "set") in said
    words = ["--input", str(folder / "set"), "--output", str(folder / "aug"), "--methods", "CLAHE,Sharpen"]
    assert cli.json("data", "augment", *words, "--json")["augmented_images"] == 30
    words = ["--input", str(folder / "set"), "--output", str(folder / "cut")]
    words += ["--x", "1", "--y", "1", "--width", "5", "--height", "5"]
    task_id = cli.ok("crop", *words, "--detach").strip()
    assert ended(daemon.client, task_id)["stats"]["success"] == 15
    assert "image crop" in cli.ok("ps", "--all")
    failed = cli("data", "split", "--input", str(source), "--output", str(folder / "set"))
    assert failed.returncode == 1
    assert "overwrite" in failed.stderr
