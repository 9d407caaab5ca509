// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them. What a driver does not tell is "–", never 0.

export const ABSENT = "–";

/** Memory of the API's *_gb fields (GiB). One digit behind the point, MB below a tenth. */
export function gigabytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return ABSENT;
  if (value === 0) return "0 GB";
  if (Math.abs(value) < 0.1) return `${Math.round(value * 1024)} MB`;
  return `${value.toFixed(1)} GB`;
}

/** "12.4 / 24 GB" without repeating the unit. */
export function gigabytesOf(part: number | null | undefined, whole: number | null | undefined): string {
  if (whole == null) return gigabytes(part);
  const short = Number.isInteger(whole) ? String(whole) : whole.toFixed(1);
  return `${part == null ? ABSENT : part.toFixed(1)} / ${short} GB`;
}

export function percent(value: number | null | undefined, digits = 0): string {
  return value == null || !Number.isFinite(value) ? ABSENT : `${value.toFixed(digits)} %`;
}

export function withUnit(value: number | null | undefined, unit: string, digits = 0): string {
  return value == null || !Number.isFinite(value) ? ABSENT : `${value.toFixed(digits)} ${unit}`;
}

/** Joules as people know energy: "850 J", "12.3 kJ", "1.25 kWh". */
export function energy(joules: number | null | undefined): string {
  if (joules == null || !Number.isFinite(joules)) return ABSENT;
  if (joules < 1000) return `${Math.round(joules)} J`;
  if (joules < 360_000) return `${(joules / 1000).toFixed(1)} kJ`;
  return `${(joules / 3_600_000).toFixed(2)} kWh`;
}

/** For counts: 12,345. */
export function count(value: number | null | undefined, language: string): string {
  return value == null ? ABSENT : value.toLocaleString(language);
}

/** A metric: as many digits as it takes to tell two epochs apart, never more than people read. */
export function metric(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return ABSENT;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  if (size >= 100) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return value.toFixed(4);
}

const UNITS = { en: { s: "s", m: "m", h: "h", d: "d", gap: " " }, zh: { s: "秒", m: "分", h: "小时", d: "天", gap: "" } } as const;

/**
 * "8s", "3m 12s", "2h 05m", "4d 03h" ("3分12秒"): two places at most, so that a column keeps its width.
 * `exact`: tenths below ten.
 */
export function duration(seconds: number | null | undefined, language: keyof typeof UNITS, exact = false): string {
  if (seconds == null || !Number.isFinite(seconds)) return ABSENT;
  const { s, m, h, d, gap } = UNITS[language];
  if (exact && seconds < 10) return `${Math.max(0, seconds).toFixed(1)}${s}`;
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}${s}`;
  if (whole < 3600) return `${Math.floor(whole / 60)}${m}${gap}${pad(whole % 60)}${s}`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}${h}${gap}${pad(Math.floor((whole % 3600) / 60))}${m}`;
  return `${Math.floor(whole / 86400)}${d}${gap}${pad(Math.floor((whole % 86400) / 3600))}${h}`;
}

export function secondsBetween(from: string | null | undefined, to: string | number | null | undefined): number | null {
  if (!from || to == null) return null;
  const end = typeof to === "number" ? to : Date.parse(to);
  const begin = Date.parse(from);
  return Number.isNaN(end) || Number.isNaN(begin) ? null : (end - begin) / 1000;
}

/** The day is told only when it is not today's. */
export function clock(iso: string | null | undefined, language: string, now = Date.now()): string {
  if (!iso) return ABSENT;
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const today = new Date(now).toDateString() === date.toDateString();
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  if (!today) Object.assign(options, { month: "short", day: "numeric" });
  return date.toLocaleString(language, options);
}

/** Of a log line: 17:35:40.663. */
export function logClock(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const pad = (value: number, places = 2) => String(value).padStart(places, "0");
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/** Ids made by the daemon are UUIDs: their first eight digits tell them apart, with the index in an array. */
export function shortId(id: string): string {
  const uuid = /^([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(_\d+)?$/.exec(id);
  return uuid ? `${uuid[1]}${uuid[2] ?? ""}` : id;
}

/** Terminal colours and cursor movements are no text; of a line that was drawn over, what was drawn last stays. */
export function plainLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  const bare = text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "").replace(/\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)?/g, "");
  const end = bare.endsWith("\r") ? bare.slice(0, -1) : bare;
  const over = end.lastIndexOf("\r");
  return over < 0 ? end : end.slice(over + 1);
}
