# SPDX-License-Identifier: Apache-2.0
"""What Berth is compared with when it runs short commands: task-spooler and Slurm, as Debian packages them. Each call
runs `count` commands, `slots` at a time, and returns how many per second were done, from the first submission on until
nothing waits or runs."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from daemon import BENCH_DIR
from harness.waiting import wait_until


class MissingError(Exception):
    """The peer cannot be had here; says why."""


def each(count: int, slots: int, command: list[str], env: dict[str, str]) -> None:
    """Runs the command `count` times, `slots` at a time."""
    numbers = "\n".join(map(str, range(count)))
    subprocess.run(["xargs", "-P", str(slots), "-I{}", *command], input=numbers, env=env, text=True, check=True,
                   stdout=subprocess.DEVNULL)


def task_spooler(folder: Path, count: int, slots: int, command: list[str]) -> float:
    """Output is stored, as Berth does."""
    program = shutil.which("tsp")
    if program is None:
        raise MissingError("task-spooler is not installed")
    folder.mkdir()
    env = dict(os.environ, TMPDIR=str(folder), TS_SOCKET=str(folder / "socket"), TS_SLOTS=str(slots),
               TS_MAXFINISHED=str(count))

    def done() -> bool:
        listed = subprocess.run([program, "-l"], env=env, check=True, capture_output=True, text=True).stdout
        return listed.count(" finished ") == count

    try:
        begin = time.perf_counter()
        each(count, slots, [program, *command], env)
        wait_until(done, "task-spooler is done")
        return count / (time.perf_counter() - begin)
    finally:
        subprocess.run([program, "-K"], env=env, check=False)


class Slurm:
    """A controller, a node daemon and munge on this machine, all in `folder`, from unpacked packages."""

    def __init__(self, folder: Path, slots: int) -> None:
        self._root = BENCH_DIR.parents[1] / "bench" / "slurm"
        if not (self._root / "usr/sbin/slurmctld-wlm").exists():
            raise MissingError("Slurm's packages could not be fetched")
        self._folder = folder
        self._slots = slots
        self._processes: list[subprocess.Popen[bytes]] = []
        libraries = self._root / "usr/lib/x86_64-linux-gnu"
        self._env = dict(os.environ, LD_LIBRARY_PATH=f"{libraries}:{libraries}/slurm-wlm",
                         SLURM_CONF=str(folder / "slurm.conf"))

    def run(self, count: int, command: list[str]) -> float:
        """By srun, as many at once as there are cores: the fastest way, because a job for which a core is free starts at
        once. Batch jobs and arrays that wait are looked at once a second only."""
        srun = [str(self._root / "usr/bin/srun"), "--quiet", "--ntasks=1", *command]
        begin = time.perf_counter()
        each(count, self._slots, srun, self._env)
        return count / (time.perf_counter() - begin)

    def start(self) -> None:
        secret, socket_folder = self._folder / "secret", self._folder / "munge"
        for folder, mode in ((self._folder, 0o755), (secret, 0o700), (socket_folder, 0o755),
                             (self._folder / "state", 0o700), (self._folder / "spool", 0o700)):
            folder.mkdir()
            folder.chmod(mode)
        key = secret / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(1024))
        self._configure(socket_folder / "socket")
        self._spawn("munged", "--foreground", f"--key-file={key}", f"--socket={socket_folder / 'socket'}", "--force",
                    *(f"--{what}={secret / what}" for what in ("pid-file", "log-file", "seed-file")))
        wait_until((socket_folder / "socket").exists, "munged listens")
        self._spawn("slurmctld-wlm", "-D", "-c")
        self._spawn("slurmd-wlm", "-D", "-N", socket.gethostname(), "-d", str(self._root / "usr/sbin/slurmstepd-wlm"))
        state = [str(self._root / "usr/bin/sinfo"), "--noheader", "--format=%t"]
        wait_until(lambda: subprocess.run(state, env=self._env, check=False, capture_output=True).stdout == b"idle\n",
                   "Slurm's node is idle", unless=self._dead)

    def _spawn(self, program: str, *arguments: str) -> None:
        log = (self._folder / f"{program}.log").open("wb")
        with log:
            self._processes.append(subprocess.Popen([self._root / "usr/sbin" / program, *arguments], env=self._env,
                                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _dead(self) -> str | None:
        ended = [str(process.args) for process in self._processes if process.poll() is not None]
        return f"it has ended: {ended}" if ended else None

    def _configure(self, munge: Path) -> None:
        host, user = socket.gethostname(), os.environ.get("USER") or os.popen("id -un").read().strip()
        controller, node = _free_ports(2)
        (self._folder / "slurm.conf").write_text(f"""
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={munge}
CredType=cred/munge
PluginDir={self._root}/usr/lib/x86_64-linux-gnu/slurm-wlm
StateSaveLocation={self._folder}/state
SlurmdSpoolDir={self._folder}/spool
SlurmctldPidFile={self._folder}/slurmctld.pid
SlurmdPidFile={self._folder}/slurmd.pid
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldDebug=error
SlurmdDebug=error
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={self._slots} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
""")

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextlib.contextmanager
def slurm(folder: Path, slots: int) -> Iterator[Slurm]:
    cluster = Slurm(folder, slots)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
