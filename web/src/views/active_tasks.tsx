// SPDX-License-Identifier: Apache-2.0
// What runs and what waits, beside the devices.
import type { JSX } from "preact";
import { language, t } from "../i18n/index.ts";
import { activeRows } from "../lib/active.ts";
import { count, percent, shortId } from "../lib/format.ts";
import { linkTo } from "../router.ts";
import { active, activeTotal, moreWaiting } from "../state/machine.ts";
import { nameOf } from "../ui/actions.tsx";
import { CommandLine, Elapsed, Progress, shownState, StateBadge } from "../ui/parts.tsx";
import { briefly } from "./task_list.tsx";

const ROWS = 10;

export function ActiveTasks(): JSX.Element {
  const rows = active.value && activeRows(active.value, ROWS);
  return (
    <section class="card active" aria-labelledby="active">
      <div class="card-head">
        <h2 id="active">{t("devices.active")}</h2>
        {activeTotal.value > ROWS && <a href={linkTo("tasks", "", { status: "live" })}>{t("devices.active.all", { count: count(activeTotal.value, language.value) })}</a>}
      </div>
      {rows?.length === 0 && (
        <div class="stack">
          <p class="muted">{t("devices.active.none")}</p>
          <p><CommandLine text="berth run --device auto --memory 8G -- python3 train.py" /></p>
        </div>
      )}
      {rows && rows.length > 0 && (
        <table class="active-table">
          <colgroup><col class="w-state" /><col /><col class="w-device" /><col class="w-progress" /><col class="w-time" /></colgroup>
          <thead>
            <tr>
              {(["state", "task", "device", "progress", "time"] as const).map((name) => <th key={name} scope="col" class={name === "time" ? "right" : name === "device" || name === "progress" ? "wide-only" : ""}>{t(`tasks.col.${name}`)}</th>)}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ task, others }) => (
              <tr key={task.task_id}>
                <td><StateBadge state={shownState(task)} /></td>
                <th scope="row" class="clip">
                  <span class="active-name">
                    <a href={linkTo("tasks", task.task_id)}>{nameOf(task)}</a>
                    {task.array && <a class="c-index" href={linkTo("arrays", task.array.id)} title={t("tasks.array.of", { id: shortId(task.array.id), index: task.array.index, size: task.array.size })}>[{task.array.index}]</a>}
                    {others > 0 && <span class="muted">{t("devices.active.like", { count: count(others, language.value) + (moreWaiting.value > 0 ? "+" : "") })}</span>}
                  </span>
                </th>
                <td class="mono wide-only clip">{task.device}</td>
                <td class="clip muted wide-only">
                  {task.status === "running" && task.progress > 0
                    ? <span class="active-progress"><Progress value={task.progress} label={`${t("tasks.col.progress")} ${nameOf(task)}`} /><span class="num">{percent(task.progress)}</span></span>
                    : briefly(task)}
                </td>
                <td class="num right"><Elapsed from={task.started_at ?? task.created_at} to={null} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
