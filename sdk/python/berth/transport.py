# SPDX-License-Identifier: Apache-2.0
"""Requests and their answers. A connection per thread, so a transport may be used from any number of threads."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union
from urllib.parse import quote, urlencode

from .address import Address
from .errors import BerthError, Unreachable, error_of
from .version import __version__

Query = Mapping[str, Union[str, int, float, bool, None]]

#: Changing nothing, they may be sent twice.
_REPEATABLE = ("GET", "HEAD")
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Default:
    """Stands for the transport's own timeout, as None means none."""


_DEFAULT = _Default()
Timeout = Union[float, None, _Default]


class _Own:
    """A thread's connection, closed when the thread ends. A child of fork() shares the socket of its parent's, so
    it makes another one."""

    def __init__(self) -> None:
        self.connection: http.client.HTTPConnection | None = None
        self.pid = os.getpid()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def __del__(self) -> None:
        self.close()


class Transport:
    def __init__(
        self,
        address: Address,
        token: str | None = None,
        language: str | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
    ) -> None:
        """`timeout`: seconds without a byte before an answer counts as not coming; None waits for ever.
        `retries`: how often a request that changes nothing is sent again when the connection fails."""
        if retries < 0 or (timeout is not None and timeout <= 0):
            raise ValueError("timeout must be greater than 0, retries not negative")
        self.address = address
        self.timeout = timeout
        self.retries = retries
        self._headers = {"Accept": "*/*", "User-Agent": f"berth-python/{__version__}"}
        if language:
            self._headers["Accept-Language"] = language
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._threads = threading.local()

    # ---- a request and its whole answer ----

    def send(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        timeout: Timeout = _DEFAULT,
    ) -> Answer:
        """Whatever the status. `path` is encoded already (see `quoted`); `body` becomes JSON. Unreachable when no
        answer came, ValueError for a body that JSON cannot hold."""
        limit = self.timeout if isinstance(timeout, _Default) else timeout
        headers = dict(self._headers)
        data = None
        if method == "POST" or body is not None:
            data = _json(body)
            headers["Content-Type"] = "application/json"
        target = self.address.prefix + path + _encoded(query)
        tries = 1 + (self.retries if method in _REPEATABLE else 0)
        for turn in range(1, tries + 1):
            try:
                return self._exchange(method, target, data, headers, limit)
            except socket.timeout:
                self.close()
                raise Unreachable(f"{self.address.url} did not answer {method} {path} within {limit:g} s") from None
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if turn == tries:
                    raise self._unreachable(error) from error
                time.sleep(min(_FIRST_PAUSE_S * 2 ** (turn - 1), _LONGEST_PAUSE_S))
            except BaseException:
                self.close()  # an answer that was not read to its end would be taken for the next one's
                raise
        raise AssertionError("unreachable")

    def json(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        timeout: Timeout = _DEFAULT,
    ) -> Any:
        """The answer's JSON. A BerthError of the status' class when it is none of 2xx."""
        answer = self.send(method, path, query, body, timeout)
        if not 200 <= answer.status < 300:
            raise error_of(answer.status, answer.body)
        try:
            return json.loads(answer.body)
        except ValueError:
            where = self.address.url + path
            raise BerthError(f"{where} answered with what is no JSON; is that berthd?", answer.status) from None

    def text(self, path: str, query: Query | None = None) -> str:
        """What GET answers with. A BerthError of the status' class when it is none of 2xx."""
        answer = self.send("GET", path, query)
        if not 200 <= answer.status < 300:
            raise error_of(answer.status, answer.body)
        return answer.body.decode(errors="replace")

    def _exchange(
        self, method: str, target: str, data: bytes | None, headers: Mapping[str, str], timeout: float | None
    ) -> Answer:
        connection = self._ready(timeout)
        connection.request(method, target, data, dict(headers))
        response = connection.getresponse()
        body = response.read()
        return Answer(response.status, _lowered(response), body)

    def _own(self) -> _Own:
        own: _Own = self._threads.__dict__.setdefault("own", _Own())
        return own

    def _ready(self, timeout: float | None) -> http.client.HTTPConnection:
        own = self._own()
        if own.pid != os.getpid() or (own.connection is not None and _closed_by_peer(own.connection.sock)):
            own.close()
            own.pid = os.getpid()
        connection = own.connection
        if connection is None:
            connection = own.connection = self.address.connection(timeout)
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection

    def close(self) -> None:
        """Closes this thread's connection; the next request makes another one."""
        self._own().close()

    def _unreachable(self, error: BaseException) -> Unreachable:
        cause = str(error) or type(error).__name__
        return Unreachable(
            f"cannot reach the Berth daemon at {self.address.url}: {cause}. Start it with 'systemctl start berth' or "
            "'berthd', or set BERTH_URL to where it listens"
        )

    # ---- an answer that goes on ----

    def stream(
        self,
        path: str,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout = _DEFAULT,
    ) -> Stream:
        """GET, on a connection of its own. Unreachable when nobody answers, a BerthError for a status that is none
        of 2xx; both are tried once only."""
        limit = self.timeout if isinstance(timeout, _Default) else timeout
        connection = self.address.connection(limit)
        try:
            target = self.address.prefix + path + _encoded(query)
            connection.request("GET", target, headers={**self._headers, **(headers or {})})
            link = connection.sock
            response = connection.getresponse()
            if not 200 <= response.status < 300:
                raise error_of(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error
        except BaseException:
            connection.close()
            raise
        return Stream(connection, link, response)


class Stream:
    """The bytes of an answer as they come. Any end looks the same: whoever reads knows whether there is more."""

    def __init__(
        self, connection: http.client.HTTPConnection, link: socket.socket, response: http.client.HTTPResponse
    ) -> None:
        self._connection = connection
        self._link = link
        self._response = response

    def settimeout(self, seconds: float | None) -> None:
        """For the reads to come."""
        with contextlib.suppress(OSError):
            self._link.settimeout(seconds)

    def lines(self) -> Iterator[bytes]:
        """With their line feeds. `socket.timeout` in silence."""
        while line := self._guarded(self._response.readline):
            yield line

    def chunks(self, most: int = 65536) -> Iterator[bytes]:
        while chunk := self._guarded(lambda: self._response.read1(most)):
            yield chunk

    @staticmethod
    def _guarded(read: Any) -> bytes:
        try:
            data: bytes = read()
            return data
        except socket.timeout:
            raise
        except (OSError, http.client.HTTPException, ValueError):
            return b""  # broken off, or closed by another thread

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._response.close()
        self._connection.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def quoted(identifier: str) -> str:
    """One segment of a path. ValueError for an empty one, which would name the list instead."""
    if not isinstance(identifier, str) or not identifier:
        raise ValueError(f"an id is expected, not {identifier!r}")
    return quote(identifier, safe="")


def _closed_by_peer(link: socket.socket | None) -> bool:
    """Nothing can be due on an idle connection but its end. Asked before a request is sent, so that one that must
    not be sent twice does not run into a connection that the daemon has given up."""
    if link is None:
        return False
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(link, selectors.EVENT_READ)
            return bool(selector.select(0))
    except (OSError, ValueError):
        return True


def _lowered(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _encoded(query: Query | None) -> str:
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in (query or {}).items()
        if value is not None
    }
    return "?" + urlencode(given) if given else ""


def _json(body: Any) -> bytes:
    try:
        return json.dumps({} if body is None else body, default=_plain, allow_nan=False).encode()
    except TypeError as error:
        raise ValueError(f"the request cannot be written as JSON: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.path.abspath(os.fsdecode(value))
    raise TypeError(f"{value!r} is no JSON value")
