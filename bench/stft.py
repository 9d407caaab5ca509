# SPDX-License-Identifier: Apache-2.0
"""The short-time Fourier transform of 10 M complex samples against SciPy's, which gets its best: single precision and
as many threads (scipy.fft.set_workers)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from figures import Figure, median

SAMPLES, LENGTH, REPEATS = 10_000_000, 1024, 9
NAME = f"STFT, {SAMPLES // 1_000_000} M complex samples, {LENGTH} points, half overlap"


def write_samples(path: Path) -> None:
    import numpy

    numpy.random.default_rng(0).standard_normal(2 * SAMPLES, dtype=numpy.float32).tofile(path)


def time_scipy(path: Path, threads: int) -> list[float]:
    """Without the fftshift that ours includes."""
    import time

    import numpy
    from scipy import fft, signal

    x = numpy.fromfile(path, numpy.complex64)
    window = signal.windows.hamming(LENGTH).astype(numpy.float32)
    seconds = []
    with fft.set_workers(threads):
        for _ in range(REPEATS):
            begin = time.perf_counter()
            _, _, z = signal.stft(x, 100e6, window=window, nperseg=LENGTH, return_onesided=False)
            seconds.append(time.perf_counter() - begin)
            assert z.dtype == numpy.complex64
    return seconds


def environment() -> dict[str, str]:
    """With the SciPy that tools/unpack_scipy.sh has unpacked, if it has."""
    packages = os.environ.get("BERTH_SCIPY")
    if not packages:
        return dict(os.environ)
    libraries = Path(packages).parents[1] / "x86_64-linux-gnu"
    return {**os.environ, "PYTHONPATH": packages, "LD_LIBRARY_PATH": str(libraries)}


def measure(build: Path, folder: Path) -> list[Figure]:
    program = build / "workers" / "tests" / "worker_signal_parity"
    if not program.exists():
        print("STFT is left out: the workers are not built", file=sys.stderr)
        return []
    path = folder / "noise.iq"
    peer = [sys.executable, __file__, str(path)]
    written = subprocess.run([*peer, "0"], env=environment(), capture_output=True, text=True)
    if written.returncode != 0:
        print("STFT is left out: numpy or SciPy is missing", file=sys.stderr)
        return []
    figures = []
    kernel = subprocess.run([program, "kernel"], check=True, capture_output=True, text=True).stdout.strip()
    for threads in sorted({1, os.cpu_count() or 1}):
        mine = subprocess.run([program, "time", path, str(LENGTH), str(threads), str(REPEATS)], check=True,
                              capture_output=True, text=True)  # fmt: skip
        theirs = subprocess.run([*peer, str(threads)], check=True, capture_output=True, text=True, env=environment())
        rate = SAMPLES / 1e6 / median(json.loads(mine.stdout)["seconds"])
        peer_rate = SAMPLES / 1e6 / median(json.loads(theirs.stdout))
        plural = "thread" if threads == 1 else "threads"
        figures.append(Figure(f"{NAME}, {threads} {plural}", rate, "MS/s", peer="SciPy", peer_value=peer_rate, goal=3,
                              at_most=False, note=f"{kernel}; SciPy with complex64 and {threads} {plural}"))
    return figures


if __name__ == "__main__":
    samples, workers = Path(sys.argv[1]), int(sys.argv[2])
    if workers == 0:
        import scipy  # noqa: F401  # so that it is missing now, not later

        write_samples(samples)
    else:
        print(json.dumps(time_scipy(samples, workers)))
