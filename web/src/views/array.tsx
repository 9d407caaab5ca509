// SPDX-License-Identifier: Apache-2.0
// An array of tasks: how far all of them are, and the list of them.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, taskPath } from "../api/client.ts";
import { isFinal, type State, type TaskArray } from "../api/types.ts";
import { language, t } from "../i18n/index.ts";
import { count, percent, shortId } from "../lib/format.ts";
import { usePoll } from "../state/poll.ts";
import { setFilter, watchList } from "../state/tasks.ts";
import { askCancel, askRemove, nameOf, Priority } from "../ui/actions.tsx";
import { Icon } from "../ui/icons.tsx";
import { CopyButton, Elapsed, Empty, StateBadge } from "../ui/parts.tsx";
import { TaskList } from "./task_list.tsx";

const STATES: readonly State[] = ["completed", "running", "failed", "cancelled", "queued", "pending"];

export function ArrayView({ id }: { id: string }): JSX.Element {
  const [array, setArray] = useState<TaskArray | null>(null);
  const [gone, setGone] = useState(false);
  const [state, setState] = useState("");
  usePoll(async (abort) => {
    try {
      setArray(await get<TaskArray>(taskPath(id), abort));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) setGone(true);
    }
  }, gone || (array && isFinal(array.status)) ? 30_000 : 1000, [id, language.value]);
  useEffect(() => {
    setFilter({ status: "", kind: "", text: "", array: id });
    const stop = watchList();
    return () => {
      stop();
      setFilter({ array: "" });
    };
  }, [id]);
  if (gone) return <section class="page"><Empty page title={t("task.notthere", { id: shortId(id) })} icon="tasks"><a class="button" href="#/tasks">{t("nav.tasks")}</a></Empty></section>;
  if (!array) return <section class="page" aria-busy="true"><p class="muted">{t("app.loading")}</p></section>;
  const choose = (next: string) => {
    setState(next);
    setFilter({ status: next });
  };
  return (
    <section class="page fill" aria-labelledby="title">
      <div class="page-head">
        <a class="button quiet icon-only" href="#/tasks" aria-label={t("nav.tasks")}><Icon name="back" /></a>
        <h1 id="title" class="breaks">{nameOf(array)}</h1>
        <span class="muted">{t("array.title")} <span class="mono">{shortId(id)}</span></span>
        <CopyButton text={location.href} label={t("task.link")} />
        <span class="push actions">
          {isFinal(array.status)
            ? <button type="button" class="button danger-quiet" onClick={() => askRemove(array)}><Icon name="trash" size={14} />{t("action.remove")}</button>
            : <button type="button" class="button danger-quiet" onClick={() => askCancel(array)}><Icon name="stop" size={14} />{t("action.cancel")}</button>}
        </span>
      </div>
      <div class="card">
        <div class="task-line">
          <StateBadge state={array.status} />
          <b class="num">{percent(array.progress)}</b>
          {array.at_once != null && <span>{t("array.atonce", { count: array.at_once })}</span>}
          <span class="task-facts">
            <span>{t("task.asked", { device: array.device_requested })}</span>
            <Priority task={array} waits={(array.counts.queued ?? 0) + (array.counts.pending ?? 0) > 0} />
            {array.user && <span>{array.user}</span>}
            <span class="num"><Elapsed from={array.started_at ?? array.created_at} to={array.finished_at} /></span>
          </span>
        </div>
        <div class="array-bar" role="img" aria-label={array.message}>
          {STATES.map((name) => <span key={name} class={`state-${name}`} style={{ width: `${(100 * (array.counts[name] ?? 0)) / Math.max(1, array.size)}%` }} />)}
        </div>
      </div>
      <div class="segments words-states" role="group" aria-label={t("tasks.filter.status")}>
        <button type="button" aria-pressed={state === ""} onClick={() => choose("")}>{t("tasks.all")}<span class="count">{count(array.size, language.value)}</span></button>
        {STATES.filter((name) => array.counts[name]).map((name) => (
          <button key={name} type="button" aria-pressed={state === name} onClick={() => choose(name)}>{t(`state.${name}`)}<span class="count">{count(array.counts[name], language.value)}</span></button>
        ))}
      </div>
      <TaskList />
    </section>
  );
}
