# SPDX-License-Identifier: Apache-2.0
"""How a device is chosen: by the daemon, which reserves it in the same step, or by the command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .client import Client
from .errors import NotFound, NothingFree, Unreachable
from .lease import Lease
from .picking import CommandLine
from .types import Policy
from .visible import Device, Visible

#: Names that leave the choice open.
KINDS = ("auto", "cuda", "rocm", "hip", "xpu", "npu")

#: Below this a model hardly fits, GiB.
_LITTLE_GB = 2.0
#: The part asked for of what is free where others are, too; the rest is left for what they still take.
_SHARE = 0.8
#: Reserves next to nothing: the choice alone is of interest.
_NOTHING_GB = 0.001
_TTL_S = 60.0


@dataclass(frozen=True)
class Wish:
    """What `select_device` is asked for."""

    memory_gb: float | None
    count: int
    policy: Policy
    hold: float | None
    device: str
    gpu_type: str | None
    environ: MutableMapping[str, str]
    #: What the caller is to be warned of.
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Devices asked for by name; empty when any will do."""
        return [] if self.device in KINDS else [name.strip() for name in self.device.split(",")]


@dataclass(frozen=True)
class Choice:
    """No devices: there is no GPU."""

    devices: list[Device] = field(default_factory=list)
    #: Their names in this process.
    names: list[str] = field(default_factory=list)
    #: What makes them the ones that a program sees.
    env: dict[str, str] = field(default_factory=dict)
    lease: Lease | None = None


def by_daemon(wish: Wish, client: Client) -> Choice | None:
    """None when it is not reachable. NothingFree when all are taken, BadRequest for what could never be."""
    try:
        found = _devices(client)
        visible = Visible(found, wish.environ)
        if not visible.devices:
            return Choice()
        named = _named(wish, visible)
        lease = _leased(client, wish, visible, named)
    except Unreachable:
        return None
    if lease is None:
        devices = named or _freest(visible, wish)
        _note_little(wish, devices)
        return _choice(visible, devices, _environment_of(devices))
    by_uuid = {device.uuid: device for device in found}
    leased = [by_uuid.get(d["uuid"], Device(d["device"], d["uuid"])) for d in lease.record["devices"]]
    if wish.memory_gb is None:
        _note_little(wish, leased)
    env = lease.env
    if wish.hold == 0:
        lease.release()
        env.pop("BERTH_LEASE", None)
        return _choice(visible, leased, env)
    return _choice(visible, leased, env, lease)


def by_command_line(wish: Wish, program: CommandLine) -> Choice:
    """Nothing is reserved. NothingFree when no device fits."""
    visible = Visible(program.devices(), wish.environ)
    if not visible.devices:
        return Choice()
    devices = _named(wish, visible)
    if not devices and visible.limited:
        devices = [d for d in _freest(visible, wish) if (d.free_gb or 0) >= (wish.memory_gb or 0)]
        if len(devices) < wish.count:
            raise NothingFree(f"of the devices that this program can use no {wish.count} fit")
    env = _environment_of(devices)
    if not devices:
        picked = program.pick(wish.count, wish.memory_gb, wish.policy or "balanced", wish.gpu_type)
        if picked is None:
            return Choice()
        devices, env = picked.devices, picked.env
    if wish.memory_gb is None:
        _note_little(wish, devices)
    return _choice(visible, devices, env)


# ---- leases ----


def _leased(client: Client, wish: Wish, visible: Visible, named: list[Device]) -> Lease | None:
    """None: to be used without one, since it was asked for by name, or was only to be looked for."""
    refused: NothingFree | None = None
    for device, memory_gb in _tries(client, wish, visible, named):
        try:
            return _take(client, wish, device, memory_gb)
        except NothingFree as why:
            refused = refused or why
    error = refused or NothingFree(f"{wish.count} devices are asked for, this program can use {len(visible.devices)}")
    if wish.memory_gb is not None or not (named or (wish.hold == 0 and _freest(visible, wish))):
        raise error
    wish.notes.append(f"nothing is reserved: {error}")
    return None


def _tries(client: Client, wish: Wish, visible: Visible, named: list[Device]) -> Iterator[tuple[str, float | None]]:
    """What to ask the daemon for, one after the other until something is to be had: device and GiB."""
    size = _NOTHING_GB if wish.memory_gb is None and wish.hold == 0 else wish.memory_gb
    if named:
        yield _uuids(named), size
    elif not visible.limited:
        yield wish.device, size
    elif wish.count == 1:
        yield from ((device.uuid, size) for device in _by_free_memory(visible))
    elif group := _freest(visible, wish):
        yield _uuids(group), size
    if size is not None:
        return
    # No whole device is left. Others may take what is free between the look and the lease, at most once each.
    for _ in range(2 * len(visible.devices) + 2):
        now = Visible(_devices(client), wish.environ)
        wanted = {device.uuid for device in named}
        group = [device for device in now.devices if device.uuid in wanted] if named else _freest(now, wish)
        free = min((device.free_gb or 0 for device in group), default=0)
        if free < _NOTHING_GB:
            return
        yield _uuids(group), round(max(free * _SHARE, _NOTHING_GB), 3)


def _take(client: Client, wish: Wish, device: str, memory_gb: float | None) -> Lease:
    request: dict[str, Any] = {
        "device": device,
        "gpus": wish.count,
        "policy": wish.policy,
        "ttl_s": wish.hold or _TTL_S,
    }
    if memory_gb is not None:
        request["memory_gb"] = memory_gb
    if wish.gpu_type:
        request["gpu_type"] = wish.gpu_type
    if wish.hold is not None:
        return client.lease(renew=False, **request)
    # What this process uses is then counted as the lease's, and its end is the lease's end. Where the daemon sees
    # other processes, as from within a container, a thread renews the lease.
    over_unix = client.url.startswith("unix:")
    with contextlib.suppress(NotFound):
        if client.is_local and not over_unix:
            return client.lease(pid=os.getpid(), **request)
    record = client.leases.create(**request)
    if over_unix:
        with contextlib.suppress(NotFound):
            record = client.leases.adopt(record["lease_id"])
    return Lease(client.leases, record)


# ---- devices ----


def _devices(client: Client) -> list[Device]:
    return [
        Device(
            item["device_name"],
            item["uuid"],
            item["effective_free_memory_gb"],
            item["health"] == "healthy" and not item["partitioned"],
        )
        for item in client.resources.gpu()["devices"]
    ]


def _named(wish: Wish, visible: Visible) -> list[Device]:
    """The devices that are asked for by name. ValueError when one is not there."""
    devices = []
    for name in wish.names:
        device = visible.named(name.replace("hip:", "rocm:"))
        if device is None:
            there = ", ".join(visible.name_here(device) for device in visible.devices)
            kind, colon, number = name.partition(":")
            what = f"Device index {number} is out of range" if colon else f"There is no device {kind}"
            raise ValueError(f"{what}: this program can use {there}")
        devices.append(device)
    return devices


def _by_free_memory(visible: Visible) -> list[Device]:
    usable = [device for device in visible.devices if device.healthy]
    return sorted(usable, key=lambda device: -(device.free_gb or 0))


def _freest(visible: Visible, wish: Wish) -> list[Device]:
    devices = _by_free_memory(visible)[: wish.count]
    return devices if len(devices) == wish.count else []


def _choice(visible: Visible, devices: Sequence[Device], env: Mapping[str, str], lease: Lease | None = None) -> Choice:
    return Choice(list(devices), [visible.name_here(device) for device in devices], dict(env), lease)


def _uuids(devices: Sequence[Device]) -> str:
    return ",".join(device.uuid for device in devices)


def _environment_of(devices: Sequence[Device]) -> dict[str, str]:
    """As the daemon and `berth pick` have it; they know about vendors that number their devices otherwise."""
    if not devices or not all(device.name.startswith("cuda:") for device in devices):
        return {}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": _uuids(devices)}


def _note_little(wish: Wish, devices: Sequence[Device]) -> None:
    wish.notes.extend(
        f"{device.name} has only {device.free_gb:.2f} GiB free: end other processes, use a smaller model or the CPU"
        for device in devices
        if device.free_gb is not None and device.free_gb < _LITTLE_GB
    )
