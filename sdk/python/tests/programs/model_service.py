# SPDX-License-Identifier: Apache-2.0
"""Training, inference, preprocessing and signals with a data set of 4 and 2 pictures per class, in the folder given."""

import sys
from collections.abc import Callable
from pathlib import Path

import berth


def refused(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except berth.BadRequest:
        return True
    return False


client = berth.Client()
folder = Path(sys.argv[1])
train, val = folder / "data/train", folder / "data/val"
names = [entry.name for entry in train.iterdir()]
request = {
    "model": "resnet18", "num_classes": len(names), "train_path": train, "val_path": val, "save_path": folder / "out",
    "image_size": 32, "num_epochs": 1, "device": "cpu", "pretrained": False,
}  # fmt: skip
task = client.task(client.training.start(**request))
assert any("metrics" in record for record in client.training.follow(task.id))
task.wait(timeout=300, check=True)
assert client.training.get(task.id)["latest_metrics"]["epoch"] == 1
assert len(client.training.history(task.id)["epochs"]) == 1
assert len(client.training.report(task.id)["classes"]) == len(names)
long = client.legacy.start_training(**{**request, "num_epochs": 100000, "save_path": folder / "long"})
client.training.stop(long["task_id"])
assert client.tasks.wait(long["task_id"], timeout=60)["status"] == "cancelled"
weights = folder / "out/best_model.safetensors"
batch = client.inference.batch(weight_path=weights, source_paths=[val] * 2, device="cpu")
inferred = client.inference.start(weight_path=weights, source_path=val, device="cpu")["task_id"]
for task_id in [*batch["task_ids"], inferred]:
    assert client.tasks.wait(task_id, timeout=120)["status"] == "completed"
result = client.inference.get(inferred)["result"]
assert result is not None
assert result["images"] == 2 * len(names)
assert client.legacy.infer(weight_path=weights, source_path=val, device="cpu")["status"] == "success"
assert refused(lambda: client.inference.benchmark(weight_path=weights, data_path="/nowhere"))
split = client.preprocessing.split(input_path=train, output_path=folder / "split", train_ratio=0.5)
assert list(client.preprocessing.follow(split["task_id"]))
stats = client.preprocessing.get(split["task_id"])["stats"]
assert stats is not None
assert stats["total_images"] == 4 * len(names)
assert refused(lambda: client.preprocessing.cancel(split["task_id"]))
recording = folder / "tone.iq"
recording.write_bytes(bytes(8 * 4096))
snr = client.signals.snr(source_path=recording, sample_rate=1e6)
assert client.tasks.wait(snr["task_id"], timeout=60)["status"] in ("completed", "failed")
