// SPDX-License-Identifier: Apache-2.0
// A real berthd on simulated GPUs, which serves the page. Everything lies in a directory of its own and is gone
// afterwards.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const ROOT = process.env["BERTH_ROOT"]!;
const BIN = process.env["BERTH_BIN_DIR"] ?? join(ROOT, "build/release/bin");
const FAKES = process.env["BERTH_FAKES_DIR"] ?? join(ROOT, "build/release/fakes");

export type Json = Record<string, any>;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket();
    socket.listen(0, "127.0.0.1", () => {
      const { port } = socket.address() as { port: number };
      socket.close(() => resolve(port));
    });
  });
}

export class Service {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-web-"));
  readonly env: Record<string, string>;
  readonly task = join(FAKES, "fakegpu-task");
  port = 0;
  /** Where the page is. */
  url = "";
  private daemon: ChildProcess | null = null;

  private constructor(private readonly gpus: number) {
    this.env = { PATH: process.env["PATH"] ?? "", HOME: this.folder, TMPDIR: this.folder, LANG: "C.UTF-8", BERTH_FAKE_NVML_LEDGER: join(this.folder, "ledger") };
  }

  static async start(gpus = 8): Promise<Service> {
    const service = new Service(gpus);
    if (gpus > 0) service.ctl("init", "--gpus", String(gpus), "--memory", "24G");
    writeFileSync(join(service.folder, "berth.yaml"), JSON.stringify({ cancel_grace: "1s" }));
    service.port = await freePort();
    await service.launch();
    service.url = `http://127.0.0.1:${service.port}/`;
    return service;
  }

  ctl(...words: string[]): void {
    const done = spawnSync(join(FAKES, "fakegpu-ctl"), words, { env: this.env, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`fakegpu-ctl ${words.join(" ")}: ${done.stderr}`);
  }

  async launch(): Promise<void> {
    const library = this.gpus > 0 ? join(FAKES, "libnvidia-ml.so.1") : "/nonexistent/libnvidia-ml.so.1";
    this.daemon = spawn(
      join(BIN, "berthd"),
      ["--config", join(this.folder, "berth.yaml"), "--listen", `127.0.0.1:${this.port}`, "--state-dir", join(this.folder, "state"),
        "--nvml-library", library, "--lang", "en", ...(this.gpus > 0 ? [] : ["--sysfs-root", join(this.folder, "sysfs")])],
      { env: this.env, stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    this.daemon.stderr!.on("data", (piece) => (said += String(piece)));
    for (let i = 0; i < 400; i += 1) {
      if (this.daemon.exitCode !== null) throw new Error(`berthd ended: ${said}`);
      try {
        if ((await fetch(`http://127.0.0.1:${this.port}/readyz`)).ok) return;
      } catch {
        // not yet
      }
      await sleep(25);
    }
    throw new Error(`berthd does not answer: ${said}`);
  }

  get token(): string {
    return readFileSync(join(this.folder, "state/token"), "utf8").trim();
  }

  async api(method: string, path: string, body?: unknown): Promise<Json> {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Accept-Language": "en", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as Json;
  }

  /** Submits a command; simulated GPUs are found by what is in the environment. */
  run(command: string[], more: Json = {}): Promise<Json> {
    return this.api("POST", "/api/v2/tasks", { command, env: { BERTH_FAKE_NVML_LEDGER: this.env["BERTH_FAKE_NVML_LEDGER"] }, ...more });
  }

  async until(id: string, ...states: string[]): Promise<Json> {
    for (let i = 0; i < 1200; i += 1) {
      const task = await this.api("GET", `/api/v2/tasks/${id}`);
      if (states.includes(task["status"] as string)) return task;
      await sleep(50);
    }
    throw new Error(`${id} did not become ${states.join(" or ")}`);
  }

  kill(): Promise<void> {
    return new Promise((resolve) => {
      const daemon = this.daemon!;
      if (daemon.exitCode !== null || daemon.signalCode !== null) resolve();
      else daemon.once("exit", () => resolve());
      daemon.kill("SIGKILL");
    });
  }

  async close(): Promise<void> {
    try {
      // What waits has no process: nothing more is let start, what runs is ended.
      await this.api("POST", "/api/v2/resources/drain", { drain: true });
      const { tasks } = await this.api("GET", "/api/v2/tasks?status=running&limit=1000");
      for (const task of tasks as Json[]) await this.api("POST", `/api/v2/tasks/${task["task_id"]}/cancel`, {}).catch(() => undefined);
      for (let i = 0; i < 200; i += 1) {
        if ((await this.api("GET", "/api/v2/tasks?status=running&limit=0"))["total"] === 0) break;
        await sleep(50);
      }
    } finally {
      const daemon = this.daemon!;
      const ended = new Promise((resolve) => daemon.once("exit", resolve));
      daemon.kill("SIGTERM");
      await Promise.race([ended, sleep(10_000).then(() => daemon.kill("SIGKILL"))]);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
