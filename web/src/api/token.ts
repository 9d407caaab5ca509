// SPDX-License-Identifier: Apache-2.0
// The token lives as long as the tab: what is stored for longer could be read by whoever uses the browser next.
import { signal } from "@preact/signals";

const KEY = "berth.token";

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

export const token = signal(stored());

export function setToken(value: string): void {
  token.value = value.trim();
  try {
    if (token.value) sessionStorage.setItem(KEY, token.value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // It is then kept by the page alone.
  }
}
