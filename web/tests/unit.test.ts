// SPDX-License-Identifier: Apache-2.0
// What needs neither a browser nor a daemon: formats, the arithmetic of lists, parsers, forms, catalogues.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EventParser } from "../src/api/sse.ts";
import type { LogRecord, Task } from "../src/api/types.ts";
import { findings, initialValues, missing, requestBody, valuesOf } from "../src/forms/request.ts";
import { FORMS, type FormSpec } from "../src/forms/specs.ts";
import { en } from "../src/i18n/en.ts";
import { enForms } from "../src/i18n/en_forms.ts";
import { enTasks } from "../src/i18n/en_tasks.ts";
import { zh } from "../src/i18n/zh.ts";
import { zhForms } from "../src/i18n/zh_forms.ts";
import { zhTasks } from "../src/i18n/zh_tasks.ts";
import { activeRows } from "../src/lib/active.ts";
import { joinWords, splitWords } from "../src/lib/argv.ts";
import { clock, duration, energy, gigabytes, gigabytesOf, metric, percent, plainLine, shortId } from "../src/lib/format.ts";
import { append, parseHistory, withGaps } from "../src/lib/history.ts";
import { LogBuffer } from "../src/lib/log_buffer.ts";
import { memoryParts } from "../src/lib/memory.ts";
import { pagesOf, scrollFor, visibleRange } from "../src/lib/virtual.ts";

describe("what runs and waits", () => {
  const task = (task_id: string, status: string, more: object = {}) => ({ task_id, status, priority: 5, created_at: "2026-01-01T00:00:00Z", array: null, ...more }) as unknown as Task;
  const of = (index: number) => ({ array: { id: "a", index, size: 4 } });
  test("is told in few rows: what runs, then who waits, in the order given; of an array one that waits", () => {
    const tasks = [
      task("urgent", "queued", { priority: 1, created_at: "2026-01-01T00:00:05Z" }), task("a_2", "queued", of(2)), task("a_3", "queued", of(3)), task("late", "queued", { created_at: "2026-01-01T00:00:09Z" }),
      task("a_1", "running", of(1)), task("a_0", "running", of(0)), task("runs", "running", { priority: 9, created_at: "2025-12-31T00:00:00Z" }),
    ];
    const rows = (most: number) => activeRows(tasks, most).map((row) => `${row.task.task_id} ${row.others}`);
    assert.deepEqual(rows(10), ["runs 0", "a_0 0", "a_1 0", "urgent 0", "a_2 1", "late 0"]);
    assert.deepEqual(rows(2), ["runs 0", "a_0 0"]);
    assert.deepEqual(activeRows([], 3), []);
  });
});

describe("energy", () => {
  test("has the unit that people know", () => {
    assert.deepEqual([null, 0, 999, 1500, 359_999, 3_600_000].map(energy), ["–", "0 J", "999 J", "1.5 kJ", "360.0 kJ", "1.00 kWh"]);
  });
});

describe("format", () => {
  test("what is not there is a dash, never 0", () => {
    for (const text of [gigabytes(null), percent(undefined), duration(null, "en"), metric(NaN), clock(null, "en")]) assert.equal(text, "–");
  });
  test("memory", () => {
    assert.equal(gigabytes(21.88), "21.9 GB");
    assert.equal(gigabytes(0), "0 GB");
    assert.equal(gigabytes(0.05), "51 MB");
    assert.equal(gigabytesOf(21.88, 24), "21.9 / 24 GB");
    assert.equal(gigabytesOf(null, 79.6), "– / 79.6 GB");
  });
  test("durations have two places", () => {
    const seconds: readonly (readonly [number, string])[] = [[-3, "0s"], [0, "0s"], [59.9, "59s"], [60, "1m 00s"], [3599, "59m 59s"], [3600, "1h 00m"], [86399, "23h 59m"], [86400, "1d 00h"], [200000, "2d 07h"]];
    for (const [given, text] of seconds) assert.equal(duration(given, "en"), text);
    assert.equal(duration(0.46, "en", true), "0.5s");
    assert.equal(duration(10.4, "en", true), "10s");
    assert.deepEqual([8, 192, 7500, 356400].map((given) => duration(given, "zh")), ["8秒", "3分12秒", "2小时05分", "4天03小时"]);
    assert.equal(duration(0.46, "zh", true), "0.5秒");
  });
  test("metrics", () => {
    for (const [given, text] of [[0, "0"], [0.0001, "1.00e-4"], [0.25, "0.2500"], [1.5, "1.50"], [123.45, "123.5"], [2e7, "2.00e+7"]] as const) assert.equal(metric(given), text);
  });
  test("ids", () => {
    assert.equal(shortId("c132194a-7ba8-417a-8a6e-8214cd4a7ac4"), "c132194a");
    assert.equal(shortId("c132194a-7ba8-417a-8a6e-8214cd4a7ac4_19"), "c132194a_19");
    assert.equal(shortId("train-drone"), "train-drone");
  });
  test("terminal sequences are no text", () => {
    assert.equal(plainLine("\u001b[1;31mred\u001b[0m <b>"), "red <b>");
    assert.equal(plainLine("10 %\r50 %\r100 %\r"), "100 %");
    assert.equal(plainLine("\u001b]0;title\u0007text"), "text");
  });
});

describe("virtual list", () => {
  test("the rows in sight and a few around them", () => {
    assert.deepEqual(visibleRange(0, 360, 36, 1000, 2), { first: 0, end: 12 });
    assert.deepEqual(visibleRange(3600, 360, 36, 1000, 2), { first: 98, end: 112 });
    assert.deepEqual(visibleRange(0, 360, 36, 0, 2), { first: 0, end: 0 });
  });
  test("beyond the end, as when the list has become shorter", () => {
    assert.deepEqual(visibleRange(1e9, 360, 36, 20, 2), { first: 8, end: 20 });
    assert.deepEqual(visibleRange(1e9, 360, 36, 3, 2), { first: 0, end: 3 });
  });
  test("every row is in sight somewhere, whatever the sizes", () => {
    for (const total of [1, 7, 100, 1001]) {
      for (const height of [0, 35, 36, 500]) {
        const seen = new Set<number>();
        for (let top = 0; top <= total * 36; top += 17) {
          const { first, end } = visibleRange(top, height, 36, total, 1);
          assert.ok(first >= 0 && end <= total && end - first <= Math.ceil(height / 36) + 4);
          for (let row = first; row < end; row += 1) seen.add(row);
        }
        assert.equal(seen.size, total);
      }
    }
  });
  test("pages of a range", () => {
    assert.deepEqual(pagesOf({ first: 0, end: 100 }, 100), [0]);
    assert.deepEqual(pagesOf({ first: 99, end: 101 }, 100), [0, 1]);
    assert.deepEqual(pagesOf({ first: 5, end: 5 }, 100), []);
  });
  test("scrolling to a row", () => {
    assert.equal(scrollFor(5, 0, 360, 36), null);
    assert.equal(scrollFor(10, 0, 360, 36), 36);
    assert.equal(scrollFor(2, 360, 360, 36), 72);
  });
});

describe("server-sent events", () => {
  const stream = ": hello\n\nid: 92\ndata: {\"a\":1}\n\nid: 187\r\ndata: one\r\ndata: two\r\n\r\nevent: end\rdata: x\r\rdata\n\n";
  const expected = [
    { id: "92", event: "message", data: '{"a":1}' },
    { id: "187", event: "message", data: "one\ntwo" },
    { id: "187", event: "end", data: "x" },
    { id: "187", event: "message", data: "" },
  ];
  test("comments, ids, lines of all ends", () => assert.deepEqual(new EventParser().feed(stream), expected));
  test("pieces that end anywhere", () => {
    for (let size = 1; size < 20; size += 1) {
      const parser = new EventParser();
      const events = [];
      for (let from = 0; from < stream.length; from += size) events.push(...parser.feed(stream.slice(from, from + size)));
      assert.deepEqual(events, expected, `pieces of ${size}`);
      assert.equal(parser.lastId, "187");
    }
  });
});

describe("command lines", () => {
  test("as a shell would separate them", () => {
    assert.deepEqual(splitWords("python3 train.py --name 'a b' \"c $d\" e\\ f ''").words, ["python3", "train.py", "--name", "a b", "c $d", "e f", ""]);
    assert.deepEqual(splitWords('"a\\"b" \'c\\d\' "e\\n"').words, ['a"b', "c\\d", "e\\n"]);
    assert.equal(splitWords("echo 'open").open, true);
  });
  test("there and back", () => {
    const words = ["sh", "-c", "for i in 1 2; do echo \"$i\" 'x'; done", "", "a=b", "ü"];
    assert.deepEqual(splitWords(joinWords(words)), { words, open: false });
  });
});

describe("history", () => {
  const csv = "device,at,step_s,seconds,used_memory_gb,used_memory_gb_max,utilization,utilization_max,temperature_c,power_w,memory_bandwidth_utilization\n"
    + "cuda:0,2026-01-01T00:00:00.000Z,1,1,2.5,2.5,50,50,40,100,\ncuda:1,2026-01-01T00:00:00.000Z,1,1,0,0,,,,,\ncuda:0,2026-01-01T00:00:09.000Z,1,1,3,3,60,60,41,110,7\n";
  test("by device; what is empty is not 0", () => {
    const found = parseHistory(csv);
    assert.deepEqual(found.get("cuda:0")!.columns["used_memory_gb"], [2.5, 3]);
    assert.deepEqual(found.get("cuda:0")!.columns["memory_bandwidth_utilization"], [null, 7]);
    assert.deepEqual(found.get("cuda:1")!.columns["utilization"], [null]);
  });
  test("a gap breaks the line", () => {
    const gapped = withGaps(parseHistory(csv).get("cuda:0")!, 1);
    assert.equal(gapped.at.length, 3);
    assert.deepEqual(gapped.columns["utilization"], [50, null, 60]);
  });
  test("only what is new is added, what is old goes", () => {
    const readings = parseHistory(csv).get("cuda:0")!;
    assert.equal(append(readings, readings, 100).at.length, 2);
    assert.equal(append(readings, readings, 5).at.length, 1);
  });
});

describe("log", () => {
  const record = (message: string, level: LogRecord["level"] = "INFO"): LogRecord => ({ timestamp: "2026-01-01T00:00:00Z", level, message });
  test("filters by level and text, also what comes later", () => {
    const buffer = new LogBuffer();
    buffer.add([record("one"), record("two\nthree", "WARNING"), record("four", "ERROR")]);
    assert.equal(buffer.shown.length, 4);
    buffer.filter("WARNING", "T");
    assert.deepEqual(buffer.shown.map((line) => line.text), ["two", "three"]);
    buffer.add([record("ten", "ERROR"), record("eleven")]);
    assert.deepEqual(buffer.shown.map((line) => line.text), ["two", "three", "ten"]);
  });
  test("the oldest go, and that is told", () => {
    const buffer = new LogBuffer(100);
    for (let i = 0; i < 1000; i += 1) buffer.add([record(String(i))]);
    assert.ok(buffer.size <= 120);
    assert.equal(buffer.size + buffer.dropped, 1000);
    assert.equal(buffer.shown.at(-1)!.text, "999");
    assert.equal(buffer.shown.length, buffer.size);
  });
});

describe("memory of a device", () => {
  test("its parts add up", () => {
    const process = { pid: 1, user: "a", command: "", type: "C", utilization: 0, container: null, state: "alive" as const, left_by: null };
    const parts = memoryParts({
      total_memory_gb: 24, allocated_memory_gb: 7, cached_memory_gb: 15, free_memory_gb: 16.7, effective_free_memory_gb: 8.7, reserved_memory_gb: 0.3,
      processes: [{ ...process, used_memory_gb: 4, task_id: "t" }, { ...process, used_memory_gb: 3, task_id: null }],
    })!;
    assert.deepEqual([parts.tasks, parts.others, parts.promised], [4, 3, 8]);
    assert.ok(Math.abs(parts.tasks + parts.others + parts.promised + parts.driver + parts.free - parts.total) < 0.01);
  });
  test("no reading, no bar", () => {
    assert.equal(memoryParts({ total_memory_gb: null, allocated_memory_gb: null, cached_memory_gb: null, free_memory_gb: null, effective_free_memory_gb: null, reserved_memory_gb: null, processes: null }), null);
  });
});

const form = (kind: string): FormSpec => FORMS.find((spec) => spec.kind === kind)!;

describe("forms", () => {
  test("what is empty is left out, so that the daemon's defaults count", () => {
    const values = { ...initialValues(form("command")), command: "python3 -c 'print(1)'", memory_gb: "8", hold: "true", cpu_fallback: "true", env: "A=1\nB=x=y", array: "4" };
    assert.deepEqual(requestBody(form("command"), values), { command: ["python3", "-c", "print(1)"], memory_gb: 8, hold: true, fallback: "cpu", env: { A: "1", B: "x=y" }, array: 4 });
  });
  test("through a shell", () => {
    const values = { ...initialValues(form("command")), command: "echo $HOME | wc", shell: "true" };
    assert.deepEqual(requestBody(form("command"), values), { command: ["/bin/sh", "-c", "echo $HOME | wc"] });
  });
  test("a batch size is a number or auto; a flag is sent when it is not what the daemon takes", () => {
    const values = { ...initialValues(form("training")), batch_size: "16", shuffle: "false" };
    assert.deepEqual(requestBody(form("training"), values), { batch_size: 16, shuffle: false });
    assert.equal(requestBody(form("training"), { ...values, batch_size: "auto" })["batch_size"], "auto");
  });
  test("what is needed", () => assert.deepEqual(missing(form("crop"), initialValues(form("crop"))), ["input_path", "output_path", "width", "height"]));
  test("violations go to their fields, the rest to the form", () => {
    const found = findings(form("training"), {}, [
      { type: "missing", loc: ["body", "train_path"], msg: "Field required" },
      { type: "greater_than", loc: ["body", "retry", "max"], msg: "too small" },
      { type: "dict_type", loc: ["body", "augment"], msg: "no object" },
    ]);
    assert.deepEqual(found, { fields: { train_path: "Field required", retry: "max: too small" }, form: "augment: no object" });
  });
  test("a sentence goes to the field whose value it quotes", () => {
    const values = { train_path: "/nope", val_path: "/data/val", model: "resnet18" };
    assert.deepEqual(findings(form("training"), values, "Training path does not exist: /nope").fields, { train_path: "Training path does not exist: /nope" });
    assert.equal(findings(form("training"), values, "The queue is full").form, "The queue is full");
  });
  test("a task is filled in again without its id", () => {
    const task = { task_type: "command", task_id: "t1", command: ["sh", "-c", "a b"], name: "n", priority: 3, device_requested: "cuda:1", kind: "command", gpus: 1, memory_gb: 4, policy: "balanced", retry: null, cpu_after_s: 0 } as unknown as Task;
    const body = requestBody(form("command"), valuesOf(form("command"), task));
    assert.deepEqual(body, { command: ["sh", "-c", "a b"], name: "n", priority: 3, device: "cuda:1", kind: "command", memory_gb: 4, policy: "balanced", fallback: "cpu" });
  });
  test("every field and form has its words", () => {
    const known = { ...en, ...enTasks, ...enForms } as Record<string, string>;
    for (const spec of FORMS) {
      assert.ok(known[`form.${spec.kind}`] && known[`about.${spec.kind}`], spec.kind);
      for (const field of spec.fields) assert.ok(known[`field.${field.name}`], field.name);
    }
  });
});

describe("catalogues", () => {
  const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  test("both languages have every text, with the same values in it", () => {
    for (const [one, other] of [[en, zh], [enTasks, zhTasks], [enForms, zhForms]] as readonly (readonly [Record<string, string>, Record<string, string>])[]) {
      assert.deepEqual(Object.keys(other).sort(), Object.keys(one).sort());
      for (const [key, text] of Object.entries(one)) {
        assert.ok(text.trim() && other[key]!.trim(), key);
        assert.deepEqual(places(other[key]!), places(text), key);
      }
    }
  });
  test("Chinese texts are Chinese", () => {
    const same = Object.entries({ ...zh, ...zhTasks, ...zhForms }).filter(([key, text]) => !/\p{Script=Han}/u.test(text) && text === (({ ...en, ...enTasks, ...enForms }) as Record<string, string>)[key]);
    const names = new Set(["app.title", "devices.gpus", "devices.pytorch", "device.process.pid", "device.fact.uuid", "device.fact.link", "report.f1"]);
    assert.deepEqual(same.map(([key]) => key).filter((key) => !names.has(key)), []);
  });
});
