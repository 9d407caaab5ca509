# SPDX-License-Identifier: Apache-2.0
"""Every route of the originals' service with every field of its request and of its answer, in the order of their table."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import programs
from harness.client import Client, Json
from harness.daemon import Daemon
from harness.trained_service import TrainedService
from harness.sse import read_log
from harness.training import METRICS

LONG = 300.0
TASK = {
    "task_id", "task_type", "status", "message", "progress", "device", "priority", "created_at", "updated_at",
    "current_epoch", "total_epochs", "latest_metrics",
}  # fmt: skip
PREPARATION = {
    "task_id", "task_type", "status", "message", "progress", "input_path", "output_path", "stats", "created_at",
    "updated_at",
}  # fmt: skip
GPU = {
    "id", "device_name", "name", "compute_capability", "total_memory_gb", "allocated_memory_gb", "cached_memory_gb",
    "free_memory_gb", "utilization", "current_tasks",
}  # fmt: skip
ACTION = {"status", "message", "task_id"}


@pytest.fixture(scope="module")
def service() -> Iterator[TrainedService]:
    if not programs.worker_installed() or not programs.BERTHD.exists():
        pytest.skip(f"no berth-worker-vision in {programs.BIN_DIR}")
    folder = Path(tempfile.mkdtemp(prefix="berth-test-"))
    made = None
    try:
        made = TrainedService(folder)
        yield made
    finally:
        if made is not None:
            made.daemon.close()
        shutil.rmtree(folder, ignore_errors=True)


def refusals(client: Client, path: str, body: Json, wrong: dict[str, list[tuple[Any, str]]]) -> None:
    """Every wrong value is refused with 422, the field and the type of the violation."""
    for name, values in wrong.items():
        for value, kind in values:
            answer = client.request("POST", path, body | {name: value})
            assert answer.status == 422, (path, name, value, answer.body)
            assert (kind, ["body", name]) in answer.violations(), (path, name, value, answer.body)
            assert {"type", "loc", "msg", "input"} <= set(answer.detail[0])


def required(client: Client, path: str, body: Json, names: tuple[str, ...]) -> None:
    for name in names:
        without = {key: value for key, value in body.items() if key != name}
        answer = client.request("POST", path, without)
        assert (answer.status, answer.violations()) == (422, [("missing", ["body", name])])
    answer = client.request("POST", path, {})
    assert answer.violations() == [("missing", ["body", name]) for name in names]


def test_1_overview(service: TrainedService) -> None:
    overview = service.client.get("/")
    assert {"name", "version", "environment", "features", "endpoints", "documentation"} <= set(overview)
    assert len(overview["features"]) >= 5
    assert set(overview["documentation"]) >= {"swagger", "redoc"}
    assert all(isinstance(group, dict) and group for group in overview["endpoints"].values())
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert service.client.request("GET", path).status == 200


def test_2_health(service: TrainedService) -> None:
    health = service.client.get("/api/v1/health")
    assert {
        "status", "timestamp", "version", "training_tasks", "inference_tasks", "active_log_streams", "resource_status",
    } <= set(health)  # fmt: skip
    assert health["status"] == "healthy"
    assert health["training_tasks"] >= 1
    assert {"device_usage", "active_tasks", "limits"} <= set(health["resource_status"])


def test_3_info(service: TrainedService) -> None:
    info = service.client.get("/api/v1/info")
    assert {
        "app_name", "version", "environment", "supported_models", "resource_limits", "gpu_available",
    } <= set(info)  # fmt: skip
    assert {
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32",
        "swin_v2_t", "swin_v2_s", "swin_v2_b", "mobilenet_v3_large", "mobilenet_v3_small",
    } <= set(info["supported_models"])  # fmt: skip
    assert info["gpu_available"] is False
    assert info["resource_limits"]["cpu"] == {"training": 2, "inference": 4}


def test_4_training_answers_and_every_field_has_its_effect(service: TrainedService) -> None:
    created = service.task
    assert set(created) >= TASK
    assert (created["task_id"], created["task_type"]) == ("first", "training")
    assert (created["status"], created["message"], created["progress"]) == ("pending", "等待开始", 0)
    assert (created["device"], created["priority"], created["total_epochs"]) == ("cpu", 2, 1)
    assert (created["current_epoch"], created["latest_metrics"]) == (None, None)
    out = service.folder / "out/a-name"
    card = json.loads((out / "best_model.json").read_text())
    assert card["model"] == "resnet18"
    assert card["image_size"] == 40
    text = service.config.read_text()
    for line in ("batch_size: 4", "num_epochs: 1", "image_size: 40", "shuffle: false", "num_classes: 2"):
        assert line in text, text
    history = json.loads((out / "history.json").read_text())
    assert history["epochs"][0]["learning_rate"] == 0.0005
    full = service.client.get("/api/v2/tasks/first")
    assert full["description"] == "a description"
    given = full["parameters"]
    assert (given["weight_path"], given["pretrained"]) == ("", False)
    log = "\n".join(event.data["message"] for event in read_log(service.client, "first"))
    for words in (
        "等待CPU资源...", "资源已分配，使用设备: cpu", "开始训练...", "resnet18", "Epoch [1/1] started.",
        "Epoch [1/1], Train Loss: ", "Starting validation...", "Validation Loss: ", "训练完成！", "任务结束",
    ):  # fmt: skip
        assert words in log, log


def test_4_training_refuses_what_is_wrong_with_each_field(service: TrainedService) -> None:
    path, body = "/api/v2/training/start", service.training(task_id=None)
    required(service.client, path, body, ("model", "num_classes", "train_path", "val_path", "save_path"))
    refusals(service.client, path, body, {
        "model": [(3, "string_type"), (None, "string_type")],
        "num_classes": [("x", "int_parsing"), (8.5, "int_from_float"), (None, "int_type")],
        "train_path": [(1, "string_type")], "val_path": [([], "string_type")], "save_path": [({}, "string_type")],
        "name": [(3, "string_type"), ("../up", "value_error")],
        "batch_size": [(0, "greater_than_equal"), ("x", "int_parsing")],
        "num_epochs": [(0, "greater_than_equal")],
        "learning_rate": [(0, "greater_than"), (-1, "greater_than"), ("x", "float_parsing")],
        "image_size": [(31, "greater_than_equal")],
        "device": [(0, "string_type"), (None, "string_type")],
        "weight_path": [(3, "string_type")],
        "pretrained": [("perhaps", "bool_parsing")], "shuffle": [("perhaps", "bool_parsing")],
        "task_id": [(3, "string_type")],
        "priority": [(0, "greater_than_equal"), (11, "less_than_equal")],
        "description": [(3, "string_type")],
    })  # fmt: skip
    for name, words in (("train_path", "训练集路径不存在: "), ("val_path", "验证集路径不存在: ")):
        answer = service.client.request("POST", path, body | {name: "/nowhere"})
        assert (answer.status, answer.detail) == (400, words + "/nowhere")
    answer = service.client.request("POST", path, body | {"model": "resnet19"})
    assert answer.status == 400
    assert answer.detail.startswith("不支持的模型: resnet19")


def test_5_training_status_has_every_metric(service: TrainedService) -> None:
    task = service.client.get("/api/v2/training/first")
    assert set(task) >= TASK
    assert (task["status"], task["message"], task["progress"]) == ("completed", "训练完成", 100)
    assert (task["current_epoch"], task["total_epochs"]) == (1, 1)
    assert set(task["latest_metrics"]) == set(METRICS)
    assert all(value is not None for value in task["latest_metrics"].values())
    answer = service.client.request("GET", "/api/v2/training/none")
    assert (answer.status, answer.detail) == (404, "任务 none 不存在")


def test_6_15_and_19_logs_are_streams(service: TrainedService) -> None:
    for path in ("/api/v2/training/first/logs", "/api/v2/tasks/first/logs"):
        answer = service.client.request("GET", path)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["X-Accel-Buffering"] == "no"
        lines = answer.body.decode().split("\n\n")
        records = [json.loads(line.split("data: ", 1)[1]) for line in lines if "data: " in line]
        assert {"timestamp", "level", "message"} <= set(records[0])
        assert {record["level"] for record in records[:-1]} <= {"INFO", "WARNING", "ERROR"}
        stages = [record["stage"] for record in records if "stage" in record]
        assert stages[0] == "epoch_start"
        assert stages[-1] == "completed"
        assert set(stages) == {"epoch_start", "training", "validation", "epoch_end", "completed"}
        assert (records[-1]["status"], records[-1]["message"]) == ("completed", "任务结束")
    assert service.client.request("GET", "/api/v2/training/none/logs").status == 404


def test_7_16_20_and_21_stop_cancel_and_delete(service: TrainedService) -> None:
    client = service.client
    long = service.training(num_epochs=100000, name=None, save_path=str(service.folder / "long"))
    for path, words in (("training/{}/stop", "训练任务已停止"), ("tasks/{}/cancel", "任务已取消")):
        task = client.post("/api/v2/training/start", long | {"task_id": None})["task_id"]
        client.wait_state(task, "running", within=LONG)
        refused = client.request("DELETE", f"/api/v2/tasks/{task}")
        assert refused.status == 409
        action = client.post(f"/api/v2/{path.format(task)}")
        assert set(action) == ACTION
        assert (action["status"], action["message"], action["task_id"]) == ("success", words, task)
        assert client.wait_end(task, within=LONG)["status"] == "cancelled"
        assert client.request("POST", f"/api/v2/{path.format(task)}").status == 409
        removed = client.ok("DELETE", f"/api/v2/tasks/{task}")
        assert (set(removed), removed["message"]) == (ACTION, "任务记录已删除")
        assert client.request("GET", f"/api/v2/tasks/{task}").status == 404
    for method, path in (("POST", "training/none/stop"), ("POST", "tasks/none/cancel"), ("DELETE", "tasks/none")):
        assert client.request(method, f"/api/v2/{path}").status == 404


def test_8_and_10_inference(service: TrainedService) -> None:
    client, path = service.client, "/api/v2/inference/start"
    created = client.post(path, service.inference(task_id="seen"))
    assert set(created) >= TASK
    assert (created["task_id"], created["task_type"], created["status"]) == ("seen", "inference", "pending")
    assert (created["message"], created["priority"], created["total_epochs"]) == ("等待开始", 4, None)
    assert client.wait_end("seen", within=LONG)["status"] == "completed"
    task = client.get("/api/v2/inference/seen")
    assert (task["message"], task["progress"], task["device"]) == ("推理完成", 100, "cpu")
    result = json.loads((service.folder / "seen/inferred/result.json").read_text())
    assert (result["images"], result["model"]) == (4, "resnet18")
    required(client, path, service.inference(), ("weight_path", "source_path"))
    refusals(client, path, service.inference(), {
        "cfg_path": [(3, "string_type")], "weight_path": [(3, "string_type")], "source_path": [(3, "string_type")],
        "save_path": [(3, "string_type")], "name": [(3, "string_type")], "device": [(None, "string_type")],
        "task_id": [(3, "string_type")], "priority": [(0, "greater_than_equal"), (11, "less_than_equal")],
    })  # fmt: skip
    for name, words in (
        ("cfg_path", "配置文件不存在: "), ("weight_path", "模型权重不存在: "), ("source_path", "数据路径不存在: "),
    ):  # fmt: skip
        answer = client.request("POST", path, service.inference(**{name: "/nowhere"}))
        assert (answer.status, answer.detail) == (400, words + "/nowhere")
    assert client.request("POST", path, service.inference(task_id="seen")).status == 409
    assert client.request("GET", "/api/v2/inference/none").status == 404


def test_9_batch_inference(service: TrainedService) -> None:
    client, path = service.client, "/api/v2/inference/batch"
    body = {
        "cfg_path": str(service.config), "weight_path": str(service.weights),
        "source_paths": [str(service.data.val / name) for name in service.data.names],
        "save_base_path": str(service.folder / "batch"), "device": "cpu", "priority": 6,
    }  # fmt: skip
    answer = client.post(path, body)
    assert set(answer) >= {"status", "message", "task_ids", "total"}
    assert (answer["status"], answer["message"], answer["total"]) == ("success", "已启动 2 个推理任务", 2)
    for number, task in enumerate(answer["task_ids"]):
        ended = client.wait_end(task, within=LONG)
        assert (ended["status"], ended["priority"]) == ("completed", 6)
        result = json.loads((service.folder / f"batch/{number}/result.json").read_text())
        assert result["images"] == 2
    assert client.post(path, body | {"source_paths": []})["total"] == 0
    required(client, path, body, ("weight_path", "source_paths"))
    refusals(client, path, body, {
        "source_paths": [("x", "list_type")], "save_base_path": [(3, "string_type")],
        "priority": [(99, "less_than_equal")],
    })  # fmt: skip


def test_11_to_14_and_16_preparation(service: TrainedService) -> None:
    client, folder = service.client, service.folder
    works: dict[str, tuple[str, Json, tuple[str, ...], set[str], str, Json]] = {
        "split": (
            "dataset_split",
            {"input_path": str(service.data.train), "output_path": str(folder / "split"), "train_ratio": 0.5,
             "val_ratio": 0.25, "task_id": "split-1", "description": "d"},
            ("input_path", "output_path"),
            {"total_images", "train_images", "val_images", "test_images", "classes"}, "数据集分割完成",
            {"train_ratio": [(0.05, "greater_than_equal"), (0.95, "less_than_equal")],
             "val_ratio": [(0.01, "greater_than_equal"), (0.6, "less_than_equal"), (0.55, "less_than_equal")]},
        ),
        "augment": (
            "data_augmentation",
            {"dataset_path": str(folder / "split"), "output_path": str(folder / "more"), "methods": ["CLAHE"],
             "task_id": "augment-1", "description": "d"},
            ("dataset_path",),
            {"original_images", "augmented_images", "methods_used", "classes"}, "数据增强完成",
            {"methods": [("CLAHE", "list_type")], "output_path": [(3, "string_type")]},
        ),
        "crop": (
            "image_crop",
            {"input_path": str(service.data.val), "output_path": str(folder / "parts"), "x": 1, "y": 2, "width": 3,
             "height": 4, "task_id": "crop-1", "description": "d"},
            ("input_path", "output_path", "x", "y", "width", "height"),
            {"total_images", "success", "failed"}, "裁剪完成",
            {"x": [(-1, "greater_than_equal")], "y": [(-1, "greater_than_equal")],
             "width": [(0, "greater_than_equal")], "height": [(0, "greater_than_equal")]},
        ),
    }  # fmt: skip
    for work, (kind, body, needed, stats, words, wrong) in works.items():
        path = f"/api/v2/preprocessing/{work}"
        created = client.post(path, body)
        assert set(created) >= PREPARATION
        assert (created["task_id"], created["task_type"], created["progress"]) == (f"{work}-1", kind, 0)
        assert created["stats"] is None
        assert client.wait_end(f"{work}-1", within=LONG)["status"] == "completed"
        ended = client.get(f"{path}-1")
        assert (ended["status"], ended["message"], ended["progress"]) == ("completed", words, 100)
        assert set(ended["stats"]) >= stats
        assert ended["output_path"] == body["output_path"]
        assert ended["input_path"] == body.get("input_path", body.get("dataset_path"))
        required(client, path, body, needed)
        refusals(client, path, body | {"task_id": None}, {**wrong, "task_id": [(3, "string_type")]})
        cancelled = client.request("POST", f"/api/v2/preprocessing/{work}-1/cancel")
        assert (cancelled.status, cancelled.detail) == (400, "任务状态为 completed，无法取消")
        log = client.request("GET", f"/api/v2/preprocessing/{work}-1/logs")
        assert log.headers["Content-Type"].startswith("text/event-stream")
        assert words in log.body.decode()
    split = client.get("/api/v2/preprocessing/split-1")["stats"]
    assert [split[name] for name in ("train_images", "val_images", "test_images")] == [6, 2, 4]
    for method, tail in (("GET", ""), ("GET", "/logs"), ("POST", "/cancel")):
        assert client.request(method, f"/api/v2/preprocessing/none{tail}").status == 404


def test_17_and_18_lists_and_details(service: TrainedService) -> None:
    client = service.client
    everything = client.get("/api/v2/tasks")
    assert {"training_tasks", "inference_tasks", "total_training", "total_inference"} <= set(everything)
    assert len(everything["training_tasks"]) == everything["total_training"] >= 1
    assert all(set(task) >= TASK for task in everything["training_tasks"] + everything["inference_tasks"])
    trainings = client.get("/api/v2/tasks?task_type=training&status=completed&limit=1")
    assert [task["status"] for task in trainings["training_tasks"]] == ["completed"]
    assert trainings["inference_tasks"] == []
    assert client.get("/api/v2/tasks?status=failed")["training_tasks"] == []
    assert client.request("GET", "/api/v2/tasks?limit=x").status == 422
    assert set(client.get("/api/v2/tasks/first")) >= TASK
    missing = client.request("GET", "/api/v2/tasks/none")
    assert (missing.status, missing.detail) == (404, "任务 none 不存在")


def test_22_to_24_resources(service: TrainedService) -> None:
    client = service.client
    resources = client.get("/api/v2/resources")
    assert set(resources) >= {"device_usage", "active_tasks", "limits", "gpu_info", "gpu_available", "gpu_memory_info"}
    assert resources["device_usage"]["cpu"].items() >= {"training": 0, "inference": 0}.items()
    assert resources["gpu_info"] == client.get("/api/v2/resources/gpu")
    assert set(resources["gpu_info"]) >= {"available", "count", "devices", "cuda_version", "pytorch_version"}
    assert (resources["gpu_available"], resources["gpu_memory_info"]) == (False, {})
    processor = client.get("/api/v2/resources/cpu")
    assert set(processor) >= {
        "percent", "per_cpu_percent", "cores", "physical_cores", "freq_mhz", "load_avg", "memory_percent",
    }  # fmt: skip
    assert set(processor["load_avg"]) == {"1", "5", "15"}


def test_23_every_field_of_a_gpu(two_gpus: Daemon) -> None:
    gpus = two_gpus.client.get("/api/v2/resources/gpu")
    assert (gpus["available"], gpus["count"]) == (True, 2)
    for number, gpu in enumerate(gpus["devices"]):
        assert set(gpu) >= GPU
        assert (gpu["id"], gpu["device_name"]) == (number, f"cuda:{number}")
        assert gpu["current_tasks"].items() >= {"training": 0, "inference": 0}.items()
        parts = gpu["free_memory_gb"] + gpu["allocated_memory_gb"] + gpu["reserved_memory_gb"]
        assert parts == pytest.approx(gpu["total_memory_gb"], abs=0.03)
    older = two_gpus.client.get("/api/v2/resources")
    assert older["gpu_available"] is True
    assert set(older["gpu_memory_info"]) == {"GPU_0", "GPU_1"}
    assert set(older["gpu_memory_info"]["GPU_1"]) == {"name", "total_gb", "allocated_gb", "cached_gb", "free_gb"}


def test_25_limits(service: TrainedService) -> None:
    client = service.client
    changed = client.post("/api/v2/resources/config", {"max_concurrent": {"cpu": {"inference": 7}}})
    assert set(changed) >= {"status", "message", "current_config"}
    assert (changed["status"], changed["message"]) == ("success", "资源配置已更新")
    assert changed["current_config"]["cpu"] == {"training": 2, "inference": 7}, "the other kind stays"
    assert client.post("/api/v2/resources/config", {})["current_config"] == changed["current_config"]
    for wrong in ({"cpu": {"training": -1}}, {"cpu": {"sleeping": 1}}, {"cuda:9": {"training": 1}}, {"cpu": 3}):
        assert client.request("POST", "/api/v2/resources/config", {"max_concurrent": wrong}).status in (400, 422)
    assert client.get("/api/v2/resources")["limits"]["cpu"] == {"training": 2, "inference": 7}


def test_older_paths(service: TrainedService) -> None:
    client, folder = service.client, service.folder
    body = service.training(task_id="older", save_path=str(folder / "older"), name=None)
    assert client.post("/api/v2/train", body)["task_id"] == "older"
    assert client.wait_end("older", within=LONG)["status"] == "completed"
    assert "训练完成！" in client.request("GET", "/api/v2/train/older/logs").body.decode()
    assert set(client.get("/api/v1/tasks/older")) >= TASK
    assert client.request("GET", "/api/v1/tasks/none").status == 404
    assert client.post("/api/v2/inference", service.inference(name=None, save_path=str(folder / "o")))["status"]

    answer = client.post("/api/v1/inference", service.inference(save_path=str(folder / "v1"), name=None))
    assert answer | {"task_id": ""} == {
        "status": "success", "message": "推理完成", "source_path": str(service.data.val),
        "save_path": str(folder / "v1"), "device": "cpu", "task_id": "",
    }  # fmt: skip
    assert (folder / "v1/result.json").exists(), "it is answered when it is done"
    (folder / "nothing.safetensors").write_bytes(b"no weights")
    failed = client.request(
        "POST", "/api/v1/inference", service.inference(weight_path=str(folder / "nothing.safetensors"))
    )
    assert failed.status == 500
    assert "nothing.safetensors" in failed.detail

    (folder / "cfg.yaml").write_text(
        f"model: resnet18\nnum_classes: 2\ntrain: {service.data.train}\nval: {service.data.val}\n"
        f"save_path: {folder}/v1-train\nbatch_size: 4\nimage_size: 32\ndevice: cpu\nnum_epochs: 1\nlr: 1e-3\n"
        "shuffle: true\nweights: None\nclass_names: [amber, blue]\n"
    )
    begun = client.post("/api/v1/train", {"cfg_path": str(folder / "cfg.yaml"), "num_epochs": 2})
    assert begun["status"] == "success"
    ended = client.wait_end(begun["task_id"], within=LONG)
    assert ended["status"] == "completed", ended["message"]
    given = {name: ended["parameters"][name] for name in ("num_epochs", "learning_rate", "shuffle", "image_size")}
    assert given == {"num_epochs": 2, "learning_rate": 0.001, "shuffle": True, "image_size": 32}
    (folder / "bad.yaml").write_text("model: [resnet18\n")
    for path, status in (("none.yaml", 400), ("bad.yaml", 400)):
        answer = client.request("POST", "/api/v1/train", {"cfg_path": str(folder / path)})
        assert (answer.status, path in answer.detail) == (status, True)


def test_what_is_unknown_and_wrong_methods(service: TrainedService) -> None:
    for method, path, status, detail in (
        ("GET", "/api/v2/nothing", 404, "Not Found"),
        ("PUT", "/api/v2/tasks/first", 405, "Method Not Allowed"),
        ("GET", "/api/v2/training/start/x", 404, "Not Found"),
    ):
        answer = service.client.request(method, path)
        assert (answer.status, answer.detail) == (status, detail)
