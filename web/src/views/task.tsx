// SPDX-License-Identifier: Apache-2.0
// One task: its state above, and one of its sides below. The record follows the stream of its changes.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { follow } from "../api/stream.ts";
import { get, taskPath } from "../api/client.ts";
import { isFinal, type Task, type TaskArray } from "../api/types.ts";
import { language, t, word, type Key } from "../i18n/index.ts";
import { duration, energy, gigabytes, percent, secondsBetween, shortId } from "../lib/format.ts";
import { linkTo, replace, route } from "../router.ts";
import { resources } from "../state/machine.ts";
import { announce } from "../state/notices.ts";
import { ActionButtons, askCancel, nameOf, Priority } from "../ui/actions.tsx";
import { Icon } from "../ui/icons.tsx";
import { CopyButton, Elapsed, Empty, overReserved, Progress, shownState, StateBadge } from "../ui/parts.tsx";
import { CurvesTab } from "./task_curves.tsx";
import { ExplainTab } from "./task_explain.tsx";
import { LogTab } from "./task_log.tsx";
import { RecordTab } from "./task_record.tsx";
import { ReportTab } from "./task_report.tsx";
import { ResultTab } from "./task_result.tsx";

type Tab = "log" | "curves" | "report" | "result" | "why" | "record";

function tabsOf(task: Task): Tab[] {
  const tabs: Tab[] = ["log"];
  if (task.task_type === "training") tabs.push("curves", "report");
  else if (task.task_type === "command" && task.latest_metrics) tabs.push("curves");
  if (task.task_type !== "training" && (task.task_type !== "command" || task.result)) tabs.push("result");
  tabs.push("why", "record");
  return tabs;
}

/** What one wants to see first. */
function firstTab(task: Task): Tab {
  if (task.status === "queued" || task.status === "pending") return "why";
  if (task.task_type === "training" && task.latest_metrics) return "curves";
  if (task.status === "completed" && tabsOf(task).includes("result")) return "result";
  return "log";
}

function useTask(id: string): { task: Task | null; gone: boolean } {
  const [task, setTask] = useState<Task | null>(null);
  const [gone, setGone] = useState(false);
  useEffect(() => {
    let state = "";
    // The words of the record are in the language that was asked for: another language, another stream.
    return follow(taskPath(id, "/events"), {
      on: (events) => {
        const newest = JSON.parse(events[events.length - 1]!.data) as Task;
        if (state && state !== newest.status) announce(t("announce.task", { name: nameOf(newest), state: word("state", newest.status) }));
        state = newest.status;
        setTask(newest);
        return isFinal(newest.status);
      },
      onEnd: (error) => {
        if (error?.status === 404) setGone(true);
      },
    }, false);
  }, [id, language.value]);
  return { task, gone };
}

function Times({ task }: { task: Task }): JSX.Element {
  const waited = duration(secondsBetween(task.created_at, task.started_at), language.value);
  if (!task.started_at && !isFinal(task.status)) return <span>{t("task.wait")} <b class="num"><Elapsed from={task.created_at} to={null} /></b></span>;
  if (!task.started_at) return <span />;
  return (
    <>
      <span>{t(task.finished_at ? "task.run" : "state.running")} <b class="num"><Elapsed from={task.started_at} to={task.finished_at} /></b></span>
      <span>{t("task.wait")} <b class="num">{waited}</b></span>
    </>
  );
}

/** What it has used of its GPUs; nothing of a task that had none. */
function Used({ task }: { task: Task }): JSX.Element | null {
  const { usage } = task;
  if (!usage) return null;
  return (
    <>
      {usage.peak_memory_gb != null && <span>{t("task.usage.memory")} <b class="num">{gigabytes(usage.peak_memory_gb)}</b></span>}
      {usage.utilization != null && <span>{t("task.usage.load")} <b class="num">{percent(usage.utilization)}</b></span>}
      {usage.energy_j != null && <span>{t("task.usage.energy")} <b class="num">{energy(usage.energy_j)}</b></span>}
    </>
  );
}

/** The record comes after each change of the task only, the devices' memory every second. */
function Over({ id }: { id: string }): JSX.Element | null {
  const over = Object.entries(resources.value?.active_tasks ?? {})
    .flatMap(([device, tasks]) => tasks.filter((task) => task.id === id && task.over_reserved).map((task) => `${device} ${overReserved(task)}`));
  return over.length > 0 ? <p class="warning-text">{over.join(", ")}</p> : null;
}

function Head({ task }: { task: Task }): JSX.Element {
  const state = shownState(task);
  const where = task.placement?.devices ?? [];
  return (
    <div class="card task-head-card">
      <div class="task-line">
        <StateBadge state={state} />
        {task.status === "running" && task.progress > 0 && <span class="task-progress"><Progress value={task.progress} label={t("tasks.col.progress")} /><b class="num">{percent(task.progress)}</b></span>}
        {task.current_epoch != null && <span>{t("task.epoch", { epoch: task.current_epoch, total: task.total_epochs ?? "–" })}</span>}
        {task.items_total != null && <span>{t("task.items", { done: task.items_done ?? 0, total: task.items_total })}</span>}
        <span class="task-facts">
          <span>{task.task_type === "command" ? word("kind", task.kind) : word("type", task.task_type)}</span>
          <span>
            {where.length > 0 && task.started_at
              ? where.map((device) => <a key={device.uuid} class="chip" href={linkTo("devices", device.device)}>{device.device}</a>)
              : t("task.asked", { device: task.device_requested })}
          </span>
          <Priority task={task} waits={!isFinal(task.status) && task.status !== "running"} />
          {task.user && <span>{task.user}</span>}
          <Used task={task} />
          <Times task={task} />
        </span>
      </div>
      {/* While it runs and when it is well its state says it all. */}
      {(task.status !== "running" || task.cancelling) && task.status !== "completed" && (task.error?.message ?? task.message) && (
        <p class={`task-message ${task.status === "failed" ? "error-text" : ""}`}>
          {task.status === "failed" && task.error ? task.error.message : task.waiting_for ? `${task.message} (${word("reason", task.waiting_for)})` : task.message}
        </p>
      )}
      {task.error?.suggested_memory_gb && <p>{t("task.suggested", { memory: `${task.error.suggested_memory_gb.toFixed(1)} GB` })}</p>}
      {task.status === "running" && <Over id={task.task_id} />}
      {task.last_error && !isFinal(task.status) && <p class="warning-text">{t("task.lasterror", { message: task.last_error.message })}</p>}
    </div>
  );
}

export function TaskView({ id }: { id: string }): JSX.Element {
  const { task, gone } = useTask(id);
  const [chosen, setChosen] = useState<Tab | null>(route.peek().query.get("tab") as Tab | null);
  const [array, setArray] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "x" && task && !(event.target as HTMLElement).closest("input, textarea, select, dialog")) askCancel(task);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [task]);
  useEffect(() => {
    if (!gone) return;
    // The id of an array is not that of a task; its page is another.
    get<Task | TaskArray>(taskPath(id)).then((found) => setArray(found.task_type === "array")).catch(() => undefined);
  }, [gone]);
  useEffect(() => {
    if (array) replace(linkTo("arrays", id));
  }, [array]);
  if (gone && !array) return <section class="page"><Empty page title={t("task.notthere", { id: shortId(id) })} icon="tasks"><a class="button" href="#/tasks">{t("nav.tasks")}</a></Empty></section>;
  if (!task) return <section class="page" aria-busy="true"><p class="muted">{t("app.loading")}</p></section>;
  const tabs = tabsOf(task);
  const tab = chosen && tabs.includes(chosen) ? chosen : firstTab(task);
  const choose = (next: Tab) => {
    setChosen(next);
    replace(linkTo("tasks", id, { tab: next }));
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]!;
    choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <section class={`page ${tab === "log" ? "fill" : ""}`} aria-labelledby="title">
      <div class="page-head">
        <a class="button quiet icon-only" href="#/tasks" aria-label={t("nav.tasks")}><Icon name="back" /></a>
        <h1 id="title" class="breaks">{nameOf(task)}</h1>
        {task.array && <a class="chip" href={linkTo("arrays", task.array.id)}>{t("task.array")} {shortId(task.array.id)} [{task.array.index}]</a>}
        {task.name && <span class="muted mono task-id">{shortId(id)}</span>}
        <CopyButton text={location.href} label={t("task.link")} />
        <span class="push"><ActionButtons task={task} /></span>
      </div>
      <Head task={task} />
      <div class="tabs" role="tablist" aria-label={t("task.tabs")} onKeyDown={onKey}>
        {tabs.map((name) => (
          <button key={name} type="button" role="tab" id={`tab-${name}`} aria-controls="tabpanel" aria-selected={name === tab} tabIndex={name === tab ? 0 : -1} onClick={() => choose(name)}>
            {t(`task.tab.${name}` as Key)}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tabpanel" aria-labelledby={`tab-${tab}`} class="tabpanel">
        {tab === "log" && <LogTab key={language.value} id={id} />}
        {tab === "curves" && <CurvesTab task={task} />}
        {tab === "report" && <ReportTab task={task} />}
        {tab === "result" && <ResultTab task={task} />}
        {tab === "why" && <ExplainTab task={task} />}
        {tab === "record" && <RecordTab task={task} />}
      </div>
    </section>
  );
}
