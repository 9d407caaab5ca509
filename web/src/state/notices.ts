// SPDX-License-Identifier: Apache-2.0
// Short notices at the edge of the page, and what is only said to screen readers.
import { signal } from "@preact/signals";

export interface Notice {
  id: number;
  kind: "info" | "error";
  text: string;
}

export const notices = signal<Notice[]>([]);
export const announcement = signal("");
let next = 1;

export function notify(text: string, kind: Notice["kind"] = "info"): void {
  const id = next;
  next += 1;
  notices.value = [...notices.peek().slice(-3), { id, kind, text }];
  setTimeout(() => dismiss(id), kind === "error" ? 12_000 : 5_000);
}

export function dismiss(id: number): void {
  notices.value = notices.peek().filter((notice) => notice.id !== id);
}

export function announce(text: string): void {
  announcement.value = text;
}
