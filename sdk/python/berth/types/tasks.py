# SPDX-License-Identifier: Apache-2.0
"""Tasks as the daemon tells of them."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from .requests import Retry
from .words import Kind, Policy, State


class TaskFailure(TypedDict):
    #: For programs: `out_of_memory`, `exit`, `signal` and so on
    code: str
    #: For people
    message: str
    #: The file concerned
    file: str | None
    #: After running out of device memory: what to ask for, GiB
    suggested_memory_gb: float | None


class PlacedDevice(TypedDict):
    device: str
    uuid: str
    #: Memory kept for this task, GiB
    reserved_gb: float
    #: What it holds there now by the newest reading, GiB; null when it does not run, nothing of it is seen there or
    #: the driver does not tell
    used_gb: float | None
    #: It holds more than was kept for it by more than 5 % and 512 MiB
    over_reserved: bool


class Placement(TypedDict):
    devices: list[PlacedDevice]
    #: Where the size of the reservation came from: the request, a card's nominal size, what a task like it
    #: used, a share per slot of the kind, the whole device, or no reservation
    rule: Literal["requested", "nominal", "history", "kind_share", "whole_device", "none", "fraction", "estimate"]


class ArrayPlace(TypedDict):
    id: str
    index: int
    #: How many tasks were submitted
    size: int
    #: How many of them may run at a time; null for any number
    at_once: int | None


class Enforcement(TypedDict):
    #: From the weakest: nothing; measured each second; the program is told; the CUDA driver refuses more
    #: (MPS); the kernel or the driver refuses more by the task's cgroup
    rung: Literal["none", "watchdog", "hints", "mps", "kernel"]
    #: What that rests on; may be empty
    by: str
    #: GPUs that it was not given cannot be opened
    fenced: bool
    #: Why it is not fenced; empty when it is
    fence_missing: str


class Usage(TypedDict):
    """Of all its GPUs together, from a reading a second."""

    #: That it was watched for
    seconds: float
    #: The most at one moment, GiB
    peak_memory_gb: float | None
    #: GiB
    mean_memory_gb: float | None
    #: Percent, mean of its devices; its own where it shares one
    utilization: float | None
    #: Its share of what its devices took, idling included; J
    energy_j: float | None


class TaskResponse(TypedDict):
    task_id: str
    #: What was submitted
    task_type: Literal[
        "training",
        "inference",
        "benchmark",
        "command",
        "dataset_split",
        "data_augmentation",
        "image_crop",
        "spectrogram",
        "waterfall",
        "iq_dataset",
        "snr",
        "awgn",
    ]
    status: State
    #: The state in words, in the language asked for; for a failed task why
    message: str
    #: Finished work in percent, rounded down
    progress: int
    #: As asked for, then as given: `cuda:0`, `cuda:0,cuda:1`, `cpu`
    device: str
    priority: int
    created_at: str
    updated_at: str
    #: Trainings: the epoch at work, from 1
    current_epoch: int | None
    #: Trainings: epochs asked for
    total_epochs: int | None
    #: Preprocessing: files done so far, failed ones included
    items_done: int | None
    #: Preprocessing: files to do
    items_total: int | None
    #: The newest metrics; null before the first. Trainings: a TrainingMetrics. Other tasks: what
    #: they reported
    latest_metrics: dict[str, Any] | None
    name: str | None
    description: str | None
    kind: Kind
    #: The device string of the request
    device_requested: str
    #: Devices asked for
    gpus: int
    #: Memory asked for on each, GiB
    memory_gb: float | None
    #: The part of each device's memory asked for
    memory_fraction: float | None
    #: Part of the name of the models asked for
    gpu_type: str | None
    #: Whether each device is to be had alone
    exclusive: bool
    policy: Policy
    #: Cancelled, but its processes are not gone yet
    cancelling: bool
    #: How often it has been launched, counting launches that were taken back before a process was started
    attempt: int
    #: How often it was started again after a failure
    retries: int
    not_before: str | None
    #: On hold until it is released
    held: bool
    #: When it is tried again; null for never
    retry: Retry | None
    #: Tasks that it follows when they end well, without those that had when it was submitted
    after: list[str]
    #: Tasks that it follows however they end
    after_any: list[str]
    #: Seconds without a free GPU after which it runs on the CPU; null for never
    cpu_after_s: float | None
    #: Seconds that one attempt may run
    timeout_s: float | None
    #: While it waits, in `/api/v2/tasks`: the reason that most devices give, or its own; else null
    waiting_for: str | None
    #: The pool that was asked for
    pool: str | None
    #: Who submitted it
    user: str | None
    #: The array that it is a task of
    array: ArrayPlace | None
    #: While it runs, in `/api/v2/tasks`: what keeps it to its share; else null
    enforcement: Enforcement | None
    started_at: str | None
    finished_at: str | None
    #: Final states: the exit status, null when a signal ended it
    exit_code: int | None
    #: Final states: the number of the signal that ended it
    signal: int | None
    #: Final states: how it came to the end
    cause: (
        Literal[
            "exited",
            "cancelled",
            "timeout",
            "memory_limit",
            "launch_failed",
            "lost",
            "device_lost",
            "dependency",
            "refused",
        ]
        | None
    )
    #: Why the attempt before failed, after which it was tried again
    last_error: TaskFailure | None
    #: Why it failed; null when it did not
    error: TaskFailure | None
    #: Why the CPU does what a GPU was asked for: the machine has none, the built-in programs were built
    #: without support for it, or none was free in time
    fallback: Literal["no_gpu", "worker_without_gpu", "gpus_busy"] | None
    #: What the last attempt has used of its GPUs so far; null without a GPU
    usage: Usage | None
    #: Where it runs or ran last, and what is reserved; null before the first launch
    placement: Placement | None
    #: The argument vector; null for built-in tasks
    command: list[str] | None
    cwd: str | None
    #: Built-in tasks: where results go, absolute
    save_path: str | None
    #: Built-in tasks: the request, paths made absolute
    parameters: dict[str, Any] | None
    #: What the task reported as its result. Inferences: an InferenceResult, benchmarks: a BenchmarkResult
    result: dict[str, Any] | None
    #: The path of `result.json`, of a benchmark of `benchmark.json`
    result_path: str | None


class TaskArray(TypedDict):
    task_id: str
    task_type: Literal["array"]
    status: State
    #: How many tasks are in which state
    message: str
    #: Finished work of all tasks in percent
    progress: int
    name: str | None
    kind: Kind
    device_requested: str
    #: Devices asked for
    gpus: int
    #: Memory asked for on each, GiB
    memory_gb: float | None
    #: The part of each device's memory asked for
    memory_fraction: float | None
    #: Part of the name of the models asked for
    gpu_type: str | None
    #: Whether each device is to be had alone
    exclusive: bool
    priority: int
    user: str | None
    #: How many tasks were submitted
    size: int
    at_once: int | None
    #: Tasks by state; those removed are not counted
    counts: dict[str, int]
    #: Their ids, by index
    tasks: list[str]
    #: 0 when all completed, else of the first that did not; null while they are at it
    exit_code: int | None
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None


class TaskListResponse(TypedDict):
    #: In order of creation
    training_tasks: list[TaskResponse]
    #: In order of creation
    inference_tasks: list[TaskResponse]
    #: Length of `training_tasks`
    total_training: int
    #: Length of `inference_tasks`
    total_inference: int
    #: Every kind, newest first
    tasks: list[TaskResponse]
    #: How many match, whatever `limit` and `offset` are
    total: int


class _TaskActionResponseRequired(TypedDict):
    status: Literal["success"]
    message: str
    task_id: str


class TaskActionResponse(_TaskActionResponseRequired, total=False):
    #: For an array: how many of its tasks it concerned
    tasks: int


class Verdict(TypedDict):
    device: str
    uuid: str
    #: `wait`: not now; `never`: not on this device
    verdict: Literal["fits", "wait", "never"]
    #: `fits`, or why not: `memory`, `kind_limit`, `exclusive` and so on
    code: str
    #: In words: `20.00 GB`
    needed: str | None
    #: In words: `2.40 GB`
    available: str | None
    #: Since when an unhealthy device is so
    since: str | None
    #: When a device that does not answer is tried again
    next_probe: str | None


class _ExplanationRequired(TypedDict):
    task_id: str
    state: State
    #: One sentence
    summary: str
    #: GPUs by index, the processor last
    devices: list[Verdict]
    #: Devices by `code`; they add up to the number of devices
    counts: dict[str, int]
    #: Tasks with the same wishes that come first
    ahead: int
    #: When it would start if nothing new came and everything ended when tasks like it did, or at its time
    #: limit; null where that cannot be told
    earliest_start: str | None
    #: What would have to change
    would_fit_if: list[str]


class Explanation(_ExplanationRequired, total=False):
    #: Devices that the task needs at once
    devices_wanted: int


class _LogRecordRequired(TypedDict):
    #: ISO 8601
    timestamp: str
    level: Literal["INFO", "WARNING", "ERROR"]
    message: str


class LogRecord(_LogRecordRequired, total=False):
    #: Only when the record carries some: what this record reports
    metrics: dict[str, Any]
    #: Only when the task gave one
    step: int
    #: Only when the task gave one: `epoch_start`, `training`, `validation`, `epoch_end`, `completed`
    stage: str
    #: Only for lines of the task's output
    stream: Literal["stdout", "stderr"]


class LogEnd(TypedDict):
    status: Literal["completed", "failed", "cancelled"]
    message: str
