// SPDX-License-Identifier: Apache-2.0
// What can be done to a task, with a question first where something is lost.
import type { JSX } from "preact";
import { ApiError, messageOf, post, remove, taskPath, Unreachable } from "../api/client.ts";
import { isFinal, type Action, type Task, type TaskArray } from "../api/types.ts";
import { formOf } from "../forms/request.ts";
import { language, t } from "../i18n/index.ts";
import { duration, secondsBetween, shortId } from "../lib/format.ts";
import { go, linkTo } from "../router.ts";
import { now } from "../state/clock.ts";
import { notify } from "../state/notices.ts";
import { refreshList } from "../state/tasks.ts";
import { confirmThat } from "./dialog.tsx";
import { Icon, type IconName } from "./icons.tsx";

export const nameOf = (task: Pick<Task | TaskArray, "name" | "task_id">): string => task.name || shortId(task.task_id);

export function complain(error: unknown): void {
  if (error instanceof Unreachable) notify(t("common.unreachable"), "error");
  else if (error instanceof ApiError) notify(error.message, "error");
  else notify(t("common.error", { message: messageOf(error) }), "error");
}

type Named = Pick<Task, "name" | "task_id">;

async function act(task: Named, verb: "cancel" | "hold" | "release" | "priority", done: string, body?: unknown): Promise<void> {
  try {
    await post<Action>(taskPath(task.task_id, `/${verb}`), body);
    notify(done);
  } catch (error) {
    complain(error);
  }
  refreshList();
}

export function askCancel(task: Task | TaskArray): void {
  if (isFinal(task.status)) return;
  const ran = duration(secondsBetween(task.started_at, now.peek()), language.peek());
  const text = task.task_type === "array" ? t("action.cancel.array")
    : task.status === "running" ? t("action.cancel.running", { time: ran }) : t("action.cancel.waiting");
  confirmThat(t("action.cancel.title", { name: nameOf(task) }), text, t("action.cancel.confirm"), t("action.cancel.keep"), () =>
    void act(task, "cancel", t("action.cancelled", { name: nameOf(task) })));
}

export function askRemove(task: Task | TaskArray): void {
  confirmThat(t("action.remove.title", { name: nameOf(task) }), t("action.remove.text"), t("action.remove.confirm"), t("common.cancel"), () => {
    void (async () => {
      try {
        await remove<Action>(taskPath(task.task_id));
        notify(t("action.removed", { name: nameOf(task) }));
        if (location.hash.includes(encodeURIComponent(task.task_id))) go(linkTo("tasks"));
      } catch (error) {
        complain(error);
      }
      refreshList();
    })();
  });
}

const hold = (task: Task) => void act(task, "hold", t("action.held", { name: nameOf(task) }));
const release = (task: Task) => void act(task, "release", t("action.released", { name: nameOf(task) }));
export const runAgain = (task: Task): void => go(linkTo("start", formOf(task), { from: task.task_id }));

const PRIORITIES = Array.from({ length: 10 }, (_, step) => step + 1);

// To be chosen anew while it waits.
export function Priority({ task, waits }: { task: Named & { priority: number }; waits: boolean }): JSX.Element {
  if (!waits) return <span>{t("task.priority")} <b class="num">{task.priority}</b></span>;
  const choose = (priority: number) =>
    void act(task, "priority", t("action.priority", { name: nameOf(task), priority }), { priority });
  return (
    <label title={t("tasks.col.priority.long")}>
      {t("task.priority")}{" "}
      <select class="small num" value={task.priority} onChange={(event) => choose(Number(event.currentTarget.value))}>
        {PRIORITIES.map((priority) => <option key={priority} value={priority}>{priority}</option>)}
      </select>
    </label>
  );
}

interface Choice {
  icon: IconName;
  label: string;
  run: () => void;
}

export function choices(task: Task): Choice[] {
  const all: Choice[] = [];
  if (!isFinal(task.status)) {
    if (task.status !== "running") {
      all.push(task.held
        ? { icon: "play", label: t("action.release"), run: () => release(task) }
        : { icon: "pause", label: t("action.hold"), run: () => hold(task) });
    }
    if (!task.cancelling) all.push({ icon: "stop", label: t("action.cancel"), run: () => askCancel(task) });
  } else {
    all.push({ icon: "again", label: t("action.again"), run: () => runAgain(task) });
    all.push({ icon: "trash", label: t("action.remove"), run: () => askRemove(task) });
  }
  return all;
}

export function ActionButtons({ task, compact = false }: { task: Task; compact?: boolean }): JSX.Element {
  return (
    <span class="actions">
      {choices(task).map((choice) =>
        compact ? (
          <button key={choice.icon} type="button" class="button quiet icon-only" title={choice.label} aria-label={`${choice.label} ${nameOf(task)}`} onClick={choice.run}>
            <Icon name={choice.icon} size={14} />
          </button>
        ) : (
          <button key={choice.icon} type="button" class={`button ${choice.icon === "stop" || choice.icon === "trash" ? "danger-quiet" : ""}`} onClick={choice.run}>
            <Icon name={choice.icon} size={14} />
            {choice.label}
          </button>
        ))}
    </span>
  );
}
