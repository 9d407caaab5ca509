# SPDX-License-Identifier: Apache-2.0
"""Document 000's snippets, with paths that are there: the daemon's URL and a folder are the arguments."""

import sys
from collections.abc import Callable
from pathlib import Path

import berth


def refusal(ask: Callable[[], object]) -> berth.RFUAVError:
    try:
        ask()
    except berth.RFUAVError as error:
        return error
    raise AssertionError("it was not refused")


client = berth.RFUAVClient(sys.argv[1])
folder = Path(sys.argv[2])
for name in ("data/train", "data/val", "data/test", "configs", "models"):
    (folder / name).mkdir(parents=True)
(folder / "configs/model.yaml").write_text("model: resnet18\nnum_classes: 37\nimage_size: 224\n")
(folder / "models/best.pth").write_bytes(b"weights")
data = {"train_path": str(folder / "data/train"), "val_path": str(folder / "data/val"), "num_classes": 37}
files = {"cfg_path": str(folder / "configs/model.yaml"), "weight_path": str(folder / "models/best.pth")}
task1, task2 = (
    client.start_training(model=model, save_path=str(folder / model), device=device, **data)
    for model, device in (("resnet50", "cuda:0"), ("vit_b_16", "cuda:1"))
)
assert (task1["status"], task1["message"]) == ("pending", "等待开始")
records = list(client.stream_training_logs(task1["task_id"]))
assert records[-1] == {"status": "completed", "message": "任务结束"}
assert [client.wait_for_task(t["task_id"], 1, 60)["device"] for t in (task1, task2)] == ["cuda:0", "cuda:1"]
auto = client.start_training("resnet18", save_path=str(folder / "out"), device="cuda", **data)
assert client.wait_for_task(auto["task_id"], timeout=60)["status"] == "completed"
given = client.get_training_status(auto["task_id"])["parameters"]
assert (given["batch_size"], given["num_epochs"]) == (16, 50)
tasks = [client.start_inference(source_path=str(folder / "data/test"), device="cuda", **files) for _ in range(4)]
batch = client.start_batch_inference(source_paths=[str(folder / "data/test")] * 2, **files)
for task_id in [task["task_id"] for task in tasks] + batch["task_ids"]:
    assert client.wait_for_task(task_id, timeout=60)["device"] in ("cuda:0", "cuda:1")
    assert client.get_inference_status(task_id)["task_type"] == "inference"
limits = {"cuda:0": {"training": 1, "inference": 4}, "cuda:1": {"training": 2, "inference": 6}}
assert client.update_resource_config({"max_concurrent": limits})["status"] == "success"
assert client.update_resource_config(limits)["current_config"]["cuda:1"] == limits["cuda:1"]
assert client.get_resources()["limits"]["cuda:0"] == limits["cuda:0"]
assert client.get_gpu_info()["count"] == 2
assert client.get_all_tasks(status="completed", task_type="training", limit=2)["total_training"] == 2
assert client.delete_task(auto["task_id"])["message"] == "任务记录已删除"
for ask in (client.cancel_task, client.stop_training, client.get_task):
    assert refusal(lambda ask=ask: ask(auto["task_id"])).status == 404
no_gpu = refusal(lambda: client.start_training("resnet18", save_path=str(folder / "out"), device="cuda:2", **data))
assert "cuda:1" in str(no_gpu)
assert (client.health_check()["status"], client.get_system_info()["app_name"]) == ("healthy", "Berth")
