# SPDX-License-Identifier: Apache-2.0
"""Requests of the work on data sets of pictures and on recordings of radio signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from .requests import Retry
from .words import PathLike


class _Named(TypedDict, total=False):
    """How a task is known and in what order it comes."""

    #: Shown in listings
    name: str | None
    #: The id to use, at most 128 bytes; null or "": the daemon makes a UUID. 409 when it exists
    task_id: str | None
    #: When it is started again, from its beginning
    retry: int | Retry | None
    priority: int
    #: For people
    description: str | None


class _Samples(TypedDict, total=False):
    """What the samples of a recording are."""

    #: Of a sample: two floats or integers of so many bits; null: as the file beside the recording says,
    #: else `ci16` for `.dat`, else `cf32`
    format: Literal["cf32", "cf64", "ci16", "ci8", "cu8"] | None
    #: Hertz; null: as the file beside the recording says, else 100000000
    sample_rate: float | None
    #: Factor on the values as they are stored; null: integers become -1 to 1
    scale: float | None
    #: Read `<name>.sigmf-meta` or `<name>.xml` beside the recording
    use_side_file: bool | None


class _Pictures(TypedDict, total=False):
    """How spectrograms are drawn."""

    #: Seconds in a picture
    duration_time: float | None
    #: A slice begins 2^-ratio slices after the one before
    ratio: float | None
    #: Samples of a window
    stft_point: int | None
    #: Samples that neighbouring windows share, less than `stft_point`; null: half of it
    overlap: int | None
    window: Literal["hamming", "hann", "blackman", "rectangular"] | None
    #: A periodic window instead of a symmetric one
    periodic: bool | None
    #: Pixels
    width: int | None
    #: Pixels
    height: int | None
    colormap: Literal["jet", "viridis", "magma", "inferno", "plasma", "gray"] | None
    #: 10 log10 of the amplitude, or of the power
    decibels: Literal["amplitude", "power"] | None
    #: Level of the lowest colour; null: the lowest of the picture
    low_db: float | None
    #: Level of the highest colour, above `low_db`; null: the highest of the picture
    high_db: float | None
    #: Levels below it count as it
    floor_db: float | None
    #: Of JPEG
    quality: int | None
    image_format: Literal["jpg", "png"] | None
    #: At most so many of each recording
    max_slices: int | None


class _DatasetSplitRequestRequired(TypedDict):
    #: Folder with one subfolder of images per class, searched in depth
    input_path: PathLike
    #: Folder for `train`, `valid` and `test`, made if needed; not in `input_path`
    output_path: PathLike


class DatasetSplitRequest(_Named, _DatasetSplitRequestRequired, total=False):
    #: Share of each class for training, rounded down
    train_ratio: float
    #: Share for validation, rounded down; what is left of a class goes to `test`. null: all that is not
    #: for training. At most 1 together with `train_ratio`, and at 1 there is no test set
    val_ratio: float | None
    #: For other random numbers; null is 0, and the same seed gives the same files
    seed: int | None
    #: Replace `train`, `valid` and `test` of an earlier split. Without it the task fails when one is there
    overwrite: bool
    #: Hard links instead of copies
    link: bool


class _DataAugmentationRequestRequired(TypedDict):
    #: Folder with `train`, `valid` or both, each with one subfolder of images per class
    dataset_path: PathLike


class DataAugmentationRequest(_Named, _DataAugmentationRequestRequired, total=False):
    #: Folder for the result, made if needed; null or "": `dataset_aug` in the parent of the parent of
    #: `dataset_path`
    output_path: PathLike | None
    #: Of `AdvancedBlur`, `CLAHE`, `ColorJitter`, `GaussNoise`, `ISONoise`, `Sharpen`, others are refused
    #: with 400; null or empty: all
    methods: Sequence[str] | None
    #: For other random numbers; null is 0, and the same seed gives the same files
    seed: int | None


class _ImageCropRequestRequired(TypedDict):
    #: An image, or a folder of images (searched in depth)
    input_path: PathLike
    #: Folder for the result, made if needed; not in `input_path`
    output_path: PathLike
    #: Left edge, pixels from the left
    x: int
    #: Upper edge, pixels from the top
    y: int
    #: Pixels
    width: int
    #: Pixels
    height: int


class ImageCropRequest(_Named, _ImageCropRequestRequired, total=False):
    """The rectangle and the pictures."""


class _SpectrogramRequestRequired(TypedDict):
    #: A recording (.iq, .dat, .sigmf-data), or a folder of them
    source_path: PathLike


class SpectrogramRequest(_Named, _Samples, _Pictures, _SpectrogramRequestRequired, total=False):
    #: Folder for the results, made if needed; null or "": one in the state directory, named after the
    #: task's id
    save_path: PathLike | None


class _WaterfallRequestRequired(TypedDict):
    #: A recording
    source_path: PathLike
    #: A film that ends in `.avi` (2 GB at most) or `.mp4` (where `ffmpeg` is installed), or, without an
    #: ending, a folder for the single pictures
    save_path: PathLike


class WaterfallRequest(_Named, _Samples, _WaterfallRequestRequired, total=False):
    #: Samples of a row
    fft_size: int | None
    #: Seconds in a picture
    duration_time: float | None
    #: Rows from picture to picture, not more than a picture has
    advance: int | None
    #: Pictures per second
    fps: int | None
    #: Pixels
    width: int | None
    #: Pixels
    height: int | None
    #: Of JPEG
    quality: int | None
    colormap: Literal["jet", "viridis", "magma", "inferno", "plasma", "gray"] | None
    #: Level of the lowest colour; null: the lowest of the picture
    low_db: float | None
    #: Level of the highest colour, above `low_db`; null: the highest of the picture
    high_db: float | None
    #: At most so many pictures
    max_frames: int | None


class _IqDatasetRequestRequired(TypedDict):
    #: Folder with one subfolder of recordings per class
    source_path: PathLike
    #: Folder for the data set, made if needed
    save_path: PathLike


class IqDatasetRequest(_Named, _Samples, _Pictures, _IqDatasetRequestRequired, total=False):
    """A data set of spectrograms."""


class _SnrRequestRequired(TypedDict):
    #: A recording, or a folder of them
    source_path: PathLike


class SnrRequest(_Named, _Samples, _SnrRequestRequired, total=False):
    """What recordings are measured."""


class _AwgnRequestRequired(TypedDict):
    #: A recording
    source_path: PathLike


class AwgnRequest(_Named, _Samples, _AwgnRequestRequired, total=False):
    #: Folder for the results, made if needed; null or "": one in the state directory, named after the
    #: task's id
    save_path: PathLike | None
    #: The least ratio, dB
    snr_min: float | None
    #: The greatest ratio, dB; not less than `snr_min`
    snr_max: float | None
    #: From ratio to ratio, dB; 1000 ratios at most
    snr_step: float | None
    #: The same seed gives the same noise
    seed: int | None
