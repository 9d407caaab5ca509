# SPDX-License-Identifier: Apache-2.0
"""What trainings, inferences and benchmarks have found."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class TrainingMetrics(TypedDict):
    """Every field is there; those not measured are null. Accuracies and mAP in percent, the others as
    fractions"""

    epoch: int | None
    total_epochs: int | None
    train_loss: float | None
    #: Percent
    train_acc: float | None
    val_loss: float | None
    #: Percent
    val_acc: float | None
    #: 0 to 1
    macro_f1: float | None
    #: 0 to 1
    micro_f1: float | None
    #: Percent
    mAP: float | None
    #: 0 to 1
    top1_acc: float | None
    #: 0 to 1
    top3_acc: float | None
    #: 0 to 1
    top5_acc: float | None
    #: 0 to 1
    macro_precision: float | None
    #: 0 to 1
    macro_recall: float | None
    #: 0 to 1
    micro_precision: float | None
    #: 0 to 1
    micro_recall: float | None
    #: The macro average, 0 to 1
    precision: float | None
    #: The macro average, 0 to 1
    recall: float | None
    learning_rate: float | None
    #: Best validation accuracy so far, percent
    best_acc: float | None


class TrainingHistory(TypedDict):
    model: str
    epochs: list[TrainingMetrics]
    #: The training came to its end
    ended: bool


ClassReport = TypedDict(
    "ClassReport",
    {
        "class": "str",
        #: Images of the class
        "support": "int",
        "precision": "float",
        "recall": "float",
        "f1": "float",
        "average_precision": "float",
    },
)


class TrainingReport(TypedDict):
    model: str
    metrics: TrainingMetrics
    classes: list[ClassReport]
    #: A row per true class with a number of images per predicted class
    confusion_matrix: list[list[int]]


Prediction = TypedDict(
    "Prediction",
    {
        #: Relative to `source_path`
        "path": "str",
        #: Place of the class in `class_names`, from 0
        "index": "int",
        "class": "str",
        #: 0 to 1
        "confidence": "float",
        #: The five most probable classes
        "top": "list[dict[str, Any]]",
    },
)


class FailedPicture(TypedDict):
    path: str
    reason: str


class InferenceResult(TypedDict, total=False):
    """The content of `result.json`, without the probabilities beyond the top five and cut to 1,000
    predictions"""

    model: str
    weights: str
    class_names: list[str]
    predictions: list[Prediction]
    failed: list[FailedPicture]
    #: Images predicted
    images: int
    seconds: float | None
    images_per_second: float | None
    result_path: str
    #: `result.json` has more
    truncated: bool


class BenchmarkGroup(TypedDict):
    snr: str
    colormap: str
    images: int
    unreadable: int
    accuracy: float
    top1_acc: float
    top2_acc: float
    top3_acc: float
    top5_acc: float
    mAP: float
    macro_f1: float
    micro_f1: float


class AccuracyBySnr(TypedDict, total=False):
    snr: str
    images: int
    accuracy: float


class AccuracyByColormap(TypedDict, total=False):
    colormap: str
    images: int
    accuracy: float


class BenchmarkResult(TypedDict):
    """Accuracies and `mAP` in percent, the others from 0 to 1"""

    #: `benchmark.json`, where each group has a row per class and its confusion matrix, too
    result_path: str
    model: str
    groups: list[BenchmarkGroup]
    images: int
    by_snr: list[AccuracyBySnr]
    by_colormap: list[AccuracyByColormap]
    #: Folders that are no class of the model
    passed_over: list[str]


class BatchInferenceResponse(TypedDict):
    status: Literal["success"]
    message: str
    #: In the order of the sources; `<id of the batch>_<i>`, an array of tasks
    task_ids: list[str]
    total: int
