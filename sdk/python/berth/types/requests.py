# SPDX-License-Identifier: Apache-2.0
"""What is asked for: the fields of requests. Those of a class `_...Required` must be given; what is left
out has the daemon's default. Fields named `*_gb` are in GiB, `*_s` in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from .words import Kind, PathLike, Policy


class _Named(TypedDict, total=False):
    """How a task is known and in what order it comes."""

    #: The id to use, at most 128 bytes; null or "": the daemon makes a UUID. 409 when it exists
    task_id: str | None
    #: How often a task that ended badly is started again, or the whole policy
    retry: int | Retry | None
    priority: int
    #: For people
    description: str | None
    #: For people; need not be unique
    name: str | None


class _Placed(TypedDict, total=False):
    """Where it is to run."""

    device: str
    #: How to choose among the devices that fit; null and "" mean `balanced`
    policy: Policy | None


class _Weights(TypedDict, total=False):
    """How the weights are used."""

    #: YAML with model and class names; not needed for weights that Berth trained
    cfg_path: PathLike | None
    #: Images per step; null: the worker's choice
    batch_size: int | None


class _RetryRequired(TypedDict):
    #: How often at the most
    max: int


class Retry(_RetryRequired, total=False):
    #: Pause before the first retry; doubled each time, an hour at most. None when a device was lost
    backoff_s: float
    #: After which failures; without it after any but `timeout`
    on: Sequence[Literal["exit", "out_of_memory", "timeout", "device_lost", "launch_failed", "lost"]]
    #: Factor for the reservation after `out_of_memory`
    more_memory: float


class _FallbackRequired(TypedDict):
    to: Literal["cpu"]


class Fallback(_FallbackRequired, total=False):
    #: How long to wait for a GPU
    after_s: float


class CommandOptions(_Named, _Placed, total=False):
    """All of a command but its words and where it runs."""

    kind: Kind
    #: How many devices, when `device` does not name them
    gpus: int
    #: Memory to reserve per device, in GiB. A card's nominal size means the whole card. Null: the
    #: scheduler estimates it
    memory_gb: float | None
    memory_fraction: float | None
    memory_strategy: Literal["conservative", "aggressive", "dynamic", ""] | None
    #: Part of the device's model name, in any case: `V100`
    gpu_type: str | None
    #: No other task may run on the device meanwhile
    exclusive: bool
    #: Seconds that one attempt may run; then its process tree is ended and the task has failed
    timeout_s: float | None
    #: Tasks that must have completed first. When one of them fails or is cancelled, so is this one
    after: Sequence[str] | None
    #: Tasks that must have ended first, in whatever way
    after_any: Sequence[str] | None
    #: Waits until it is released
    hold: bool
    #: A pool of the configuration; null and "" mean any device that admits the task
    pool: str | None
    #: Rather beside tasks of its kind than beside others
    group_by_kind: bool
    #: Run on the CPU when no GPU is free, at once or after a time
    fallback: Literal["cpu"] | Fallback | None


class _CommandRequestRequired(TypedDict):
    #: The argument vector; the first word is the program. No shell is involved
    command: Sequence[str]


class CommandRequest(CommandOptions, _CommandRequestRequired, total=False):
    #: Environment variables beside those that Berth sets (`BERTH_TASK_ID`, `CUDA_VISIBLE_DEVICES` and so
    #: on)
    env: Mapping[str, str] | None
    #: Working directory; an absolute path
    cwd: PathLike | None
    #: Many tasks at once: a number of them, or indices as Slurm writes them (`0-9`, `1,3,5-7`, `0-99:10`),
    #: with `%4` for at most so many at a time. The answer is the array; each task has `BERTH_ARRAY_ID`,
    #: `BERTH_ARRAY_INDEX` and `BERTH_ARRAY_SIZE` in its environment and the id `<array>_<index>`
    array: int | str | None


class Augmentation(TypedDict, total=False):
    #: Probability
    horizontal_flip: float
    #: Probability
    vertical_flip: float
    #: Up to this part of each side is cut off
    crop: float
    #: Factor from 1 - b to 1 + b
    brightness: float
    #: Factor from 1 - c to 1 + c, about the mean
    contrast: float
    #: Standard deviation, images being 0 to 1
    noise: float
    #: Probability that a rectangle becomes grey
    erase: float


class _TrainingRequestRequired(TypedDict):
    #: One of `supported_models` of `/api/v1/info`; others are refused with 400
    model: str
    #: Number of classes
    num_classes: int
    #: Folder with one subfolder per class
    train_path: PathLike
    #: The same for validation
    val_path: PathLike
    #: Folder for checkpoints, made if needed; "" means `models/output`. `name` is added as a subfolder
    save_path: PathLike


class TrainingRequest(_Named, _Placed, _TrainingRequestRequired, total=False):
    #: Images in the model at a time, shared by all `gpus`; `auto`: as many as fit (on the CPU: as many as
    #: make it faster)
    batch_size: int | Literal["auto"]
    #: Passes over the training set
    num_epochs: int
    #: Step size of the optimiser
    learning_rate: float
    #: Side of the square that images are scaled to, in pixels
    image_size: int
    #: Weights to start from; null and "" mean none
    weight_path: PathLike | None
    #: Start from `weight_path`. There are no built-in weights: without `weight_path` training starts from
    #: scratch and the log says so
    pretrained: bool
    #: Another order of the images in each epoch
    shuffle: bool
    #: For the same random numbers in each run
    seed: int | None
    optimizer: Literal["adam", "adamw", "sgd"] | None
    #: 0.01 for adamw, else 0
    weight_decay: float | None
    #: Of sgd
    momentum: float | None
    #: Of sgd
    nesterov: bool | None
    #: How the learning rate goes on after the warm-up
    schedule: Literal["constant", "cosine", "linear", "step"] | None
    #: Epochs in which the learning rate rises to its value
    warmup_epochs: float | None
    #: Where cosine and linear end
    min_learning_rate: float | None
    #: After so many epochs each, the schedule `step` multiplies
    step_epochs: float | None
    #: by this
    gamma: float | None
    #: Train on so many GPUs together, a process on each; the update is that of the whole batch. One
    #: failing ends all
    gpus: int | None
    #: With the device `cpu`: train in so many processes
    processes: int | None
    #: An update is made of so many batches
    accumulate_steps: int | None
    #: Greatest norm of all gradients together; 0: not clipped
    clip_norm: float | None
    label_smoothing: float | None
    #: balanced: every class counts the same; or a number per class, in alphabetical order
    class_weights: Literal["balanced"] | Sequence[float] | None
    #: bf16 where the device has it, else fp16 with scaled losses
    mixed_precision: bool | None
    #: O0: fp32; O1 and O2: as mixed_precision
    amp_level: Literal["O0", "O1", "O2"] | None
    #: Instead of these two
    precision: Literal["fp32", "bf16", "fp16"] | None
    #: Validate and save an average of the last steps' weights, which is steadier
    ema: bool | None
    #: What each step leaves of the average; without it a short one
    ema_decay: float | None
    #: Changes of the images while they are trained on
    augment: Augmentation | None
    #: Ends after so many epochs without a better validation accuracy; 0: never
    early_stop: int | None
    #: true: goes on with the training that was stopped in save_path; without it only a retry of the same
    #: task does
    resume: bool | None
    #: The same weights from the same seed on a GPU, too; slower
    deterministic: bool | None
    #: Weights of every so many epochs as `<Class>_epoch_<n>`; 0: none
    save_every: int | None
    #: Of those only the newest; 0: all
    keep_checkpoints: int | None
    #: `pth` is what PyTorch reads
    checkpoint_format: Literal["safetensors", "pth", "both"] | None


class _InferenceRequestRequired(TypedDict):
    #: An image, an IQ recording (.iq, .dat, .sigmf-data), a folder of them (searched in depth), or a list
    #: of them (.txt, a path per line)
    source_path: PathLike


class InferenceRequest(_Named, _Placed, _Weights, _InferenceRequestRequired, total=False):
    #: The weights; may be missing with `detector`, whose boxes are then shown alone
    weight_path: PathLike | None
    #: Folder for the results; null or "": one in the state directory, named after the task's id
    save_path: PathLike | None
    #: Most probable classes told of each image
    top_k: int | None
    #: Write each image with its class on it to `save_path`, too
    annotate: bool | None
    #: Classify what a detector has found instead of whole images
    detector: Detector | None


class _DetectorRequired(TypedDict):
    #: A result.json of an inference with boxes, a COCO file, or a folder with a .txt per image (`class x y
    #: width height [score]`, centre and size as shares of the image)
    boxes_path: PathLike


class Detector(_DetectorRequired, total=False):
    #: Boxes of which the detector was less sure are left out
    min_score: float | None
    #: In an image: the surest
    max_boxes: int | None
    #: Added on each side, as a share of the box
    margin: float | None


class _BatchInferenceRequestRequired(TypedDict):
    #: As `source_path` of one inference; a task for each
    source_paths: Sequence[PathLike]


class BatchInferenceRequest(_Placed, _Weights, _BatchInferenceRequestRequired, total=False):
    #: The weights; may be missing with `detector`, whose boxes are then shown alone
    weight_path: PathLike | None
    #: Task i saves its results under `<this>/<i>`; null or "": each in a folder of the state directory
    save_base_path: PathLike | None
    #: Most probable classes told of each image
    top_k: int | None
    #: Write each image with its class on it to `save_path`, too
    annotate: bool | None
    #: Classify what a detector has found instead of whole images
    detector: Detector | None
    #: The id to use, at most 128 bytes; null or "": the daemon makes a UUID. 409 when it exists
    task_id: str | None
    #: When it is started again, from its beginning; without it twice after a lost device
    retry: int | Retry | None
    priority: int
    #: For people
    description: str | None


class _BenchmarkRequestRequired(TypedDict):
    #: The weights
    weight_path: PathLike
    #: Folder of images in `<snr>/<colormap>/<class>/`; what is no class of the model is passed over
    data_path: PathLike


class BenchmarkRequest(_Named, _Placed, _Weights, _BenchmarkRequestRequired, total=False):
    #: Folder for the results; null or "": one in the state directory, named after the task's id
    save_path: PathLike | None


class LeaseRequest(_Placed, total=False):
    gpus: int
    #: Per device, GiB; null: the whole device
    memory_gb: float | None
    memory_fraction: float | None
    memory_strategy: Literal["conservative", "aggressive", "dynamic", ""] | None
    #: Part of the model's name
    gpu_type: str | None
    exclusive: bool
    priority: int
    pool: str | None
    ttl_s: float | None
    #: A process that adopts it at once
    pid: int | None


class PriorityRequest(TypedDict):
    #: 1 is most urgent
    priority: int


class DrainRequest(TypedDict, total=False):
    #: Names or UUIDs; without it the whole machine
    devices: Sequence[str] | None
    #: `false`: new tasks are taken again
    drain: bool
    #: Shown to whoever waits
    reason: str | None


class KindLimits(TypedDict, total=False):
    #: Trainings at the same time
    training: int
    #: Inferences at the same time
    inference: int


class LimitsRequest(TypedDict, total=False):
    #: By device: a name (`cuda:0`, `cpu`), a UUID, or `cuda` for every NVIDIA device
    max_concurrent: Mapping[str, KindLimits] | None
