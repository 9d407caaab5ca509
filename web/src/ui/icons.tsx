// SPDX-License-Identifier: Apache-2.0
// Drawn on a grid of 16; the colour is that of the text.
import type { JSX } from "preact";

const PATHS = {
  devices: "M4 4h8v8H4zM6.5 6.5h3v3h-3zM6 1.5V4m4-2.5V4m-4 8v2.5m4-2.5v2.5M1.5 6H4m-2.5 4H4m8-4h2.5M12 10h2.5",
  tasks: "M2 4h1.5M2 8h1.5M2 12h1.5M6 4h8M6 8h8M6 12h8",
  start: "M8 3v10M3 8h10",
  leases: "M8 8.2V5M8 8.2l2.3 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z",
  key: "M10.5 9a3.5 3.5 0 1 0-3.3-2.3L2 12v2h2.5v-1.5H6V11h1.5l1-2.2M11 5.1v.1",
  help: "M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.5M8 11.6v.1M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  close: "M4 4l8 8M12 4l-8 8",
  back: "M9.5 3.5L5 8l4.5 4.5",
  next: "M6.5 3.5L11 8l-4.5 4.5",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6L14 14",
  check: "M3 8.5l3.3 3.3L13 5",
  cross: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  stop: "M5 5h6v6H5z",
  clock: "M8 4.5V8l2.2 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  pause: "M6 4v8M10 4v8",
  play: "M5.5 3.5l6.5 4.5-6.5 4.5z",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.9 7v3.5M9.1 7v3.5",
  again: "M3 8a5 5 0 0 1 8.7-3.4L13 6M13 3v3h-3M13 8a5 5 0 0 1-8.7 3.4L3 10M3 13v-3h3",
  download: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  warning: "M8 2.5l6 10.5H2zM8 6.5v3M8 11.3v.1",
  wave: "M2 8h2l1.5-4 3 8L10 8h4",
  down: "M8 3v9M4.5 8.5L8 12l3.5-3.5",
  wrap: "M2 4h12M2 8h9.5a2 2 0 0 1 0 4H8M9.5 10.5L8 12l1.5 1.5M2 12h3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A berth between two piers, taken. */
export function Mark(): JSX.Element {
  return (
    <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true" focusable="false" class="mark">
      <path class="mark-pier" d="M3 3v16h16V3" />
      <rect class="mark-job" x="7" y="5.5" width="8" height="9.5" rx="1.5" />
    </svg>
  );
}
