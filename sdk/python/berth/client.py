# SPDX-License-Identifier: Apache-2.0
"""The daemon, as a program sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from .address import Address, default_token, default_url
from .api import (
    Arrays,
    Inference,
    Leases,
    Legacy,
    Preprocessing,
    Resources,
    Service,
    Signals,
    Tasks,
    Training,
)
from .handles import ArrayOfTasks, Task
from .lease import Lease
from .transport import Transport
from .types import PathLike

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .types import CommandOptions, CommandRequest, LeaseRequest


class Client:
    """A client of one daemon. Usable from any number of threads, each of which has its own connection.

    `url`: `http://host:port` or `unix:/path`; without it BERTH_URL, else http://127.0.0.1:8000. `token`: without it
    BERTH_TOKEN, else the one in the daemon's state directory; "" sends none. `timeout`: seconds without a byte after
    which an answer counts as not coming (Unreachable); None waits for ever. `retries`: how often a request that changes
    nothing is sent again when the connection fails; others are sent once. `language` of messages: `en` or `zh`; None
    is the daemon's choice.

    Answers are plain dictionaries, see `berth.types`; what is refused raises a `berth.BerthError`.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        language: str | None = "en",
    ) -> None:
        address = Address.parse(url or default_url())
        self._transport = Transport(address, default_token() if token is None else token, language, timeout, retries)
        self.service = Service(self._transport)
        self.tasks = Tasks(self._transport)
        self.arrays = Arrays(self._transport)
        self.training = Training(self._transport)
        self.inference = Inference(self._transport)
        self.preprocessing = Preprocessing(self._transport)
        self.signals = Signals(self._transport)
        self.resources = Resources(self._transport)
        self.leases = Leases(self._transport)
        self.legacy = Legacy(self._transport)

    @property
    def url(self) -> str:
        return self._transport.address.url

    @property
    def is_local(self) -> bool:
        """Whether the daemon is on this machine, as far as its address tells."""
        return self._transport.address.is_local

    def request(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON that any route answers with, for one that is newer than this package."""
        return self._transport.json(method, path, query, body)

    # ---- what most programs do ----

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: PathLike | None = None,
        env: Mapping[str, str] | None = None,
        inherit_env: bool = True,
        **request: Unpack[CommandOptions],
    ) -> Task:
        """Submits a command: `run(["python3", "train.py"], gpus=1, memory_gb=8)`; no shell is involved.

        As with `berth run` it gets the environment of this process (but for BERTH_TOKEN), unless `inherit_env` is
        False, with the variables of `env` added, and runs in `cwd`, here by default. The other fields are those of
        `berth.types.CommandOptions`, errors those of `client.tasks.create`.
        """
        body = cast("CommandRequest", {**request, **_command(command, cwd, env, inherit_env)})
        return Task(self.tasks, self.tasks.create(**body))

    def run_array(
        self,
        command: Sequence[str],
        array: int | str,
        *,
        cwd: PathLike | None = None,
        env: Mapping[str, str] | None = None,
        inherit_env: bool = True,
        **request: Unpack[CommandOptions],
    ) -> ArrayOfTasks:
        """As `run`, for each index of `array`: a number of tasks, or `"0-9%4"`. A task has its own in
        BERTH_ARRAY_INDEX."""
        body = cast("CommandRequest", {**request, **_command(command, cwd, env, inherit_env), "array": array})
        record = self.arrays.create(**body)
        return ArrayOfTasks(self.arrays, self.tasks, record)

    def task(self, task: str | Mapping[str, Any]) -> Task:
        """A handle for a task by its id, or for one that `client.training.start` and the like have answered with.
        NotFound when there is none."""
        return Task(self.tasks, self.tasks.get(task if isinstance(task, str) else task["task_id"]))

    def lease(self, *, renew: bool = True, export: bool = False, **request: Unpack[LeaseRequest]) -> Lease:
        """Takes devices for programs that Berth does not start:

            with client.lease(gpus=1, memory_gb=4) as lease:
                subprocess.run(["python3", "train.py"], env={**os.environ, **lease.env})

        At once or not at all: NothingFree says what stands in the way. The fields are those of
        `berth.types.LeaseRequest`; without `memory_gb` (GiB, per device) whole devices. It is taken now, renewed by a
        thread unless `renew` is False, and given back by `release()` or the end of the block. `export` sets the
        variables in this process, too.
        """
        return Lease(self.leases, self.leases.create(**request), renew, export)

    def close(self) -> None:
        """Closes this thread's connection; those of others are closed when their threads end."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"


def _command(
    command: Sequence[str], cwd: PathLike | None, env: Mapping[str, str] | None, inherit_env: bool
) -> dict[str, Any]:
    if isinstance(command, (str, bytes)):
        raise ValueError('command is a list of words, not a line of a shell: ["python3", "train.py"]')
    variables = {name: value for name, value in os.environ.items() if _is_text(name, value)} if inherit_env else {}
    variables.pop("BERTH_TOKEN", None)
    variables.update(env or {})
    return {
        "command": [os.fspath(word) for word in command],
        "cwd": os.path.abspath(os.fspath(cwd or ".")),
        "env": variables,
    }


def _is_text(*words: str) -> bool:
    """Variables may hold any bytes, JSON only text."""
    try:
        "".join(words).encode()
    except UnicodeEncodeError:
        return False
    return True
