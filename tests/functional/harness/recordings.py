# SPDX-License-Identifier: Apache-2.0
"""Small recordings of radio signals: float I and Q, interleaved."""

from __future__ import annotations

import array
import math
import random
from pathlib import Path

RATE = 100_000  # samples per second
BAND = 0.2  # of it, that a signal sweeps over


def write_recording(
    path: Path, ratio: float | None, samples: int = 20_000, seed: int = 1, offset: float = 0.1
) -> Path:
    """A sweep of power 1 around `offset` (in parts of the rate) with noise `ratio` dB below it in its band;
    None: noise alone."""
    rng = random.Random(seed)
    power = 1.0 if ratio is None else 1 / (BAND * 10 ** (ratio / 10))
    spread = math.sqrt(power / 2)
    values = array.array("f")
    phase, period = 0.0, 500
    for i in range(samples):
        phase += 2 * math.pi * (offset + BAND * ((i % period) / period - 0.5))
        signal = (0.0, 0.0) if ratio is None else (math.cos(phase), math.sin(phase))
        values.extend(part + rng.gauss(0, spread) for part in signal)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(values.tobytes())
    return path
