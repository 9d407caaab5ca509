// SPDX-License-Identifier: Apache-2.0
// The page in a browser in front of a real daemon: a long queue, and a machine without a GPU.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { at, launch, note, open, rows } from "./support/browser.ts";
import { Service } from "./support/service.ts";

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

describe("a queue of a thousand tasks", () => {
  let service: Service;
  before(async () => {
    service = await Service.start(2);
    await service.run([service.task, "--memory", "20G"], { device: "cuda:0", memory_gb: 20, name: "holder" });
    for (let from = 0; from < 1000; from += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => service.run(["sleep", "100"], { name: `job-${from + i}`, device: "cuda:0", memory_gb: 20, priority: 2 + ((from + i) % 9) })));
    }
  });
  after(() => service.close());

  test("scrolls without stutter, with few rows in the document", async () => {
    const { page, faults } = await open(browser, `${service.url}#/tasks`);
    await page.locator(".task-row a").first().waitFor();
    await page.waitForFunction(() => document.querySelector("[role=table]")?.getAttribute("aria-rowcount") === "1002");
    const frames = await page.evaluate(async () => {
      const scroller = document.querySelector<HTMLElement>(".task-scroller")!;
      const times: number[] = [];
      let most = 0;
      let last = await new Promise<number>(requestAnimationFrame);
      const end = scroller.scrollHeight - scroller.clientHeight;
      for (let step = 1; step <= 240; step += 1) {
        // Down to the end and up again.
        scroller.scrollTop = end * (step <= 120 ? step / 120 : (240 - step) / 120);
        const now = await new Promise<number>(requestAnimationFrame);
        times.push(now - last);
        last = now;
        most = Math.max(most, document.querySelectorAll(".task-row").length);
      }
      return { times, most };
    });
    const sorted = [...frames.times].sort((a, b) => a - b);
    note("scroll_frame_median_ms", sorted[Math.floor(sorted.length / 2)]!);
    note("scroll_frame_p95_ms", sorted[Math.floor(sorted.length * 0.95)]!);
    note("scroll_frame_longest_ms", sorted.at(-1)!);
    note("rows_in_document_at_most", frames.most);
    assert.ok(frames.most < 60, `${frames.most} rows`);
    assert.ok(sorted[Math.floor(sorted.length / 2)]! < 34, "half of the frames come in time");
    assert.ok(sorted[Math.floor(sorted.length * 0.95)]! < 150);
    // Every piece has come.
    await page.locator(".task-scroller").evaluate((element) => { element.scrollTop = element.scrollHeight; });
    await page.locator(".task-row", { hasText: "holder" }).waitFor();
    await page.getByText("job-0", { exact: true }).waitFor();
    assert.ok((await rows(page)) < 60);
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test("shows what runs, then whose turn comes first, an array in one row", async () => {
    const urgent = await service.run(["sleep", "100"], { name: "urgent", device: "cuda:0", memory_gb: 20, priority: 1 });
    const sweep = await service.run(["sleep", "100"], { name: "sweep", array: "0-299", device: "cuda:0", memory_gb: 20, priority: 9 });
    const { page, faults } = await open(browser, service.url);
    const shown = page.locator(".active-table tbody tr");
    await page.waitForFunction(() => document.querySelectorAll(".active-table tbody tr").length === 10);
    assert.match((await shown.first().textContent())!, /holder/);
    await page.getByText("All 1,302").waitFor();
    // 200 of the 1,301 that wait are read: the most urgent, although it came late, then the first that came.
    assert.match((await shown.nth(1).textContent())!, /urgent/);
    await page.locator(".active-table").getByText("job-0", { exact: true }).waitFor();
    assert.deepEqual(faults, []);
    await page.context().close();
    await service.api("POST", `/api/v2/tasks/${sweep["task_id"]}/cancel`);
    await service.until(sweep["task_id"] as string, "cancelled");
    await service.api("POST", `/api/v2/tasks/${urgent["task_id"]}/cancel`);
    await service.until(urgent["task_id"] as string, "cancelled");
    for (const task of [sweep, urgent]) await service.api("DELETE", `/api/v2/tasks/${task["task_id"]}`);
  });

  test("is searched through", async () => {
    const { page, faults } = await open(browser, `${service.url}#/tasks?q=job-77`);
    await page.waitForFunction(() => document.querySelectorAll(".task-row").length === 11);
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test("goes back to where it was left", async () => {
    const { page, faults } = await open(browser, `${service.url}#/tasks`);
    await page.locator(".task-row a").first().waitFor();
    await page.locator(".task-scroller").evaluate((element) => { element.scrollTop = 18000; });
    await page.getByText("job-499", { exact: true }).click();
    await page.getByRole("tablist").waitFor();
    await page.goBack();
    await page.getByText("job-499", { exact: true }).waitFor();
    assert.deepEqual(faults, []);
    await page.context().close();
  });
});

describe("a machine without a GPU", () => {
  let service: Service;
  before(async () => (service = await Service.start(0)));
  after(() => service.close());

  test("says so, and how to go on; no task yet", async () => {
    const { page, faults } = await open(browser, service.url);
    await page.getByText("No GPU on this machine").waitFor();
    await page.getByText("Processor", { exact: true }).waitFor();
    await at(page, "#/tasks");
    await page.getByText("No task yet").waitFor();
    await page.getByText(/berth run .* -- /).waitFor();
    await at(page, "#/leases");
    await page.getByText("No lease").waitFor();
    await page.evaluate(axe.source);
    const result = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run(document));
    assert.deepEqual(result.violations.map((violation) => violation.id), []);
    assert.deepEqual(faults, []);
    await page.context().close();
  });
});
