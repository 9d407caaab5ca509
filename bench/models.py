# SPDX-License-Identifier: Apache-2.0
"""Training, inference and the loading of pictures against Python's usual loop (torchvision_loop.py), which gets its
best number of loader workers and memory layout. Both warm up for one pass and do the same work: the loop has no average of
the weights, so ours has none. On a shared machine the best of several runs counts: as many of ours as of the loop's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import Figure

LOOP = Path(__file__).resolve().parent / "torchvision_loop.py"
# The C++ side sets the same for itself: spinning threads make busy machines slower.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "20000"}


def side_by_side(
    ours: Callable[[], float], what: str, folder: Path, model: str, size: int, batch: int, threads: int
) -> tuple[float, float, str]:
    """Our best, the loop's best of all its ways, and which way. In turns: whatever else the machine does meets both."""
    layouts = ("plain",) if what == "load" else ("plain", "channels_last")
    mine, best, way = 0.0, 0.0, ""
    for workers in sorted({0, 1, threads}):
        for layout in layouts:
            mine = max(mine, ours())
            done = subprocess.run(
                [sys.executable, LOOP, what, folder, model, str(size), str(batch), str(workers), str(threads), layout],
                check=True, capture_output=True, text=True, env={**os.environ, **PASSIVE})  # fmt: skip
            if (rate := float(done.stdout)) > best:
                best, way = rate, f"{workers} loader workers, {layout}"
    return mine, best, way


def events(program: Path, task: str, spec: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    spec_file, news = folder / "spec.json", folder / "events"
    spec_file.write_text(json.dumps(spec))
    news.unlink(missing_ok=True)
    subprocess.run([program, task, "--spec", spec_file], check=True, capture_output=True,
                   env={**os.environ, **PASSIVE, "BERTH_EVENTS": str(news), "BERTH_DEVICE": "cpu"})  # fmt: skip
    return [json.loads(line) for line in news.read_text().splitlines()]


def result(all_events: list[dict[str, Any]]) -> dict[str, Any]:
    return next(event["data"] for event in all_events if event["event"] == "result")


def measure(bin_dir: Path, folder: Path) -> list[Figure]:
    worker, maker = bin_dir / "berth-worker-vision", bin_dir / "berth-worker-dataset"
    speed = bin_dir.parent / "workers" / "tests" / "worker_load_speed"
    there = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True).returncode == 0
    if not (worker.exists() and speed.exists() and there):
        print("models are left out: the workers are not built, or torchvision is missing", file=sys.stderr)
        return []
    threads = os.cpu_count() or 1
    figures: list[Figure] = []

    def pictures(name: str, side: int, count: int) -> Path:
        out = folder / name
        subprocess.run([maker, "synth", "--out", out, "--size", str(side), "--train-per-class", str(count),
                        "--val-per-class", "2", "--classes", "chirp,noise"], check=True, capture_output=True)  # fmt: skip
        return out

    def add(name: str, ours: Callable[[], float], goal: float, what: str, data: Path, model: str, size: int,
            batch: int) -> None:  # fmt: skip
        rate, peer, way = side_by_side(ours, what, data, model, size, batch, threads)
        figures.append(Figure(name, rate, "images/s", peer="Python", peer_value=peer, goal=goal, at_most=False,
                              note=f"{threads} threads; torchvision with {way}"))  # fmt: skip

    large = pictures("large", 1440, 60)

    def load() -> float:
        done = subprocess.run([speed, large / "train", "224", "16", str(threads)], check=True, capture_output=True, text=True)
        one = json.loads(done.stdout)
        return float(one["images"] / one["seconds"])

    add("loading JPEGs of 2.07 megapixels at 224 px", load, 2, "load", large / "train", "-", 224, 16)

    small = pictures("small", 224, 64)
    for model, size, batch in (("resnet18", 64, 32), ("resnet18", 224, 16), ("vit_b_16", 224, 4)):
        data = small if model == "resnet18" else pictures("few", 224, 8)
        # The first pass warms up, as the loop's does.
        spec = {"model": model, "num_classes": 2, "train_path": str(data / "train"), "val_path": str(data / "valid"),
                "save_path": str(folder / "out"), "batch_size": batch, "num_epochs": 2, "image_size": size,
                "device": "cpu", "threads": threads, "ema": False}  # fmt: skip

        def train(spec: dict[str, Any] = spec) -> float:
            lines = [e["message"] for e in events(worker, "train", spec, folder) if e["event"] == "log"]
            rates = [float(line.split("finished: ")[1].split()[0]) for line in lines if "finished: " in line]
            return rates[1]

        add(f"training {model} at {size} px", train, 0.95, "train", data / "train", model, size, batch)
    resnet = {"model": "resnet18", "num_classes": 2, "train_path": str(small / "valid"), "val_path": str(small / "valid"),
              "save_path": str(folder / "out"), "batch_size": 4, "num_epochs": 1, "image_size": 224}  # fmt: skip
    events(worker, "train", resnet, folder)
    spec = {"weight_path": str(folder / "out/best_model.safetensors"), "source_path": str(small / "train"),
            "save_path": str(folder / "inferred"), "annotate": False, "batch_size": 16, "threads": threads}  # fmt: skip
    add("inference with resnet18 at 224 px",
        lambda: float(result(events(worker, "infer", spec, folder))["images_per_second"]),
        1.2, "infer", small / "train", "resnet18", 224, 16)  # fmt: skip
    return figures
