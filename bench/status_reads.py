# SPDX-License-Identifier: Apache-2.0
"""Reads of a task's status against a FastAPI route that gives the same JSON: wrk asks both, in turns."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from daemon import TASKS, cpu_seconds, running
from figures import Figure, median
from harness.waiting import wait_until

ROUNDS, SECONDS, STAGGER, CONNECTIONS = 3, 4, 0.3, 16
NAME = "bare status reads against FastAPI"

PEER = """
import json, os
from fastapi import FastAPI
app = FastAPI()
tasks = json.loads(os.environ["BENCH_TASKS"])
@app.get("/api/v2/tasks/{task_id}")
async def read(task_id: str):
    return tasks[task_id]
"""


@dataclass(frozen=True)
class Round:
    rate: float  # answers per second
    generator: float  # cores that wrk took
    server_us: float  # processor time of the server for one answer


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]


def ask(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(["wrk", "-t1", f"-c{CONNECTIONS // 2}", f"-d{SECONDS}", url], stdout=subprocess.PIPE,
                            text=True)


def measure_one(url: str, servers: list[int]) -> Round:
    """Two generators, the second a moment later: a worker of uvicorn takes all connections that wait when it looks, so
    that those of one generator would leave the other workers idle."""
    server_before = sum(map(cpu_seconds, servers))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    generators = [ask(url)]
    time.sleep(STAGGER)
    generators.append(ask(url))
    texts = [generator.communicate()[0] for generator in generators]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answers = 0
    for text in texts:
        found = re.search(r"(\d+) requests in", text)
        assert found is not None and "Non-2xx" not in text, text
        answers += int(found.group(1))
    took = SECONDS + STAGGER
    generator = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    server = sum(map(cpu_seconds, servers)) - server_before
    return Round(answers / took, generator / took, server / answers * 1e6)


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def missing() -> str | None:
    if shutil.which("wrk") is None:
        return "wrk is not installed"
    modules = "import fastapi, uvicorn, uvloop, httptools"
    if subprocess.run([sys.executable, "-c", modules], check=False, capture_output=True).returncode != 0:
        return "FastAPI, uvicorn, uvloop and httptools are not all installed"
    return None


def measure(folder: Path) -> list[Figure]:
    if why := missing():
        return [Figure(NAME, 0, "/s", note=f"skipped: {why}")]
    (folder / "peer.py").write_text(PEER)
    workers = os.cpu_count() or 1
    with running(folder / "status-reads") as daemon:
        task = daemon.client.run("true")
        ours = f"http://{daemon.address}{TASKS}/{task['task_id']}"
        body = fetch(ours).decode()
        port = daemon.port + 1
        theirs = f"http://127.0.0.1:{port}{TASKS}/{task['task_id']}"
        peer = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "peer:app", "--port", str(port), "--workers", str(workers),
             "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"],
            cwd=folder, env=dict(os.environ, BENCH_TASKS='{"' + task["task_id"] + '":' + body + "}"))
        try:
            def answers() -> bool:
                try:
                    return fetch(theirs).decode() == body
                except OSError:
                    return False
            wait_until(answers, "the FastAPI route gives the same JSON",
                       unless=lambda: None if peer.poll() is None else f"uvicorn ended with {peer.returncode}")
            workers_of_peer = [peer.pid, *children(peer.pid)]
            rounds = [(measure_one(ours, [daemon.pid]), measure_one(theirs, workers_of_peer)) for _ in range(ROUNDS)]
        finally:
            peer.terminate()
            peer.wait(30)

    def of(side: int, what: str) -> float:
        return median([getattr(one[side], what) for one in rounds])

    return [
        Figure(NAME, of(0, "rate"), "/s", "FastAPI", of(1, "rate"), 10.0, at_most=False,
               note=f"2 x wrk, {CONNECTIONS} connections, {len(body)} bytes of JSON; uvicorn with {workers} workers, "
                    f"uvloop and httptools; wrk used {of(0, 'generator'):.2f} and {of(1, 'generator'):.2f} of a core"),
        Figure("processor time of the server for a status read", of(0, "server_us"), "us", "FastAPI",
               of(1, "server_us"), note="of the same reads; does not depend on how many cores the generator takes"),
    ]
