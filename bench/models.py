# SPDX-License-Identifier: Apache-2.0
"""Training, inference and the loading of pictures against Python's usual loop (torchvision_loop.py), which gets its
best number of loader workers and memory layout. Both warm up for one pass and do the same work: the loop has no average of
the weights, so ours has none. On a shared machine the best of several passes counts: as many of ours as of the loop's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from figures import Figure

PASSES = 6  # of the loop: with 0, 1 and as many loader workers as threads, in two layouts
LOOP = Path(__file__).resolve().parent / "torchvision_loop.py"
# The C++ side sets the same for itself: spinning threads make busy machines slower.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "20000"}


def python_rate(
    what: str, folder: Path, model: str, size: int, batch: int, threads: int
) -> tuple[float, str]:
    """The best of all ways, and which."""
    layouts = ("plain",) if what == "load" else ("plain", "channels_last")
    best = (0.0, "")
    for workers in sorted({0, 1, threads}):
        for layout in layouts:
            done = subprocess.run(
                [sys.executable, LOOP, what, folder, model, str(size), str(batch), str(workers), str(threads), layout],
                check=True, capture_output=True, text=True, env={**os.environ, **PASSIVE})  # fmt: skip
            best = max(best, (float(done.stdout), f"{workers} loader workers, {layout}"))
    return best


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

    def add(name: str, rate: float, peer: tuple[float, str], goal: float) -> None:
        figures.append(Figure(name, rate, "images/s", peer="Python", peer_value=peer[0], goal=goal, at_most=False,
                              note=f"{threads} threads; torchvision with {peer[1]}"))  # fmt: skip

    large = pictures("large", 1440, 60)
    loaded = [json.loads(subprocess.run([speed, large / "train", "224", "16", str(threads)], check=True,
                                        capture_output=True, text=True).stdout) for _ in range(3)]  # fmt: skip
    rate = max(one["images"] / one["seconds"] for one in loaded)
    add(
        "loading JPEGs of 2.07 megapixels at 224 px",
        rate,
        python_rate("load", large / "train", "-", 224, 16, threads),
        2,
    )

    small = pictures("small", 224, 64)
    for model, size, batch in (("resnet18", 64, 32), ("resnet18", 224, 16), ("vit_b_16", 224, 4)):
        data = small if model == "resnet18" else pictures("few", 224, 8)
        spec = {"model": model, "num_classes": 2, "train_path": str(data / "train"), "val_path": str(data / "valid"),
                "save_path": str(folder / "out"), "batch_size": batch, "num_epochs": PASSES + 1, "image_size": size,
                "device": "cpu", "threads": threads, "ema": False}  # fmt: skip
        lines = [e["message"] for e in events(worker, "train", spec, folder) if e["event"] == "log"]
        rates = [float(line.split("finished: ")[1].split()[0]) for line in lines if "finished: " in line]
        add(f"training {model} at {size} px", max(rates[1:]),
            python_rate("train", data / "train", model, size, batch, threads), 0.95)  # fmt: skip
    spec = {"weight_path": str(folder / "out/best_model.safetensors"), "source_path": str(small / "train"),
            "save_path": str(folder / "inferred"), "annotate": False, "batch_size": 16, "threads": threads}  # fmt: skip
    resnet = {"model": "resnet18", "num_classes": 2, "train_path": str(small / "valid"), "val_path": str(small / "valid"),
              "save_path": str(folder / "out"), "batch_size": 4, "num_epochs": 1, "image_size": 224}  # fmt: skip
    events(worker, "train", resnet, folder)
    rate = max(result(events(worker, "infer", spec, folder))["images_per_second"] for _ in range(PASSES))
    add(
        "inference with resnet18 at 224 px",
        rate,
        python_rate("infer", small / "train", "resnet18", 224, 16, threads),
        1.2,
    )
    return figures
