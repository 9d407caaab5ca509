# SPDX-License-Identifier: Apache-2.0
"""A load of tasks of which each leaves a trace of its own, so that what the daemon says can be compared
with what was done.

A task appends a line to its own file when it starts and one when it ends; the attempt in it comes from its
environment. Nothing of that goes through the daemon."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import FINAL, Client, Json
from .commands import sh
from .daemon import Daemon
from .fakegpu import FakeGpus
from .processes import alive, parent_of

#: A GPU that a stranger takes and leaves again, so that launches there are taken back. The tasks on it use
#: none of what they reserve.
CONTESTED = 4
#: So many tasks that have not ended are enough.
MOST_LIVE = 60
_LOST_TOUCH = (OSError, http.client.HTTPException)


@dataclass
class Plan:
    """A task, and how it must end if nobody cancels it."""

    name: str
    sort: str
    trace: Path
    request: Json
    status: str = "completed"
    cause: str = "exited"
    exit_code: int | None = 0
    signal: int | None = None
    starts: int = 1
    follows: Plan | None = None
    held: bool = False
    # What the client knows of it.
    answered: bool = False
    sent: bool = False
    release_sent: bool = False
    release_answered: bool = False
    cancel_sent: bool = False
    cancel_answered: bool = False
    removal_sent: bool = False
    removal_answered: bool = False
    ended: Json | None = None
    taken: bool = False  # by a thread that acts on it

    def words(self) -> list[list[str]]:
        return [line.split() for line in self.trace.read_text().splitlines()] if self.trace.exists() else []


@dataclass(frozen=True)
class Run:
    """A process of a task that is there now."""

    plan: Plan
    attempt: int
    pid: int
    shim: int


@dataclass
class Counts:
    unanswered: int = 0
    sent_again: int = 0
    existed: int = 0
    sorts: dict[str, int] = field(default_factory=dict)


class Load:
    """Threads that submit, hold, release, cancel and remove tasks until stop(), whether the daemon is
    there or not."""

    def __init__(self, daemon: Daemon, gpus: FakeGpus, folder: Path, seed: int, threads: int = 4) -> None:
        self._daemon = daemon
        self._gpus = gpus
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self.plans: dict[str, Plan] = {}
        self.open: dict[str, Plan] = {}
        self.counts = Counts()
        self._threads = [
            threading.Thread(target=self._work, args=(f"{seed:x}-{i}", random.Random(seed + i)))
            for i in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._contest, args=(random.Random(seed - 1),)))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def running(self) -> list[Run]:
        """The processes of tasks that are there now, by the traces."""
        with self._lock:
            plans = list(self.open.values())
        found = []
        for plan in plans:
            words = plan.words()
            if not words or words[-1][0] != "start":
                continue
            pid = int(words[-1][2])
            shim = parent_of(pid)
            if shim is not None and alive(pid):
                found.append(Run(plan, int(words[-1][1]), pid, shim))
        return found

    def note_end(self, name: str, task: Json) -> None:
        """An end that the daemon has told of is true for ever."""
        plan = self.plans[name]
        said = {key: task[key] for key in ("status", "exit_code", "signal", "cause", "attempt", "retries")}
        with self._lock:
            self.open.pop(name, None)
            if plan.ended is None:
                plan.ended = said
        assert plan.ended == said, f"{name}: it had ended as {plan.ended}, now as {said}"

    # ---- what a thread does ----

    def _contest(self, dice: random.Random) -> None:
        while not self._stop.wait(dice.uniform(0.05, 0.3)):
            holder = self._gpus.hold(CONTESTED, "20G")
            self._stop.wait(dice.uniform(0.05, 0.3))
            self._gpus.release(holder)

    def _work(self, name: str, dice: random.Random) -> None:
        try:
            number = 0
            while not self._stop.is_set():
                acts = [self._submit, self._release, self._cancel, self._remove]
                act = dice.choices(acts, [12, 2, 2, 1])[0]
                number += 1
                with contextlib.suppress(ConnectionRefusedError):
                    act(f"{name}-{number}", dice)
                self._stop.wait(dice.uniform(0, 0.02))
        except BaseException as error:
            self._errors.append(error)

    def _client(self) -> Client:
        """Of the daemon that is there, or was there a moment ago."""
        client = self._daemon.client if self._daemon.address else Client("127.0.0.1:1")
        client.timeout = 20
        return client

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any] | None:
        """None: no answer came. ConnectionRefusedError: it was not sent."""
        try:
            answer = self._client().request(method, path, body)
            return answer.status, answer.json() if answer.body else None
        except ConnectionRefusedError:
            raise
        except _LOST_TOUCH:
            return None

    def _pick(self, dice: random.Random, wanted: Callable[[Plan], bool]) -> Plan | None:
        with self._lock:
            found = [plan for plan in self.plans.values() if wanted(plan)]
        return dice.choice(found) if found else None

    @contextlib.contextmanager
    def _take(self, dice: random.Random, wanted: Callable[[Plan], bool]) -> Iterator[Plan | None]:
        """As _pick, and no other thread gets it meanwhile."""
        with self._lock:
            found = [
                plan
                for plan in self.plans.values()
                if plan.answered and not plan.taken and not plan.removal_sent and wanted(plan)
            ]
            plan = dice.choice(found) if found else None
            if plan is not None:
                plan.taken = True
        try:
            yield plan
        finally:
            if plan is not None:
                plan.taken = False

    def _submit(self, name: str, dice: random.Random) -> None:
        with self._lock:
            full = len(self.open) >= MOST_LIVE
        if full:
            answer = self._ask("GET", "/api/v2/tasks?limit=100000&status=live")
            if answer is None:
                return
            live = {task["task_id"] for task in answer[1]["tasks"]}
            with self._lock:
                for other in list(self.open):
                    if self.plans[other].answered and other not in live:
                        del self.open[other]
            return
        plan = self._plan(name, dice)
        again = dice.random() < 0.6  # whether an answer is insisted on, with the same id
        while not self._stop.is_set():
            try:
                answer = self._ask("POST", "/api/v2/tasks", plan.request)
            except ConnectionRefusedError:
                if not plan.sent:
                    return
                self._stop.wait(0.01)
                continue
            with self._lock:
                first = not plan.sent
                plan.sent = True
                self.plans[name] = self.open[name] = plan
                if first:
                    self.counts.sorts[plan.sort] = self.counts.sorts.get(plan.sort, 0) + 1
            if answer is not None:
                status, body = answer
                assert status == 200 or (status == 409 and not first), (plan.name, status, body)
                self.counts.existed += status == 409
                plan.answered = True
                return
            self.counts.unanswered += first
            if not again:
                return
            self.counts.sent_again += 1

    def _release(self, _: str, dice: random.Random) -> None:
        with self._take(dice, lambda plan: plan.held and not plan.release_answered) as plan:
            if plan is None:
                return
            before, plan.release_sent = plan.release_sent, True
            assert before or not plan.words(), f"{plan.name} started while it was held"
            answer = self._ask("POST", f"/api/v2/tasks/{plan.name}/release")
            if answer is None:
                return
            # 409: it was released, though no answer came, and has started since.
            assert answer[0] == 200 or (answer[0] == 409 and before), (plan.name, answer)
            plan.release_answered = True

    def _cancel(self, _: str, dice: random.Random) -> None:
        with self._take(dice, lambda plan: plan.sort == "cancel" and not plan.cancel_answered) as plan:
            if plan is None:
                return
            before, plan.cancel_sent = plan.cancel_sent, True
            answer = self._ask("POST", f"/api/v2/tasks/{plan.name}/cancel")
            if answer is None:
                return
            # 409: it was cancelled, though no answer came, and has ended since.
            assert answer[0] == 200 or (answer[0] == 409 and before), (plan.name, answer)
            plan.cancel_answered = True

    def _remove(self, _: str, dice: random.Random) -> None:
        with self._take(
            dice,
            lambda plan: plan.name not in self.open
            and plan.sort in ("short", "signal", "held", "timeout"),  # those that nothing follows
        ) as plan:
            if plan is None:
                return
            answer = self._ask("GET", f"/api/v2/tasks/{plan.name}")
            if answer is None:
                return
            assert answer[0] == 200, f"{plan.name} is gone: {answer}"
            if answer[1]["status"] not in FINAL:
                return
            self.note_end(plan.name, answer[1])
            plan.removal_sent = True
            answer = self._ask("DELETE", f"/api/v2/tasks/{plan.name}")
            assert answer is None or answer[0] == 200, (plan.name, answer)
            plan.removal_answered = answer is not None

    # ---- what is submitted ----

    def _plan(self, name: str, dice: random.Random) -> Plan:
        sorts = {
            "short": 8, "signal": 1, "long": 3, "gpu": 4, "retry": 2, "after": 2, "after_any": 1,
            "held": 2, "cancel": 2, "timeout": 0.5, "queued": 2, "contested": 2,
        }  # fmt: skip
        sort = dice.choices(list(sorts), list(sorts.values()))[0]
        # A command on the processor takes a core; on the GPUs there is room for all of them.
        plan = Plan(name, sort, self._folder / name, {"task_id": name, "device": "cuda", "memory_gb": 0.5})
        self._shape(plan, dice)
        script = f't() {{ echo "$1 $BERTH_ATTEMPT $2" >> "{plan.trace}"; }}; '
        plan.request["command"] = sh(script + plan.request.pop("script"))
        return plan

    def _shape(self, plan: Plan, dice: random.Random) -> None:
        code = dice.choice([0, 0, 1, 2, 7, 77, 255])
        request = plan.request
        plan.exit_code = code
        plan.status = "completed" if code == 0 else "failed"
        request["script"] = f"t start $$; t end {code}; exit {code}"
        match plan.sort:
            case "signal":
                plan.exit_code, plan.signal, plan.status = None, 9, "failed"
                request["script"] = "t start $$; t end 9; kill -9 $$"
            case "long":
                request["script"] = f"t start $$; sleep {dice.uniform(1, 5):.2f}; t end {code}; exit {code}"
            case "queued":  # two at a time: the others wait in the queue
                request |= {"kind": "training", "device": "cpu", "memory_gb": None}
                request["script"] = f"t start $$; sleep 0.05; t end {code}; exit {code}"
            case "gpu":
                memory = dice.choice([3, 6, 12])
                request |= {"device": f"cuda:{dice.randrange(CONTESTED)}", "memory_gb": memory + 1}
                request["env"] = self._gpus.environment
                program = " ".join(
                    self._gpus.task(
                        "--memory", f"{memory}G", "--ramp", "20ms",
                        "--seconds", f"{dice.uniform(0.05, 0.8):.2f}", "--exit-code", str(code),
                    )  # fmt: skip
                )
                request["script"] = f"t start $$; {program}; c=$?; t end $c; exit $c"
            case "contested":
                request |= {"device": f"cuda:{CONTESTED}", "memory_gb": 10}
                request["script"] = f"t start $$; sleep 0.05; t end {code}; exit {code}"
            case "retry":
                allowed, good = dice.choice([1, 2, 3]), dice.choice([2, 3, 4])
                request["retry"] = {"max": allowed, "backoff_s": dice.choice([0, 0.1, 0.3])}
                request["script"] = (
                    f't start $$; n=$(grep -c ^start "{plan.trace}"); '
                    f"c=0; [ $n -ge {good} ] || c=3; t end $c; exit $c"
                )
                plan.starts = min(good, allowed + 1)
                plan.exit_code = 0 if good <= allowed + 1 else 3
                plan.status = "completed" if good <= allowed + 1 else "failed"
            case "after" | "after_any":
                self._follow(plan, dice)
            case "held":
                request["hold"] = plan.held = True
            case "cancel":
                request["script"] = "t start $$; exec sleep 600"
            case "timeout":
                request["timeout_s"] = 1.5
                plan.exit_code, plan.signal, plan.status, plan.cause = None, 15, "failed", "timeout"
                request["script"] = "t start $$; exec sleep 600"

    def _follow(self, plan: Plan, dice: random.Random) -> None:
        """After one that is expected to go on for a while."""
        first = self._pick(
            dice,
            lambda other: other.answered
            and other.name in self.open
            and other.sort in ("long", "gpu", "retry", "queued")
            and (plan.sort == "after_any" or other.status == "completed"),
        )
        if first is None:
            plan.sort = "short"
            return
        plan.follows = first
        plan.request[plan.sort] = [first.name]
        plan.request["script"] = (
            f'grep -q ^end "{first.trace}" || t early 0; ' + plan.request["script"]
        )
