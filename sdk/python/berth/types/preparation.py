# SPDX-License-Identifier: Apache-2.0
"""Answers about work on data sets and recordings."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from .tasks import TaskFailure
from .words import State


class FailedFile(TypedDict):
    #: Relative to the input
    path: str
    reason: str


class _PreprocessingStatsRequired(TypedDict):
    #: Files that could not be done
    failed: int
    #: The first of them
    failed_files: list[FailedFile]
    #: Files that are no images, or in no class folder
    skipped_files: int
    output_path: str
    seconds: float


class PreprocessingStats(_PreprocessingStatsRequired, total=False):
    """Splits add `total_images train_images val_images test_images classes empty_classes seed`,
    augmentations `original_images augmented_images methods_used` (a number) `methods classes seed`,
    crops `total_images success`."""

    classes: list[str]
    methods: list[str]
    methods_used: int
    total_images: int
    success: int
    train_images: int
    val_images: int
    test_images: int
    original_images: int
    #: Without the copies of the originals
    augmented_images: int


class UnreadableFile(TypedDict):
    file: str
    message: str


class Unreadable(TypedDict):
    """Recordings that were left out"""

    count: int
    #: The first of them
    files: list[UnreadableFile]


class SignalPictureStats(TypedDict):
    """Of spectrograms and data sets of them"""

    source_path: str
    save_path: str
    pictures: int
    #: Recordings that were drawn
    files: int
    #: Pictures by the name that they begin with
    per_class: dict[str, int]
    unreadable: Unreadable
    #: NaN and infinite ones, which count as 0
    samples_not_finite: int
    seconds: float


class WaterfallStats(TypedDict):
    source_path: str
    save_path: str
    frames: int
    rows_per_frame: int
    advance: int
    #: Of all pictures
    jpeg_bytes: int
    samples_not_finite: int
    seconds: float


class _MeasuredSignalRequired(TypedDict):
    file: str
    signal_found: bool
    samples: int
    #: Hertz
    sample_rate: float
    #: Mean of the squared amplitude
    total_power: float
    noise_power: float


class MeasuredSignal(_MeasuredSignalRequired, total=False):
    """Without a signal only the powers are there"""

    signal_power: float
    #: Within the bandwidth that the signal occupies
    snr_db: float
    #: Against the noise of the whole band
    full_band_snr_db: float
    #: With 99 % of the signal's power
    bandwidth_hz: float
    #: From the middle of the band
    centre_offset_hz: float
    #: Where the recording's own is known
    centre_frequency_hz: float
    #: What the file beside the recording says
    reference_snr_db: float


class SnrStats(TypedDict):
    source_path: str
    files: list[MeasuredSignal]
    unreadable: Unreadable
    seconds: float


class NoisyCopy(TypedDict):
    file: str
    snr_db: float
    seed: int
    noise_power_added: float


class AwgnStats(TypedDict):
    source_path: str
    save_path: str
    measured: MeasuredSignal
    files: list[NoisyCopy]
    #: Ratios above the recording's own
    snr_db_left_out: list[float]
    seconds: float


class PreprocessingResponse(TypedDict):
    task_id: str
    task_type: Literal[
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
    #: The state in words, with the files counted while it works; for a failed task why
    message: str
    #: Finished work in percent, rounded down
    progress: int
    #: Absolute; of an augmentation the `dataset_path`, of work on signals the `source_path`
    input_path: str | None
    #: Absolute; of work on signals the `save_path`, null where nothing is written
    output_path: str | None
    #: What was done; null until the task is completed
    stats: PreprocessingStats | SignalPictureStats | WaterfallStats | SnrStats | AwgnStats | None
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None
    priority: int
    #: Cancelled, but its processes are not gone yet
    cancelling: bool
    #: Why it failed
    error: TaskFailure | None
    #: The request, paths made absolute
    parameters: dict[str, Any]
