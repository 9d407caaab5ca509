// SPDX-License-Identifier: Apache-2.0
// What runs and what waits, in few rows: tasks of one array that wait share a row.
import type { Task } from "../api/types.ts";

export interface ActiveRow {
  task: Task;
  /** Tasks of its array that wait as it does, beside it. */
  others: number;
}

/** What runs first, the oldest before the others, then who waits, in the order given. */
export function activeRows(tasks: readonly Task[], most: number): ActiveRow[] {
  const runs = (task: Task) => task.status === "running";
  const running = tasks.filter(runs).sort((a, b) => a.created_at.localeCompare(b.created_at) || (a.array?.index ?? 0) - (b.array?.index ?? 0));
  const sorted = [...running, ...tasks.filter((task) => !runs(task))];
  const rows: ActiveRow[] = [];
  const arrays = new Map<string, ActiveRow>();
  for (const task of sorted) {
    const shared = !runs(task) && task.array ? arrays.get(task.array.id) : undefined;
    if (shared) {
      shared.others += 1;
      continue;
    }
    const row = { task, others: 0 };
    rows.push(row);
    if (!runs(task) && task.array) arrays.set(task.array.id, row);
  }
  return rows.slice(0, most);
}
