// SPDX-License-Identifier: Apache-2.0
// Small pieces that every view uses.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { HeldMemory, State, Task } from "../api/types.ts";
import { language, t, word } from "../i18n/index.ts";
import { duration, gigabytes, secondsBetween } from "../lib/format.ts";
import { now } from "../state/clock.ts";
import { announce } from "../state/notices.ts";
import { Icon, type IconName } from "./icons.tsx";

const STATE_ICON: Record<string, IconName> = {
  pending: "clock", queued: "clock", running: "play", completed: "check", failed: "cross", cancelled: "stop", held: "pause", cancelling: "stop",
};

/** Of a task that holds more than is kept for it. */
export const overReserved = (held: HeldMemory): string =>
  t("task.over", { used: gigabytes(held.used_gb), reserved: gigabytes(held.reserved_gb) });

/** What a task is said to be: also "on hold" and "cancelling", which the API tells beside the state. */
export function shownState(task: Pick<Task, "status" | "held" | "cancelling">): string {
  if (task.cancelling && task.status === "running") return "cancelling";
  if (task.held && (task.status === "queued" || task.status === "pending")) return "held";
  return task.status;
}

export function StateBadge({ state }: { state: State | string }): JSX.Element {
  return (
    <span class={`badge state-${state}`}>
      <Icon name={STATE_ICON[state] ?? "clock"} size={12} />
      {word("state", state)}
    </span>
  );
}

export function Progress({ value, label, state }: { value: number; label: string; state?: string }): JSX.Element {
  return (
    <span class={`progress ${state ? `state-${state}` : ""}`} role="progressbar" aria-valuemin={0} aria-valuemax={100} aria-valuenow={value} aria-label={label}>
      <span class="progress-fill" style={{ transform: `scaleX(${Math.max(0, Math.min(100, value)) / 100})` }} />
    </span>
  );
}

/** Counts on by itself while it has no end. */
export function Elapsed({ from, to }: { from: string | null; to: string | null }): JSX.Element {
  return <>{duration(secondsBetween(from, to ?? now.value), language.value, to !== null)}</>;
}

/** `page`: nothing else is on the page, so this is its heading. */
export function Empty({ title, children, icon, page = false }: { title: string; children?: ComponentChildren; icon?: IconName; page?: boolean }): JSX.Element {
  return (
    <div class="empty">
      {icon && <Icon name={icon} size={28} />}
      {page ? <h1 class="empty-title">{title}</h1> : <p class="empty-title">{title}</p>}
      {children}
    </div>
  );
}

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard: a selection that is copied the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function CopyButton({ text, label }: { text: string; label: string }): JSX.Element {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    announce(t("common.copied"));
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="button quiet small" onClick={() => void copy()} aria-label={label} title={label}>
      <Icon name={done ? "check" : "copy"} size={14} />
    </button>
  );
}

/** A command to type in a terminal. */
export function CommandLine({ text }: { text: string }): JSX.Element {
  return (
    <span class="commandline">
      <code>{text}</code>
      <CopyButton text={text} label={t("common.copy")} />
    </span>
  );
}

/** Pairs of a name and a value; those without a value are left out. */
export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value != null && value !== "" && value !== "–" && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
