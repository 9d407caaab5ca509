# SPDX-License-Identifier: Apache-2.0
"""Which device this program should use: the rule of SENSEVOICE_DEVICE, with a reservation where there is a daemon."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Literal

from .address import default_token, default_url
from .choosing import KINDS, Choice, Wish, by_command_line, by_daemon
from .client import Client
from .environment import VISIBLE_VARIABLES, given_devices
from .lease import Lease
from .picking import CommandLine
from .types import Policy

Source = Literal["given", "daemon", "command line", "none"]

_NAMED = re.compile(r"(cuda|rocm|hip|xpu|npu):\d+(:\d+)?|(gpu|mig)-[0-9a-f/-]+")


class Selection(str):
    """The name of the chosen device in this process, to give to a framework: `torch.device(selection)`. It is a text,
    `"cuda:3"`, of several devices `"cuda:0,cuda:1"`, or `"cpu"`, and knows more than that."""

    #: A name per device, as this process sees them.
    devices: tuple[str, ...]
    #: Their names on the machine; empty where they are not known.
    machine_devices: tuple[str, ...]
    uuids: tuple[str, ...]
    #: What makes them the devices that a program sees, from 0 on.
    env: dict[str, str]
    #: Who chose: Berth when it started this program, the daemon or the command line now, nobody.
    source: Source
    #: What keeps them from others; None when nothing does.
    lease: Lease | None

    def __new__(
        cls, devices: Sequence[str], source: Source, choice: Choice | None = None, env: Mapping[str, str] | None = None
    ) -> Selection:
        choice = choice or Choice()
        self = super().__new__(cls, ",".join(devices))
        self.devices = tuple(devices)
        self.source = source
        self.machine_devices = tuple(device.name for device in choice.devices)
        self.uuids = tuple(device.uuid for device in choice.devices)
        self.env = dict(choice.env if env is None else env)
        self.lease = choice.lease
        return self

    def release(self) -> None:
        """Gives the devices back before this process ends."""
        if self.lease is not None:
            self.lease.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # in another process it is but a name


def select_device(
    memory_gb: float | None = None,
    count: int = 1,
    policy: Policy = "most_free",
    hold: float | None = None,
    *,
    device: str | None = None,
    gpu_type: str | None = None,
    export: bool = False,
    client: Client | None = None,
    environ: MutableMapping[str, str] = os.environ,
) -> Selection:
    """The device that this program should use, or `count` of them.

    What Berth has given to this program, as a task or with the variables of a lease, comes first. Else `device`, or the
    variable SENSEVOICE_DEVICE, says which: `auto` and `cuda` (the GPU that `policy` prefers, by default the one with
    the most free memory), `cuda:N` (that one), `cpu`. On a machine without a GPU it is `cpu`.

    The daemon chooses and reserves in one step, so programs that start at the same moment get different GPUs: for as
    long as this process runs, or for `hold` seconds; 0 only looks. `memory_gb` (GiB, per device) is what is reserved;
    without it the whole device, or where others use every device most of what is free on the freest. A device asked for
    by name is used even if it cannot be reserved, with a warning. Without a daemon the program `berth` of PATH
    chooses, without a reservation. Without either it is `cpu`, with a warning.

    `export` makes it the only device that this process sees (CUDA_VISIBLE_DEVICES and so on; it is then `cuda:0`),
    which has an effect only before CUDA is used for the first time. `gpu_type` is a part of the model's name.

    NothingFree when no GPU has the memory or all are reserved, with a reason per device; ValueError for a device that
    is not understood or not there; BadRequest for what could never be. Warnings are RuntimeWarnings; one comes, too,
    when the device has less than 2 GiB free.
    """
    if count < 1 or (hold is not None and hold < 0):
        raise ValueError(f"count is at least 1 and hold at least 0, not {count} and {hold}")
    given = given_devices(environ)
    word = (device or ("" if given else environ.get("SENSEVOICE_DEVICE")) or "auto").strip().lower()
    if word == "cpu":
        return Selection(["cpu"], "none")
    if word not in KINDS and not all(_NAMED.fullmatch(name.strip()) for name in word.split(",")):
        raise ValueError(f"device {word!r} is not understood: auto, cuda, cuda:N or cpu is expected")
    if given:
        return _given(given, count, environ)
    wish = Wish(memory_gb, count, policy, hold, word, gpu_type, environ)
    selection = _chosen(wish, client, export)
    for note in wish.notes:
        warnings.warn(note, RuntimeWarning, stacklevel=2)
    return selection


def _chosen(wish: Wish, client: Client | None, export: bool) -> Selection:
    source: Source = "daemon"
    choice = by_daemon(wish, client or _client(wish.environ))
    if choice is None:
        source = "command line"
        program = CommandLine.find(wish.environ)
        if program is None:
            wish.notes.append("no Berth daemon answers and no program 'berth' is on PATH: taking the CPU")
            return Selection(["cpu"], "none")
        choice = by_command_line(wish, program)
    if not choice.devices:
        return Selection(["cpu"], source)
    if not (export and choice.env):
        return Selection(choice.names, source, choice)
    if choice.lease is not None:
        choice.lease.export(wish.environ)
    else:
        wish.environ.update(choice.env)
    kind = choice.devices[0].name.partition(":")[0]
    return Selection([f"{kind}:{number}" for number in range(len(choice.devices))], source, choice)


def _client(environ: Mapping[str, str]) -> Client:
    return Client(default_url(environ), default_token(environ) or "", timeout=10, retries=0)


def _given(devices: tuple[str, ...], count: int, environ: Mapping[str, str]) -> Selection:
    if count > len(devices):
        raise ValueError(f"this program was given {', '.join(devices)}; ask for {count} devices when it is started")
    names = ("CUDA_DEVICE_ORDER", "BERTH_MEMORY_LIMIT", *VISIBLE_VARIABLES.values())
    env = {name: environ[name] for name in names if name in environ}
    return Selection(devices[:count], "given", env=env)
