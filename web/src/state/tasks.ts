// SPDX-License-Identifier: Apache-2.0
// The list of tasks. The daemon tells how many match and gives any piece of them, so the page holds only what is
// in sight, however long the queue is.
import { batch, computed, signal } from "@preact/signals";
import { get } from "../api/client.ts";
import { isFinal, type State, type Task, type TaskList } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { pagesOf, type Range } from "../lib/virtual.ts";
import { announce } from "./notices.ts";
import { poll, type Poll } from "./poll.ts";

export interface Filter {
  status: string;
  kind: string;
  text: string;
  array: string;
}

const PAGE = 100;

export const filter = signal<Filter>({ status: "", kind: "", text: "", array: "" });
export const total = signal(0);
/** Null before the first answer. */
export const pages = signal<Map<number, Task[]> | null>(null);
/** Of those that have ended null until somebody looks at the list. */
export type Counts = Record<"live" | "queued" | "running", number> & Record<"completed" | "failed" | "cancelled", number | null>;
export const counts = signal<Counts | null>(null);

let range: Range = { first: 0, end: PAGE };
let listPoll: Poll | null = null;
let loading = new Set<number>();

export function taskAt(index: number): Task | undefined {
  return pages.value?.get(Math.floor(index / PAGE))?.[index % PAGE];
}

function query(more: Record<string, string>): string {
  const { status, kind, array, text } = filter.peek();
  // `task_type` does not concern the list that is read; it keeps inferences and their results out of the older ones.
  const all = { status, kind, array, q: text.trim(), task_type: "training", ...more };
  return `/api/v2/tasks?${new URLSearchParams(Object.entries(all).filter(([, value]) => value !== ""))}`;
}

async function readPage(page: number, abort?: AbortSignal): Promise<void> {
  const asked = filter.peek();
  const list = await get<TaskList>(query({ limit: String(PAGE), offset: String(page * PAGE) }), abort);
  if (asked !== filter.peek()) return;
  batch(() => {
    total.value = list.total;
    const known = new Map(pages.peek() ?? []);
    known.set(page, list.tasks);
    for (const number of known.keys()) if (number * PAGE >= list.total && number > 0) known.delete(number);
    pages.value = known;
  });
}

const told = new Map<string, State>();

/** Says which tasks in sight have begun or ended since the last reading. */
function tellChanges(): void {
  const changed: Task[] = [];
  for (const tasks of pages.peek()?.values() ?? []) {
    for (const task of tasks) {
      const before = told.get(task.task_id);
      told.set(task.task_id, task.status);
      if (before && before !== task.status && (isFinal(task.status) || task.status === "running")) changed.push(task);
    }
  }
  if (changed.length === 1) {
    const task = changed[0]!;
    announce(t("announce.task", { name: task.name || task.task_id, state: t(`state.${task.status}`) }));
  } else if (changed.length > 1) {
    announce(t("announce.tasks", { count: changed.length }));
  }
  if (told.size > 10_000) told.clear();
}

async function readList(abort: AbortSignal): Promise<void> {
  await Promise.all(pagesOf(range, PAGE).map((page) => readPage(page, abort)));
  tellChanges();
}

/** While the list is shown. */
export function watchList(): () => void {
  range = { first: 0, end: PAGE };
  listPoll = poll(readList, () => 1000);
  countPoll?.refresh();
  return () => {
    listPoll?.stop();
    listPoll = null;
  };
}

export function refreshList(): void {
  listPoll?.refresh();
  countPoll?.refresh();
}

export function setFilter(change: Partial<Filter>): void {
  const next = { ...filter.peek(), ...change };
  if (JSON.stringify(next) === JSON.stringify(filter.peek())) return;
  batch(() => {
    filter.value = next;
    pages.value = null;
    total.value = 0;
    told.clear();
    loading = new Set();
    range = { first: 0, end: PAGE };
  });
  listPoll?.refresh();
}

/** The rows in sight have changed: pieces that are missing are fetched at once. */
export function showRange(next: Range): void {
  range = next;
  if (!pages.peek()) return;
  for (const page of pagesOf(next, PAGE)) {
    if (pages.peek()!.has(page) || loading.has(page) || page * PAGE >= total.peek()) continue;
    loading.add(page);
    readPage(page)
      .catch(() => undefined)
      .finally(() => loading.delete(page));
  }
}

const COUNTED = ["live", "queued", "running", "completed", "failed", "cancelled"] as const;
let countPoll: Poll | null = null;

/** How many tasks are in which state: for the header and the filters. */
export function watchCounts(slow: () => boolean): void {
  countPoll = poll(
    async (abort) => {
      const wanted = slow() ? (["live", "queued", "running"] as const) : COUNTED;
      const lists = await Promise.all(wanted.map((state) => get<TaskList>(`/api/v2/tasks?limit=0&status=${state}`, abort)));
      const next: Counts = counts.peek() ?? { live: 0, queued: 0, running: 0, completed: null, failed: null, cancelled: null };
      const copy = { ...next };
      wanted.forEach((state, index) => (copy[state] = lists[index]!.total));
      counts.value = copy;
    },
    () => 3000,
  );
}

/** Null while it is not known. */
export const allTasks = computed(() => {
  const known = counts.value;
  if (!known || known.completed === null || known.failed === null || known.cancelled === null) return null;
  return known.live + known.completed + known.failed + known.cancelled;
});
