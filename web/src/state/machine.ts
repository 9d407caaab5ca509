// SPDX-License-Identifier: Apache-2.0
// The machine: devices, processor, limits, what is drained. Read each second on the pages that show devices.
import { computed, signal } from "@preact/signals";
import { get, getText } from "../api/client.ts";
import type { Cpu, Drains, GpuDevice, Health, Info, Resources, State, Task, TaskList } from "../api/types.ts";
import { append, emptyReadings, parseHistory, type Readings } from "../lib/history.ts";
import { route } from "../router.ts";
import { setServerTime } from "./clock.ts";
import { poll, type Poll } from "./poll.ts";

export const resources = signal<Resources | null>(null);
export const cpu = signal<Cpu | null>(null);
export const drains = signal<Drains | null>(null);
export const info = signal<Info | null>(null);
/** How the daemon's parts are, in its words. */
export const parts = signal<Record<string, string>>({});
/** The last minutes of every device, for the small curves. */
export const recent = signal<Map<string, Readings>>(new Map());
export const RECENT_S = 300;
/** Tasks that run, and the first of those that wait; for their names, too, which the list of who is on a device lacks. */
export const active = signal<Task[] | null>(null);
export const activeTotal = signal(0);
/** How many wait beside those in `active`. */
export const moreWaiting = signal(0);
const ACTIVE = 200;
export const namesById = computed(() => new Map((active.value ?? []).map((task) => [task.task_id, task.name])));

export const gpus = computed<GpuDevice[]>(() => resources.value?.gpu_info.devices ?? []);
/** Names that a task can ask for, from this machine. */
export const deviceNames = computed<string[]>(() => {
  const there = gpus.value.filter((gpu) => !gpu.partitioned).map((gpu) => gpu.device_name);
  const families = new Set(there.map((name) => name.split(":")[0]!));
  return ["auto", ...families, ...there, "cpu"];
});

const watching = () => route.value.view === "devices" || route.value.view === "device";

async function readMachine(abort: AbortSignal): Promise<void> {
  const [all, processor, drained] = await Promise.all([
    get<Resources>("/api/v2/resources", abort),
    watching() ? get<Cpu>("/api/v2/resources/cpu", abort) : Promise.resolve(cpu.peek()),
    get<Drains>("/api/v2/resources/drain", abort),
  ]);
  resources.value = all;
  cpu.value = processor;
  drains.value = drained;
}

async function readActive(abort: AbortSignal): Promise<void> {
  if (!watching() || document.hidden) return;
  const of = (status: State) => get<TaskList>(`/api/v2/tasks?status=${status}&order=turn&task_type=training&limit=${ACTIVE}`, abort);
  const [running, queued] = await Promise.all([of("running"), of("queued")]);
  // One that has started in between is in both.
  active.value = [...new Map([...queued.tasks, ...running.tasks].map((task) => [task.task_id, task])).values()];
  activeTotal.value = running.total + queued.total;
  moreWaiting.value = Math.max(0, queued.total - queued.tasks.length);
}

let recentRead = 0;

async function readRecent(abort: AbortSignal): Promise<void> {
  if (!watching() || document.hidden) return;
  // Everything at first and after a rest, then what is new. Times are the daemon's: its clock may be another.
  const ends = [...recent.peek().values()].map((readings) => readings.at[readings.at.length - 1] ?? 0);
  const newest = Math.max(0, ...ends);
  const from = newest > 0 && Date.now() - recentRead < RECENT_S * 500 ? String(newest) : `${RECENT_S}s`;
  const more = parseHistory(await getText(`/api/v2/resources/history?format=csv&step=1&from=${from}`, abort));
  recentRead = Date.now();
  const joined = new Map<string, Readings>();
  for (const [device, readings] of more) joined.set(device, append(recent.peek().get(device) ?? emptyReadings(), readings, RECENT_S));
  for (const [device, readings] of recent.peek()) if (!joined.has(device)) joined.set(device, readings);
  recent.value = joined;
}

let machinePoll: Poll | null = null;

export function watchMachine(): void {
  machinePoll = poll(readMachine, () => (watching() ? 1000 : 5000));
  const recentPoll = poll(readRecent, () => (watching() ? 2000 : 5000));
  const activePoll = poll(readActive, () => 2000);
  // A page that shows devices must not wait for the slow turn.
  route.subscribe(() => {
    if (watching()) {
      machinePoll?.refresh();
      recentPoll.refresh();
      activePoll.refresh();
    }
  });
}

export function refreshMachine(): void {
  machinePoll?.refresh();
}

export async function readInfo(): Promise<void> {
  try {
    const [facts, health] = await Promise.all([get<Info>("/api/v1/info"), get<Health>("/api/v1/health")]);
    info.value = facts;
    parts.value = health.parts;
    setServerTime(Date.parse(health.timestamp));
  } catch {
    // Asked for again when the daemon is back.
  }
}
