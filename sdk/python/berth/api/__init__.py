# SPDX-License-Identifier: Apache-2.0
"""The daemon's routes, a class per group."""

from __future__ import annotations

from .arrays import Arrays
from .inference import Inference
from .leases import Leases
from .legacy import Legacy
from .preprocessing import Preprocessing
from .resources import Resources
from .service import Service
from .signals import Signals
from .tasks import Tasks
from .training import Training

__all__ = [
    "Arrays",
    "Inference",
    "Leases",
    "Legacy",
    "Preprocessing",
    "Resources",
    "Service",
    "Signals",
    "Tasks",
    "Training",
]
