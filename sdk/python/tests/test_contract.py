# SPDX-License-Identifier: Apache-2.0
"""The package has what api/openapi.yaml has: each operation a method, each schema its fields."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

from conftest import Server  # noqa: E402

import berth  # noqa: E402
from berth import types  # noqa: E402

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "api/openapi.yaml").read_text())
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
    if method in ("get", "post", "put", "patch", "delete")
}

TRAINING: Any = {"model": "m", "num_classes": 2, "train_path": "a", "val_path": "b", "save_path": "c"}
INFERENCE: Any = {"weight_path": "w", "source_path": "s"}
BENCHMARK: Any = {"weight_path": "w", "data_path": "d"}

CALLS: dict[str, Callable[[berth.Client], object]] = {
    "getOverview": lambda c: c.service.overview(),
    "getHealth": lambda c: c.service.health(),
    "getInfo": lambda c: c.service.info(),
    "probeLiveness": lambda c: c.service.alive(),
    "probeReadiness": lambda c: c.service.ready(),
    "getMetrics": lambda c: c.service.metrics(model_names=True),
    "getUsage": lambda c: c.resources.usage("7d", "1d", "ada"),
    "testNotifications": lambda c: c.service.test_notifications(),
    "getOpenapi": lambda c: c.service.openapi(),
    "getDocs": lambda c: c.service.docs(),
    "getRedoc": lambda c: c.service.redoc(),
    "createTask": lambda c: c.tasks.create(command=["true"]),
    "listTasks": lambda c: c.tasks.list(status="live", kind="command", limit=3, offset=1, array="a", text="b"),
    "getTask": lambda c: c.tasks.get("x"),
    "deleteTask": lambda c: c.tasks.delete("x"),
    "cancelTask": lambda c: c.tasks.cancel("x"),
    "holdTask": lambda c: c.tasks.hold("x"),
    "releaseTask": lambda c: c.tasks.release("x"),
    "setPriority": lambda c: c.tasks.set_priority("x", 1),
    "explainTask": lambda c: c.tasks.explain("x"),
    "streamTaskLog": lambda c: list(c.tasks.follow("x", follow=False)),
    "streamTaskEvents": lambda c: next(c.tasks.watch("x", patience=0), None),
    "readTaskOutput": lambda c: c.tasks.output("x", "stderr", offset=3, attempt=1, exact=True),
    "startTraining": lambda c: c.training.start(**TRAINING),
    "getTraining": lambda c: c.training.get("x"),
    "streamTrainingLog": lambda c: list(c.training.follow("x", follow=False)),
    "getTrainingHistory": lambda c: c.training.history("x"),
    "getTrainingReport": lambda c: c.training.report("x"),
    "stopTraining": lambda c: c.training.stop("x"),
    "startInference": lambda c: c.inference.start(**INFERENCE),
    "startBatchInference": lambda c: c.inference.batch(weight_path="w", source_paths=["a", "b"]),
    "startBenchmark": lambda c: c.inference.benchmark(**BENCHMARK),
    "getInference": lambda c: c.inference.get("x"),
    "splitDataset": lambda c: c.preprocessing.split(input_path="a", output_path="b"),
    "augmentDataset": lambda c: c.preprocessing.augment(dataset_path="a"),
    "cropImages": lambda c: c.preprocessing.crop(input_path="a", output_path="b", x=0, y=0, width=1, height=1),
    "getPreprocessing": lambda c: c.preprocessing.get("x"),
    "streamPreprocessingLog": lambda c: list(c.preprocessing.follow("x", follow=False)),
    "cancelPreprocessing": lambda c: c.preprocessing.cancel("x"),
    "drawSpectrograms": lambda c: c.signals.spectrogram(source_path="a"),
    "drawWaterfall": lambda c: c.signals.waterfall(source_path="a", save_path="b"),
    "drawIqDataset": lambda c: c.signals.iq_dataset(source_path="a", save_path="b"),
    "measureSnr": lambda c: c.signals.snr(source_path="a"),
    "addNoise": lambda c: c.signals.awgn(source_path="a"),
    "getResources": lambda c: c.resources.status(),
    "getGpus": lambda c: c.resources.gpu(),
    "getCpu": lambda c: c.resources.cpu(),
    "getHistory": lambda c: c.resources.history("cuda:0", "90m", "30m", "60"),
    "updateLimits": lambda c: c.resources.set_limits({"cpu": {"training": 1}}),
    "getDrains": lambda c: c.resources.drains(),
    "setDrains": lambda c: c.resources.drain(["cuda:0"], "a new fan"),
    "listLeases": lambda c: c.leases.list(),
    "createLease": lambda c: c.leases.create(device="cuda", memory_gb=4),
    "getLease": lambda c: c.leases.get("x"),
    "renewLease": lambda c: c.leases.renew("x", 60),
    "adoptLease": lambda c: c.leases.adopt("x", 1),
    "returnLease": lambda c: c.leases.end("x"),
    "startTrainingLegacy": lambda c: c.legacy.start_training(**TRAINING),
    "streamTrainingLogLegacy": lambda c: list(c.legacy.follow_training("x")),
    "startInferenceLegacy": lambda c: c.legacy.start_inference(**INFERENCE),
    "startTrainingFromConfig": lambda c: c.legacy.train_from_config("c.yaml", num_epochs=1),
    "infer": lambda c: c.legacy.infer(**INFERENCE),
    "measureWeights": lambda c: c.legacy.benchmark(**BENCHMARK),
    "getTaskFirstVersion": lambda c: c.legacy.get_task("x"),
}

LOG_END = b'id: 1\ndata: {"status":"completed","message":"over"}\n\n'


def test_every_operation_of_the_contract_has_a_method() -> None:
    assert sorted(OPERATIONS) == sorted(CALLS)


def test_every_method_is_one_of_an_operation_or_made_of_such() -> None:
    made_of_others = {
        "tasks.wait", "tasks.follow_output", "arrays.create", "arrays.get", "arrays.tasks", "arrays.wait",
        "arrays.cancel", "arrays.hold", "arrays.release", "arrays.set_priority", "arrays.delete", "resources.history_csv",
        "resources.usage_csv", "resources.resume",
    }  # fmt: skip
    client = berth.Client()
    groups = [name for name, value in vars(client).items() if not name.startswith("_")]
    methods = {
        f"{group}.{name}"
        for group in groups
        for name, _ in inspect.getmembers(getattr(client, group), inspect.ismethod)
        if not name.startswith("_")
    }
    called = set(re.findall(r"c\.(\w+\.\w+)\(", Path(__file__).read_text()))
    assert methods == made_of_others | called


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_method_asks_for_its_operation(operation: str, server: Server) -> None:
    server.script = lambda request, _: (
        LOG_END if "/logs" in request.path or "/events" in request.path else {"leases": []}
    )
    method, path = OPERATIONS[operation]
    CALLS[operation](berth.Client(server.url))
    asked, _, query = server.requests[0].path.partition("?")
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
    assert server.requests[0].method == method
    assert re.fullmatch(pattern, asked), asked
    known = {parameter.get("name") for parameter in _parameters(method, path)}
    assert {word.partition("=")[0] for word in query.split("&") if word} <= known
    if method == "POST":
        assert server.requests[0].headers["content-type"] == "application/json"
        assert isinstance(server.requests[0].body, dict)


def _parameters(method: str, path: str) -> list[dict[str, Any]]:
    entry = CONTRACT["paths"][path]
    listed = entry.get("parameters", []) + entry[method.lower()].get("parameters", [])
    return [
        CONTRACT["components"]["parameters"][item["$ref"].rpartition("/")[2]] if "$ref" in item else item
        for item in listed
    ]


#: Schemas that are words, or objects without names of their own.
WORDS = {name for name, schema in SCHEMAS.items() if not schema.get("properties")} | {"Error", "ValidationError"}


@pytest.mark.parametrize("name", sorted(set(SCHEMAS) - WORDS))
def test_a_type_has_the_fields_of_its_schema(name: str) -> None:
    kind = berth.Violation if name == "Violation" else getattr(types, name)
    fields = set(kind.__annotations__)
    assert fields == set(SCHEMAS[name]["properties"])
    if name.endswith("Request"):
        assert kind.__required_keys__ == set(SCHEMAS[name].get("required", []))
    else:
        assert kind.__required_keys__ <= set(SCHEMAS[name].get("required", fields))


def test_the_words_are_those_of_the_contract() -> None:
    assert list(typing.get_args(types.State)) == SCHEMAS["State"]["enum"]
    assert list(typing.get_args(types.Kind)) == SCHEMAS["Kind"]["enum"]
    assert [word for word in typing.get_args(types.Policy) if word] == SCHEMAS["Policy"]["enum"]
    assert CONTRACT["info"]["version"] == berth.__version__
