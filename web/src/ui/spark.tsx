// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import type { Readings } from "../lib/history.ts";

const WIDTH = 300;
const HEIGHT = 36;

/** The path of a share from 0 to `top` over the last `span` seconds; broken where nothing was read. */
export function sparkPath(at: readonly number[], values: readonly (number | null)[], span: number, top: number): string {
  const end = at[at.length - 1] ?? 0;
  let path = "";
  let before = -Infinity;
  at.forEach((second, index) => {
    const value = values[index];
    if (value == null || second < end - span) return;
    const x = WIDTH - ((end - second) / span) * WIDTH;
    const y = HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 2);
    path += `${second - before > 5 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    before = second;
  });
  return path;
}

/** The last minutes of utilisation (line) and memory (quiet line behind it). */
export function Spark({ readings, span, memory, label }: { readings: Readings | undefined; span: number; memory: number | null; label: string }): JSX.Element {
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="spark-base" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      {readings && memory != null && <path class="spark-memory" d={sparkPath(readings.at, readings.columns["used_memory_gb"]!, span, memory)} />}
      {readings && <path class="spark-use" d={sparkPath(readings.at, readings.columns["utilization"]!, span, 100)} />}
    </svg>
  );
}
