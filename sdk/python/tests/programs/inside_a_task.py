# SPDX-License-Identifier: Apache-2.0
"""A task that reports: its id and a file to wait for are its arguments."""

import sys

import berth

running = berth.task()
assert running is not None
assert (running.id, running.device, running.attempt) == (sys.argv[1], "cpu", 1), running
assert berth.select_device() == "cpu"
assert berth.report(progress=0.4, metrics={"loss": 0.5, "bad": float("nan")}, stage="validation")
assert berth.report(message="half way", level="WARNING")
assert berth.report_checkpoint("/out/last.pt")
with open(sys.argv[2]) as fifo:  # until the test has looked
    fifo.read()
for _ in berth.progress(range(10), part=(0.4, 1.0)):
    pass
assert berth.report_result({"accuracy": 0.93})
