// SPDX-License-Identifier: Apache-2.0
// The daemon's time, once a second, for what counts seconds on its own. The browser may run on a machine whose
// clock goes differently.
import { signal } from "@preact/signals";

let ahead = 0;
export const now = signal(Date.now());

export function setServerTime(at: number): void {
  ahead = Number.isNaN(at) ? 0 : at - Date.now();
  now.value = Date.now() + ahead;
}

setInterval(() => {
  if (!document.hidden) now.value = Date.now() + ahead;
}, 1000);
