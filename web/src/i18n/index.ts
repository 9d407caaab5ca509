// SPDX-License-Identifier: Apache-2.0
// Every text of the page in the language in force. Components that call t() follow a change of it.
import { effect, signal } from "@preact/signals";
import { remember, remembered } from "../state/preferences.ts";
import { en } from "./en.ts";
import { enForms } from "./en_forms.ts";
import { enTasks } from "./en_tasks.ts";
import { zh } from "./zh.ts";
import { zhForms } from "./zh_forms.ts";
import { zhTasks } from "./zh_tasks.ts";

export type Language = "en" | "zh";
export const catalogues = { en: { ...en, ...enTasks, ...enForms }, zh: { ...zh, ...zhTasks, ...zhForms } } as const;
export type Key = keyof typeof catalogues.en;

const KEY = "berth.language";

function first(): Language {
  const chosen = remembered(KEY);
  if (chosen === "en" || chosen === "zh") return chosen;
  const asked = navigator.languages?.length ? navigator.languages : [navigator.language];
  for (const name of asked) {
    if (/^zh\b/i.test(name)) return "zh";
    if (/^en\b/i.test(name)) return "en";
  }
  return "en";
}

export const language = signal<Language>(first());

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
});

export function setLanguage(next: Language): void {
  language.value = next;
  remember(KEY, next);
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text: string = catalogues[language.value][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** For keys made of words of the API: the word itself where a newer daemon has one that this page does not know. */
export function word(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return key in catalogues.en ? t(key as Key) : name;
}
