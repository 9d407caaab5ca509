// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium, and a page of it that notes everything that should not happen.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

import { ROOT } from "./service.ts";

export const CHROMIUM = process.env["BERTH_CHROMIUM"] ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });

export interface Watched {
  page: Page;
  /** Console errors, exceptions and failed requests since the start or forget(). */
  faults: string[];
  forget: () => void;
}

export async function open(browser: Browser, url: string, options: BrowserContextOptions & { language?: string; theme?: string } = {}): Promise<Watched> {
  const { language = "en", theme, ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: language === "zh" ? "zh-CN" : "en-US", reducedMotion: "reduce", ...rest });
  if (theme) await context.addInitScript((name) => localStorage.setItem("berth.theme", name), theme);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("requestfailed", (failed) => {
    // Streams and readings are given up on purpose when a view is left.
    if (failed.failure()?.errorText !== "net::ERR_ABORTED") faults.push(`request: ${failed.url()} ${failed.failure()?.errorText}`);
  });
  page.on("response", (answer) => {
    if (answer.status() >= 400) faults.push(`answer: ${answer.status()} ${answer.url()}`);
  });
  page.on("request", (asked) => {
    if (new URL(asked.url()).origin !== new URL(url).origin && !/^(data|blob):/.test(asked.url())) faults.push(`foreign request: ${asked.url()}`);
  });
  await page.goto(url);
  return { page, faults, forget: () => faults.splice(0) };
}

/** A measured figure, for the reader and for build/web/figures.json, which several test files write. */
export function note(name: string, value: number): void {
  const path = join(ROOT, "build/web/figures.json");
  const figures: Record<string, number> = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  figures[name] = Math.round(value * 100) / 100;
  console.log(`${name}: ${figures[name]}`);
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
}

export const at = (page: Page, hash: string): Promise<void> => page.evaluate((to) => void (location.hash = to), hash);
export const rows = (page: Page): Promise<number> => page.locator(".task-row").count();
