// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import type { Task } from "../api/types.ts";
import { language, t, word } from "../i18n/index.ts";
import { joinWords } from "../lib/argv.ts";
import { clock, gigabytes, percent, shortId } from "../lib/format.ts";
import { linkTo } from "../router.ts";
import { CopyButton, Facts } from "../ui/parts.tsx";

function Ids({ ids }: { ids: readonly string[] }): JSX.Element | null {
  if (ids.length === 0) return null;
  return <span class="tags">{ids.map((id) => <a key={id} class="chip" href={linkTo("tasks", id)}>{shortId(id)}</a>)}</span>;
}

export function RecordTab({ task }: { task: Task }): JSX.Element {
  const at = (time: string | null) => clock(time, language.value);
  const command = task.command && joinWords(task.command);
  const parameters = Object.entries(task.parameters ?? {});
  const reserved = task.placement?.devices.map((device) => `${device.device} ${gigabytes(device.reserved_gb)}`).join(", ");
  return (
    <>
      <section class="card">
        <Facts rows={[
          [t("task.id"), <span class="mono breaks">{task.task_id} <CopyButton text={task.task_id} label={t("common.copy")} /></span>],
          [t("task.description"), task.description],
          [t("task.command"), command && <span class="mono breaks">{command} <CopyButton text={command} label={t("common.copy")} /></span>],
          [t("task.cwd"), task.cwd && <span class="mono breaks">{task.cwd}</span>],
          [t("task.save"), task.save_path && <span class="mono breaks">{task.save_path} <CopyButton text={task.save_path} label={t("common.copy")} /></span>],
          [t("task.created"), at(task.created_at)],
          [t("task.started"), at(task.started_at)],
          [t("task.finished"), at(task.finished_at)],
          [t("task.exit"), task.signal != null ? t("task.signal", { number: task.signal }) : task.exit_code],
          [t("task.cause"), task.cause],
          [t("task.attempts"), task.attempt > 1 ? task.attempt : null],
          [t("task.device"), `${task.device}${task.device !== task.device_requested ? ` (${t("task.asked", { device: task.device_requested })})` : ""}`],
          [t("task.fallback"), task.fallback && word("task.fallback", task.fallback)],
          [t("field.gpus"), task.gpus > 1 ? task.gpus : null],
          [t("field.gpu_type"), task.gpu_type],
          [t("task.memory"), task.memory_gb != null ? gigabytes(task.memory_gb) : task.memory_fraction != null ? percent(task.memory_fraction * 100) : null],
          [t("task.reserved"), reserved && `${reserved} (${task.placement!.rule})`],
          [t("task.exclusive"), task.exclusive ? t("common.yes") : null],
          [t("task.policy"), task.policy],
          [t("task.priority"), task.priority],
          [t("task.user"), task.user],
          [t("task.pool"), task.pool],
          [t("task.timeout"), task.timeout_s != null ? `${task.timeout_s} s` : null],
          [t("task.after"), task.after.length + task.after_any.length > 0 ? <Ids ids={[...task.after, ...task.after_any]} /> : null],
          [t("task.enforcement"), task.enforcement && (task.enforcement.by || task.enforcement.rung)],
        ]} />
      </section>
      {parameters.length > 0 && (
        <section class="card" aria-labelledby="parameters">
          <h2 id="parameters">{t("task.parameters")}</h2>
          <Facts rows={parameters.map(([name, value]) => [name, <span class="mono breaks">{typeof value === "object" ? JSON.stringify(value) : String(value)}</span>] as const)} />
        </section>
      )}
    </>
  );
}
