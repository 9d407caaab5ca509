// SPDX-License-Identifier: Apache-2.0
// What this browser remembers: theme and (in i18n) language.
import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];
const KEY = "berth.theme";

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It is then kept by the page alone.
  }
}

export const theme = signal<Theme>(THEMES.find((name) => name === remembered(KEY)) ?? "auto");
const systemDark = matchMedia("(prefers-color-scheme: dark)");
/** What is in force. */
export const dark = signal(false);

function apply(): void {
  dark.value = theme.peek() === "dark" || (theme.peek() === "auto" && systemDark.matches);
  document.documentElement.dataset["theme"] = dark.peek() ? "dark" : "light";
}
systemDark.addEventListener("change", apply);
effect(() => {
  void theme.value;
  apply();
});

export function nextTheme(): void {
  theme.value = dark.peek() ? "light" : "dark";
  remember(KEY, theme.value);
}
