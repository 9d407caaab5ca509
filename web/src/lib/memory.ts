// SPDX-License-Identifier: Apache-2.0
// Where a device's memory is. The parts add up to the whole.
import type { GpuDevice } from "../api/types.ts";

export interface MemoryParts {
  total: number;
  /** Taken by tasks of ours. */
  tasks: number;
  /** Taken by others; by anybody when the driver does not tell whose it is. */
  others: number;
  /** Reserved by tasks of ours and not yet taken. */
  promised: number;
  /** Kept by the driver. */
  driver: number;
  free: number;
  /** The driver lists who holds how much. */
  attributed: boolean;
}

type Reading = Pick<
  GpuDevice,
  "total_memory_gb" | "allocated_memory_gb" | "cached_memory_gb" | "effective_free_memory_gb" | "free_memory_gb" | "reserved_memory_gb" | "processes"
>;

/** Null when the driver gives no reading. */
export function memoryParts(gpu: Reading): MemoryParts | null {
  const total = gpu.total_memory_gb;
  const used = gpu.allocated_memory_gb;
  if (total == null || total <= 0 || used == null) return null;
  const processes = gpu.processes ?? [];
  const attributed = gpu.processes != null && processes.every((process) => process.used_memory_gb != null);
  const ours = processes.reduce((sum, process) => sum + (process.task_id ? (process.used_memory_gb ?? 0) : 0), 0);
  const tasks = Math.min(ours, used);
  const promised = Math.max(0, (gpu.cached_memory_gb ?? used) - used);
  const driver = gpu.reserved_memory_gb ?? 0;
  const rest = Math.max(0, total - used - promised - driver);
  return { total, tasks, others: used - tasks, promised, driver, free: gpu.effective_free_memory_gb ?? rest, attributed };
}
