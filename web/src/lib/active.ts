// SPDX-License-Identifier: Apache-2.0
// What runs and what waits, in few rows: tasks of one array that wait share a row.
import type { Task } from "../api/types.ts";

export interface ActiveRow {
  task: Task;
  /** Tasks of its array that wait as it does, beside it. */
  others: number;
}

/** What runs first, then who waits: the most urgent first, of equal ones the oldest. */
export function activeRows(tasks: readonly Task[], most: number): ActiveRow[] {
  const waits = (task: Task) => Number(task.status !== "running");
  const sorted = [...tasks].sort((a, b) => waits(a) - waits(b) || (waits(a) && a.priority - b.priority) || a.created_at.localeCompare(b.created_at) || (a.array?.index ?? 0) - (b.array?.index ?? 0));
  const rows: ActiveRow[] = [];
  const arrays = new Map<string, ActiveRow>();
  for (const task of sorted) {
    const shared = task.status !== "running" && task.array ? arrays.get(task.array.id) : undefined;
    if (shared) {
      shared.others += 1;
      continue;
    }
    const row = { task, others: 0 };
    rows.push(row);
    if (task.status !== "running" && task.array) arrays.set(task.array.id, row);
  }
  return rows.slice(0, most);
}
