# SPDX-License-Identifier: Apache-2.0
"""A task's log as server-sent events: every reader gets every record, once, in order."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from harness.client import Client
from harness.commands import Gate, sh
from harness.daemon import Daemon
from harness.sse import Event, EventReader, messages, read_log
from harness.waiting import wait_until

LOGS = "/api/v2/tasks/{}/logs"


def ids(events: list[Event]) -> list[str]:
    return [event.id for event in events]


def test_the_format_is_that_of_the_originals(client: Client) -> None:
    client.run("echo", "hello ü", task_id="t")
    answer = client.request("GET", LOGS.format("t"))
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert "hello ü".encode() in answer.body, "UTF-8, not escaped"
    records = [event.data for event in read_log(client, "t")]
    for record in records[:-1]:
        assert record.keys() >= {"timestamp", "level", "message"}
        assert record["level"] in ("INFO", "WARNING", "ERROR")
    assert records[-1].keys() == {"status", "message"}
    assert records[-1]["status"] == "completed"


def test_two_readers_and_a_late_one_get_every_record(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    client.submit(*gate.wait("seq 1 2000"), task_id="t")
    readers = [EventReader(client, LOGS.format("t")) for _ in range(2)]
    for reader in readers:
        reader.wait_events(4)
    gate.open()
    first, second = (reader.join() for reader in readers)
    late = read_log(client, "t")
    assert all(reader.ended for reader in readers)
    assert first == second == late
    output = [e.data["message"] for e in first[:-1] if e.data.get("stream") == "stdout"]
    assert output == ["waiting", *map(str, range(1, 2001))]
    assert len(set(ids(first[:-1]))) == len(first) - 1


def test_ten_thousand_lines_arrive_complete_and_in_order(client: Client) -> None:
    script = "seq -f 'line %.0f of the output' 1 10000"
    client.submit(*sh(script), task_id="t")
    events = EventReader(client, LOGS.format("t")).join(within=120)
    output = [e.data["message"] for e in events[:-1] if e.data.get("stream") == "stdout"]
    assert output == [f"line {i} of the output" for i in range(1, 10_001)]
    assert client.output("t").decode().splitlines() == output


def test_every_id_resumes_with_exactly_the_rest(client: Client) -> None:
    client.run(*sh("seq 1 30; echo oops >&2"), task_id="t")
    whole = read_log(client, "t")
    for position, event in enumerate(whole[:-1]):
        assert read_log(client, "t", last_id=event.id) == whole[position + 1 :], event
    assert read_log(client, "t", last_id=whole[-1].id)[-1:] == whole[-1:]


def test_a_reader_that_breaks_off_again_and_again_loses_and_repeats_nothing(client: Client) -> None:
    # The task writes while readers come and go.
    script = (
        "i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo $i; [ $((i % 50)) = 0 ] && sleep 0.01; done; true"
    )
    client.submit(*sh(script), task_id="t")
    seen: list[Event] = []
    breaks = 0
    while not seen or "status" not in seen[-1].data:
        last = seen[-1].id if seen else None
        reader = EventReader(client, LOGS.format("t"), last_id=last, stop_after=117)
        seen += reader.join()
        breaks += 1
        assert breaks < 100
    assert breaks > 10
    assert seen == read_log(client, "t")
    assert [m for m in messages(seen) if m.isdigit()] == [str(i) for i in range(1, 1501)]


def test_resuming_across_restarts_of_the_daemon(daemon: Daemon, folder: Path) -> None:
    gate = Gate(folder / "gate")
    script = f"seq 1 500; {gate.wait('seq 501 1000; exit 3')[2]}"
    daemon.client.submit(*sh(script), task_id="t")
    reader = EventReader(daemon.client, LOGS.format("t"))
    wait_until(lambda: any(e.data["message"] == "waiting" for e in reader.events), "the first half is read")
    before = reader.break_off()
    daemon.kill9()
    gate.open()
    daemon.start()
    middle = EventReader(daemon.client, LOGS.format("t"), last_id=before[-1].id, stop_after=100).join()
    daemon.restart()
    rest = read_log(daemon.client, "t", last_id=middle[-1].id)
    whole = read_log(daemon.client, "t")
    assert before + middle + rest == whole
    output = [e.data["message"] for e in whole if e.data.get("stream") == "stdout"]
    assert output == [*map(str, range(1, 501)), "waiting", *map(str, range(501, 1001))]
    assert whole[-1].data["status"] == "failed"


def test_two_tasks_at_once_never_see_each_others_records(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    event = {"event": "log", "message": "event of $BERTH_TASK_ID"}
    for name in ("one", "two"):
        loop = f"for i in $(seq 1 300); do echo {name}-$i; echo {name}-$i >&2; done"
        script = f"while [ ! -e {gate.path} ]; do sleep 0.02; done; {loop}"
        noted = json.dumps(event).replace('"', '\\"')
        client.submit(*sh(f'{script}; echo "{noted}" >> "$BERTH_EVENTS"'), kind="inference", task_id=name)
    readers = {name: EventReader(client, LOGS.format(name)) for name in ("one", "two")}
    for name in readers:
        client.wait_state(name, "running")
    gate.open()
    for name, reader in readers.items():
        other = "two" if name == "one" else "one"
        texts = messages(reader.join())
        assert not [text for text in texts if other in text]
        assert sum(text.startswith(f"{name}-") for text in texts) == 600
        assert f"event of {name}" in texts


def test_readers_that_stop_reading_do_not_hurt_others(daemon: Daemon, client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    client.submit(
        *gate.wait("seq -f '%.0f of a great many lines, each of them rather long' 1 40000"), task_id="t"
    )
    host, _, port = daemon.address.rpartition(":")
    stalled = []
    for _ in range(8):
        connection = socket.create_connection((host, int(port)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"GET {LOGS.format('t')} HTTP/1.1\r\nHost: {daemon.address}\r\n\r\n".encode())
        stalled.append(connection)
    reader = EventReader(client, LOGS.format("t"))
    reader.wait_events(4)
    gate.open()
    events = reader.join(within=120)
    assert sum(e.data.get("stream") == "stdout" for e in events) == 40_001
    begin = time.monotonic()
    client.run("true", task_id="other")
    assert time.monotonic() - begin < 10
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    resident = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    assert resident < 120 * 1024, f"{resident} kB resident: nothing is held for those who do not read"
    for connection in stalled:
        connection.close()
    wait_until(lambda: client.get("/api/v1/health")["active_log_streams"] == 0, "the streams are closed")


def test_a_follower_of_changes_sees_every_state(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    client.limits({"cpu": {"training": 0}})
    client.submit(*gate.wait(), kind="training", device="cpu", task_id="t")
    reader = EventReader(client, "/api/v2/tasks/t/events")
    reader.wait_events(1)
    client.limits({"cpu": {"training": 1}})
    wait_until(lambda: reader.events[-1].data["status"] == "running", "running is told")
    gate.open()
    states = [event.data["status"] for event in reader.join()]
    assert [s for i, s in enumerate(states) if i == 0 or s != states[i - 1]] == [
        "queued",
        "running",
        "completed",
    ]


def test_a_cancelled_tasks_stream_ends(client: Client) -> None:
    client.submit("/bin/sleep", "1000", task_id="t")
    reader = EventReader(client, LOGS.format("t"))
    reader.wait_events(3)
    client.cancel("t")
    events = reader.join()
    assert reader.ended
    assert events[-1].data["status"] == "cancelled"
    assert any(e.data.get("level") == "WARNING" for e in events)


def test_output_without_a_last_newline_and_with_odd_bytes_is_in_the_log(client: Client) -> None:
    client.run(*sh(r"printf 'a\377b\n'; printf '\033[31mred\033[0m'; printf 'x\ny' >&2"), task_id="t")
    records = [e.data for e in read_log(client, "t") if "stream" in e.data]
    assert [r["message"] for r in records if r["stream"] == "stderr"] == ["x", "y"]
    out = [r["message"] for r in records if r["stream"] == "stdout"]
    assert len(out) == 2
    assert out[0].startswith("a")
    assert "red" in out[1]


def test_many_readers_at_once(client: Client, folder: Path) -> None:
    gate = Gate(folder / "gate")
    client.submit(*gate.wait("seq 1 200"), task_id="t")
    readers = [EventReader(client, LOGS.format("t")) for _ in range(60)]
    for reader in readers:
        reader.wait_events(3)
    assert client.get("/api/v1/health")["active_log_streams"] == 60
    gate.open()
    first = readers[0].join()
    assert len(first) > 200
    assert all(reader.join() == first for reader in readers[1:])
