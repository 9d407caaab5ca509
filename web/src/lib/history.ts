// SPDX-License-Identifier: Apache-2.0
// Readings over time out of the CSV form of /api/v2/resources/history, which is a third of the JSON form.

export interface Readings {
  /** Seconds since 1970. */
  at: number[];
  columns: Record<string, (number | null)[]>;
}

export const COLUMNS = ["used_memory_gb", "utilization", "memory_bandwidth_utilization", "temperature_c", "power_w"] as const;
export type Column = (typeof COLUMNS)[number];

export function emptyReadings(): Readings {
  return { at: [], columns: Object.fromEntries(COLUMNS.map((name) => [name, []])) };
}

/** By device. Columns are found by the names in the first line. */
export function parseHistory(csv: string): Map<string, Readings> {
  const found = new Map<string, Readings>();
  const lines = csv.split("\n");
  const names = (lines[0] ?? "").trim().split(",");
  const places = COLUMNS.map((name) => names.indexOf(name));
  const device = names.indexOf("device");
  const at = names.indexOf("at");
  for (let i = 1; i < lines.length; i += 1) {
    const cells = lines[i]!.trim().split(",");
    if (cells.length < names.length) continue;
    const name = cells[device]!;
    let readings = found.get(name);
    if (!readings) found.set(name, (readings = emptyReadings()));
    readings.at.push(Date.parse(cells[at]!) / 1000);
    COLUMNS.forEach((column, index) => {
      const cell = cells[places[index]!];
      readings.columns[column]!.push(cell ? Number(cell) : null);
    });
  }
  return found;
}

/** Adds what is newer than the last reading, drops what is older than `span` seconds. */
export function append(to: Readings, more: Readings, span: number): Readings {
  const last = to.at.length > 0 ? to.at[to.at.length - 1]! : -Infinity;
  const from = more.at.findIndex((at) => at > last);
  const joined: Readings = from < 0 ? to : {
    at: to.at.concat(more.at.slice(from)),
    columns: Object.fromEntries(COLUMNS.map((name) => [name, to.columns[name]!.concat(more.columns[name]!.slice(from))])),
  };
  const newest = joined.at[joined.at.length - 1] ?? 0;
  const keep = joined.at.findIndex((at) => at >= newest - span);
  if (keep <= 0) return joined;
  return {
    at: joined.at.slice(keep),
    columns: Object.fromEntries(COLUMNS.map((name) => [name, joined.columns[name]!.slice(keep)])),
  };
}

/** Lines in a chart must break where nothing was read: a point without values in each gap. */
export function withGaps(readings: Readings, step: number): Readings {
  const gapped = emptyReadings();
  readings.at.forEach((at, index) => {
    const before = readings.at[index - 1];
    if (before !== undefined && at - before > step * 3) {
      gapped.at.push(before + step);
      for (const name of COLUMNS) gapped.columns[name]!.push(null);
    }
    gapped.at.push(at);
    for (const name of COLUMNS) gapped.columns[name]!.push(readings.columns[name]![index] ?? null);
  });
  return gapped;
}
