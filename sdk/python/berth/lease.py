# SPDX-License-Identifier: Apache-2.0
"""A lease that renews itself as long as it is held."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import MutableMapping
from datetime import datetime, timezone

from . import types
from .api import Leases
from .errors import BerthError, NotFound, Refused, Unreachable

_SHORTEST_PAUSE_S = 0.05


class Lease:
    """What `Client.lease` gives: devices that nobody else gets until `release()`, also by `with`.

    A thread of its own renews it three times in each `ttl_s`, so when this program dies the devices are free again
    after that time; a lease that a process has adopted ends with that process and is not renewed. `lost` says that it
    was over before it was released (the device failed, somebody ended it, the daemon was away for too long); the end
    of the `with` block then warns. Methods may be called from any thread. A child of fork() neither renews nor
    releases it.
    """

    def __init__(self, leases: Leases, record: types.Lease, renew: bool = True, export: bool = False) -> None:
        self._leases = leases
        self._pid = os.getpid()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._replaced: dict[str, str | None] = {}
        self._environ: MutableMapping[str, str] = os.environ
        self._thread: threading.Thread | None = None
        self.record = record
        self.lost = False
        if export:
            self.export()
        if renew and record["pid"] is None:
            self._thread = threading.Thread(target=self._renew, name=f"berth-lease {self.id[:8]}", daemon=True)
            self._thread.start()

    @property
    def id(self) -> str:
        return self.record["lease_id"]

    @property
    def devices(self) -> list[str]:
        """By their names on the daemon's machine: `["cuda:3"]`. A program with `env` sees them from 0 on."""
        return [device["device"] for device in self.record["devices"]]

    @property
    def uuids(self) -> list[str]:
        return [device["uuid"] for device in self.record["devices"]]

    @property
    def env(self) -> dict[str, str]:
        """What a program is to be started with: `subprocess.run(..., env={**os.environ, **lease.env})`. It adopts the
        lease as soon as it uses the device."""
        return dict(self.record["env"])

    def export(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Sets `env` in this process' environment until `release()`; before CUDA is used for the first time, which
        reads it only then."""
        with self._lock:
            self._environ = environ
            for name, value in self.record["env"].items():
                self._replaced.setdefault(name, environ.get(name))
                environ[name] = value

    def renew(self, ttl_s: float | None = None) -> types.Lease:
        """Now, and from now on for `ttl_s` seconds at a time. NotFound when it is over."""
        self.record = self._leases.renew(self.id, ttl_s)
        return self.record

    def release(self) -> None:
        """Gives the devices back. A second time does nothing; Unreachable when the daemon cannot be told, the lease
        then ends by itself."""
        with self._lock:
            if self._over.is_set() or self._pid != os.getpid():
                return
            self._over.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with self._lock:
            for name, value in self._replaced.items():
                if value is None:
                    self._environ.pop(name, None)
                else:
                    self._environ[name] = value
            self._replaced.clear()
        try:
            self._leases.end(self.id)
        except NotFound:
            self.lost = True

    def _renew(self) -> None:
        while not self._over.wait(self._pause()):
            try:
                self.record = self._leases.renew(self.id)
            except (Unreachable, Refused):
                continue  # it may be back before the lease is over
            except NotFound:
                self.lost = True
                return
            except BerthError:
                continue

    def _pause(self) -> float:
        """Seconds: a third of the time, less when an answer has not come and the end is near."""
        third = self.record["ttl_s"] / 3
        expires = self.record["expires_at"]
        if expires is None:
            return third
        end = datetime.fromisoformat(expires.replace("Z", "+00:00"))
        left = (end - datetime.now(timezone.utc)).total_seconds()
        return max(_SHORTEST_PAUSE_S, min(third, left / 2) if left > 0 else third)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Unreachable):
            self.release()
        if self.lost and self._pid == os.getpid():
            warnings.warn(
                f"the lease {self.id} of {', '.join(self.devices)} was over before it was released",
                RuntimeWarning,
                stacklevel=2,
            )

    def __repr__(self) -> str:
        return f"<Lease {self.id} of {', '.join(self.devices)}>"
