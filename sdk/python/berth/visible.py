# SPDX-License-Identifier: Apache-2.0
"""Which number a GPU has in this process: CUDA counts what CUDA_VISIBLE_DEVICES lists, in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VARIABLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Device:
    """A GPU as the machine numbers it."""

    name: str
    uuid: str
    #: What others leave of its memory, GiB; None when the driver does not say.
    free_gb: float | None = None
    healthy: bool = True


class Visible:
    """The GPUs that this process may use, by its own numbers; those of other vendors keep the machine's."""

    def __init__(self, devices: Sequence[Device], environ: Mapping[str, str]) -> None:
        listed = environ.get(VARIABLE)
        #: Whether the list is shorter or in another order than the machine's.
        self.limited = listed is not None
        self.devices = list(devices)
        if listed is not None:
            others = [device for device in devices if not device.name.startswith("cuda:")]
            self._listed = _listed(listed, [device for device in devices if device.name.startswith("cuda:")])
            self.devices = self._listed + others
        else:
            self._listed = []

    def name_here(self, device: Device) -> str:
        """`cuda:0` for the first that is visible."""
        if self.limited and device in self._listed:
            return f"cuda:{self._listed.index(device)}"
        return device.name

    def named(self, name: str) -> Device | None:
        """By its name in this process, or by the beginning of its UUID."""
        for device in self.devices:
            if self.name_here(device) == name or device.uuid.lower().startswith(name.lower()):
                return device
        return None


def _listed(text: str, devices: Sequence[Device]) -> list[Device]:
    """As CUDA reads it: up to the first word that names no device."""
    found: list[Device] = []
    for word in text.split(","):
        name = word.strip()
        match = None
        if name.isdigit():
            match = next((device for device in devices if device.name == f"cuda:{int(name)}"), None)
        elif name:
            match = next((device for device in devices if device.uuid.lower().startswith(name.lower())), None)
        if match is None:
            break
        found.append(match)
    return found
