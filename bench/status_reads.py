# SPDX-License-Identifier: Apache-2.0
"""Reads of a task's status against a FastAPI route that gives the same JSON: wrk asks both, in turns."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from daemon import TASKS, running
from figures import Figure, median
from harness.waiting import wait_until

ROUNDS, SECONDS, CONNECTIONS = 3, 4, 16
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


def wrk(url: str) -> tuple[float, float]:
    """Answers per second, and how much of a core wrk needed for that."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", url], check=True, capture_output=True,
                         text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None and "Non-2xx" not in out, out
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float(found.group(1)), used / SECONDS


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
            rounds = [(wrk(ours), wrk(theirs)) for _ in range(ROUNDS)]
        finally:
            peer.terminate()
            peer.wait(30)
    own_load, peer_load = (median([one[side][1] for one in rounds]) for side in (0, 1))
    return [Figure(NAME, median([one[0][0] for one in rounds]), "/s", "FastAPI", median([one[1][0] for one in rounds]),
                   10.0, at_most=False,
                   note=f"wrk with {CONNECTIONS} connections, {len(body)} bytes of JSON; uvicorn with {workers} workers, "
                        f"uvloop and httptools; wrk used {own_load:.2f} and {peer_load:.2f} of a core")]
