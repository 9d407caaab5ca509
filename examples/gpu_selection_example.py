# SPDX-License-Identifier: Apache-2.0
"""How a task gets its GPU: chosen by the daemon, named, several at once, training beside inference.

    python3 gpu_selection_example.py --train DIR --val DIR [--url URL] [--save DIR] [--epochs N]

The data set has one folder of images per class. Without a GPU everything runs on the CPU.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from test_refactored_api import RFUAVClient


def report(title: str, tasks: list[dict[str, Any]]) -> None:
    print(f"\n{title}")
    for task in tasks:
        print(f"  {task['task_id']}: {task['status']} on {task['device']} - {task['message']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--train", required=True, type=Path)
    parser.add_argument("--val", required=True, type=Path)
    parser.add_argument("--save", default=Path("gpu_selection"), type=Path)
    parser.add_argument("--epochs", default=2, type=int)
    parser.add_argument("--image-size", default=64, type=int)
    arguments = parser.parse_args()
    client = RFUAVClient(arguments.url, language="en")
    gpus = [gpu["device_name"] for gpu in client.get_gpu_info()["devices"]]
    print(f"GPUs: {', '.join(gpus) or 'none, the CPU is used'}")
    save = arguments.save.resolve()
    common = {
        "num_classes": sum(entry.is_dir() for entry in arguments.train.iterdir()),
        "train_path": str(arguments.train.resolve()),
        "val_path": str(arguments.val.resolve()),
        "num_epochs": arguments.epochs,
        "image_size": arguments.image_size,
        "batch_size": 8,
    }

    def train(name: str, device: str) -> dict[str, Any]:
        return client.start_training(model="resnet18", save_path=str(save / name), device=device, **common)

    def ended(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [client.wait_for_task(task["task_id"]) for task in tasks]

    first = ended([train("chosen", "cuda")])
    report("Chosen by the daemon (device cuda):", first)
    named = gpus[:2] or ["cpu"]
    report(
        "Named, side by side where there are two:",
        ended([train(name.replace(":", ""), name) for name in named]),
    )
    if first[0]["status"] != "completed":
        return 1
    weights, source = str(save / "chosen/best_model.safetensors"), common["val_path"]
    training = train("beside", named[0])
    inference = client.start_inference(str(save / "chosen/config.yaml"), weights, source, device=named[-1])
    report("Training and inference at the same time:", ended([training, inference]))
    batch = client.start_batch_inference("", weights, [source] * 4, device="cuda")
    tasks = [client.wait_for_task(task_id) for task_id in batch["task_ids"]]
    report("Four inferences, spread by the daemon:", tasks)
    return 0 if all(task["status"] == "completed" for task in tasks) else 1


if __name__ == "__main__":
    sys.exit(main())
