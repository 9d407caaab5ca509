# SPDX-License-Identifier: Apache-2.0
"""Our short-time Fourier transform against SciPy's: same samples, same windows, same numbers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

numpy = pytest.importorskip("numpy", reason="python3-numpy is not installed")
signal = pytest.importorskip("scipy.signal", reason="python3-scipy is not installed (tools/unpack_scipy.sh)")

PARITY = Path(os.environ["BERTH_SIGNAL_PARITY"])
WINDOWS = {"hamming": "hamming", "hann": "hann", "blackman": "blackman", "rectangular": "boxcar"}
# Relative to the largest magnitude.
CLOSE = 1e-5


def samples(count: int, seed: int = 0) -> numpy.ndarray:
    """Noise with a tone in it and a pause, so that there are large and small magnitudes."""
    random = numpy.random.default_rng(seed)
    noise = random.standard_normal(2 * count).astype(numpy.float32).view(numpy.complex64)
    tone = 30 * numpy.exp(2j * numpy.pi * 0.123 * numpy.arange(count))
    tone[count // 2 :] = 0
    return (noise + tone).astype(numpy.complex64)


def ours(folder: Path, x: numpy.ndarray, window: str, periodic: bool, length: int, overlap: int) -> numpy.ndarray:
    x.tofile(folder / "in.iq")
    command = [PARITY, "stft", folder / "in.iq", folder / "out", window, "periodic" if periodic else "symmetric"]
    subprocess.run([*command, str(length), str(overlap)], check=True)
    return numpy.fromfile(folder / "out", numpy.complex64).reshape(-1, length).T


def reference(x: numpy.ndarray, window: str, periodic: bool, length: int, overlap: int) -> numpy.ndarray:
    weights = signal.windows.get_window(WINDOWS[window], length, fftbins=periodic)
    _, _, z = signal.stft(x.astype(numpy.complex128), 1.0, window=weights, nperseg=length, noverlap=overlap,
                          return_onesided=False)  # fmt: skip
    return numpy.fft.fftshift(z, axes=0)


def compare(folder: Path, x: numpy.ndarray, window: str, periodic: bool, length: int, overlap: int) -> None:
    got = ours(folder, x, window, periodic, length, overlap)
    wanted = reference(x, window, periodic, length, overlap)
    assert got.shape == wanted.shape
    assert numpy.abs(got - wanted).max() <= CLOSE * numpy.abs(wanted).max()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("length", "overlap"), [(256, 128), (256, 0), (1000, 900), (1021, 1), (243, 242)])
def test_windows_and_overlaps(tmp_path: Path, window: str, periodic: bool, length: int, overlap: int) -> None:
    compare(tmp_path, samples(5003), window, periodic, length, overlap)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 16, 31, 37, 64, 100, 128, 360, 512, 961, 1024, 2048, 4096,
                                    6000, 8191, 10007, 16384, 65536])  # fmt: skip
def test_lengths_of_all_kinds(tmp_path: Path, length: int) -> None:
    compare(tmp_path, samples(70001, seed=length), "hamming", False, length, length // 2)


@pytest.mark.parametrize("count", [64, 65, 95, 96, 97, 127, 128, 129, 1000])
def test_every_remainder_at_the_end(tmp_path: Path, count: int) -> None:
    for overlap in (0, 10, 32, 63):
        compare(tmp_path, samples(count), "hann", True, 64, overlap)


def test_a_slice_as_rfuav_cuts_it(tmp_path: Path) -> None:
    """0.1 s at 10 MS/s, the window of 1024 that upstream takes, in the precision that upstream has."""
    x = samples(1_000_000)
    got = ours(tmp_path, x, "hamming", False, 1024, 512)
    _, _, z = signal.stft(x, 10e6, window=signal.windows.hamming(1024), nperseg=1024, return_onesided=False)
    wanted = numpy.fft.fftshift(z, axes=0)
    assert numpy.abs(got - wanted).max() <= CLOSE * numpy.abs(wanted).max()
    # What the pictures show.
    ours_db, theirs_db = 10 * numpy.log10(numpy.abs(got)), 10 * numpy.log10(numpy.abs(wanted))
    assert numpy.median(numpy.abs(ours_db - theirs_db)) < 1e-4
