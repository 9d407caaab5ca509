# SPDX-License-Identifier: Apache-2.0
"""Where the daemon is and which token it wants, found as the command line finds them."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:8000"
_LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class Address:
    """`http://host:port[/prefix]`, `https://...`, `host:port` or `unix:/path/of/the/socket`."""

    url: str
    scheme: str
    host: str
    port: int
    #: In front of every path, for a daemon behind a proxy; "" or "/prefix".
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """ValueError for what is no address."""
        url = url.strip()
        for start in ("unix://", "unix:"):
            if url.startswith(start):
                path = url[len(start) :]
                if not path.startswith("/"):
                    raise ValueError(f"{url!r} names no absolute path of a socket: unix:/run/berth/berth.sock")
                return cls(url, "unix", path, 0)
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address: http://host:port or unix:/path is expected")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(url.rstrip("/"), parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def is_local(self) -> bool:
        """On this machine, as far as the address tells: process ids mean the same there."""
        return self.scheme == "unix" or self.host in ("localhost", "::1") or self.host.startswith("127.")

    def connection(self, timeout: float | None) -> http.client.HTTPConnection:
        """A new connection, not yet connected. `timeout` in seconds, for each of its system calls."""
        if self.scheme == "unix":
            return _UnixConnection(self.host, timeout)
        if self.scheme == "https":
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.settimeout(self.timeout)
            link.connect(self._path)
        except BaseException:
            link.close()
            raise
        self.sock = link


def default_url(environ: Mapping[str, str] = os.environ) -> str:
    """BERTH_URL, else http://127.0.0.1:8000."""
    return environ.get("BERTH_URL") or DEFAULT_URL


def default_token(environ: Mapping[str, str] = os.environ) -> str | None:
    """BERTH_TOKEN, else the first readable of $BERTH_STATE_DIR/token, /var/lib/berth/token and
    ~/.local/state/berth/token; None when there is none."""
    if environ.get("BERTH_TOKEN"):
        return environ["BERTH_TOKEN"]
    places = []
    if environ.get("BERTH_STATE_DIR"):
        places.append(Path(environ["BERTH_STATE_DIR"], "token"))
    places.append(Path("/var/lib/berth/token"))
    if environ.get("HOME"):
        places.append(Path(environ["HOME"], ".local/state/berth/token"))
    for place in places:
        try:
            with place.open("rb") as file:
                token = file.read(_LONGEST_TOKEN).decode("ascii").strip()
        except (OSError, ValueError):
            continue
        if token:
            return token
    return None
