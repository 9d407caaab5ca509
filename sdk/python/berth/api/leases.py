# SPDX-License-Identifier: Apache-2.0
"""/api/v2/leases: reservations for programs that are started outside of Berth."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..errors import Conflict, NothingFree
from ..transport import Transport, quoted
from ..types import Lease

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import LeaseRequest


_All = list[Lease]  # in the class below, `list` is its method


class Leases:
    """`client.leases`. `Client.lease` makes one that renews itself and ends with a `with` block."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, **request: Unpack[LeaseRequest]) -> Lease:
        """Reserves devices at once: `create(device="cuda", memory_gb=4, ttl_s=600)`. The fields are those of
        `berth.types.LeaseRequest`. NothingFree says what stands in the way; BadRequest for what could never be;
        NotFound for a `pid` that is not there. It is over after `ttl_s` seconds unless it is renewed or adopted."""
        try:
            return cast(Lease, self._transport.json("POST", "/api/v2/leases", body=request))
        except Conflict as error:
            raise NothingFree(str(error), error.status, error.detail) from None

    def list(self) -> _All:
        """All leases, oldest first."""
        return cast(_All, self._transport.json("GET", "/api/v2/leases")["leases"])

    def get(self, lease_id: str) -> Lease:
        """NotFound when it is over."""
        return cast(Lease, self._transport.json("GET", _path(lease_id)))

    def renew(self, lease_id: str, ttl_s: float | None = None) -> Lease:
        """For `ttl_s` seconds from now, or for as long as it was given for. NotFound when it is over."""
        body = {} if ttl_s is None else {"ttl_s": ttl_s}
        return cast(Lease, self._transport.json("POST", _path(lease_id) + "/renew", body=body))

    def adopt(self, lease_id: str, pid: int | None = None) -> Lease:
        """Lets it live as long as a process of the daemon's machine; without `pid`, over the Unix socket, the
        caller's. Conflict when another process has it already."""
        body = {} if pid is None else {"pid": pid}
        return cast(Lease, self._transport.json("POST", _path(lease_id) + "/adopt", body=body))

    def end(self, lease_id: str) -> None:
        """Gives the devices back; a process that still uses them is not touched. NotFound when it is over."""
        self._transport.json("DELETE", _path(lease_id))


def _path(lease_id: str) -> str:
    return f"/api/v2/leases/{quoted(lease_id)}"
