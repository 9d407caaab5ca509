# SPDX-License-Identifier: Apache-2.0
"""Many tasks that end together: each is followed to its true end."""

from __future__ import annotations

import threading

from harness.daemon import Daemon, MakeDaemon
from harness.fakegpu import MakeGpus


def test_tasks_that_end_together_have_their_true_ends(make_daemon: MakeDaemon, fake_gpus: MakeGpus) -> None:
    daemon: Daemon = make_daemon(gpus=fake_gpus(8))
    for batch in range(4):
        ids = [f"b{batch}-{number}" for number in range(40)]

        def work(first: int, ids: list[str] = ids) -> None:
            for task_id in ids[first::16]:
                daemon.client.submit("sleep", "0.3", task_id=task_id, kind="training", device="cuda", memory_gb=1)

        threads = [threading.Thread(target=work, args=(first,)) for first in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for task_id in ids:
            task = daemon.client.wait_end(task_id)
            assert task["status"] == "completed", task["error"]
