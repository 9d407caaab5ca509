// SPDX-License-Identifier: Apache-2.0
// The queue and what became of it: filters above, the list below.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { language, t, type Key } from "../i18n/index.ts";
import { count } from "../lib/format.ts";
import { linkTo, replace, route } from "../router.ts";
import { allTasks, counts, filter, pages, setFilter, total, watchList, type Counts } from "../state/tasks.ts";
import { Icon } from "../ui/icons.tsx";
import { CommandLine, Empty } from "../ui/parts.tsx";
import { TaskList } from "./task_list.tsx";

const STATES: readonly (readonly [string, Key, keyof Counts | null])[] = [
  ["", "tasks.all", null],
  ["live", "tasks.live", "live"],
  ["running", "state.running", "running"],
  ["queued", "state.queued", "queued"],
  ["completed", "state.completed", "completed"],
  ["failed", "state.failed", "failed"],
  ["cancelled", "state.cancelled", "cancelled"],
];

const fromRoute = () => {
  const { query } = route.peek();
  return { status: query.get("status") ?? "", kind: query.get("kind") ?? "", text: query.get("q") ?? "", array: "" };
};

function keep(): void {
  const { status, kind, text } = filter.peek();
  replace(linkTo("tasks", "", { status, kind, q: text }));
}

let typing: ReturnType<typeof setTimeout> | undefined;

function Filters(): JSX.Element {
  const known = counts.value;
  const now = filter.value;
  const all = allTasks.value;
  return (
    <div class="filters">
      <div class="segments words-states" role="group" aria-label={t("tasks.filter.status")}>
        {STATES.map(([state, key, counted]) => {
          const number = counted === null ? all : (known?.[counted] ?? null);
          return (
            <button key={state} type="button" aria-pressed={now.status === state} onClick={() => { setFilter({ status: state }); keep(); }}>
              {t(key)}
              {number != null && number > 0 && <span class="count">{count(number, language.value)}</span>}
            </button>
          );
        })}
      </div>
      <div class="filters-rest">
        <select aria-label={t("tasks.filter.kind")} value={now.kind} onChange={(event) => { setFilter({ kind: event.currentTarget.value }); keep(); }}>
          <option value="">{t("tasks.filter.kind.all")}</option>
          {(["command", "training", "inference"] as const).map((kind) => <option key={kind} value={kind}>{t(`kind.${kind}`)}</option>)}
        </select>
        <span class="find">
          <Icon name="search" size={14} />
          <input data-find type="search" aria-label={t("tasks.filter.text")} placeholder={t("tasks.filter.text")} value={now.text}
            onInput={(event) => {
              const text = event.currentTarget.value;
              clearTimeout(typing);
              typing = setTimeout(() => { setFilter({ text }); keep(); }, 200);
            }} />
        </span>
      </div>
    </div>
  );
}

export function TasksView(): JSX.Element {
  useEffect(() => {
    setFilter(fromRoute());
    return watchList();
  }, []);
  const filtered = filter.value.status !== "" || filter.value.kind !== "" || filter.value.text !== "";
  const empty = pages.value !== null && total.value === 0;
  return (
    <section class="page fill" aria-labelledby="title">
      <div class="page-head">
        <h1 id="title">{t("tasks.title")}</h1>
        <span class="muted" aria-live="off">{pages.value && (total.value === 1 ? t("tasks.count.one") : t("tasks.count", { count: count(total.value, language.value) }))}</span>
        <a class="button primary push" href="#/start"><Icon name="start" size={14} />{t("tasks.new")}</a>
      </div>
      <Filters />
      {empty && !filtered && allTasks.value === 0 && (
        <Empty title={t("tasks.empty.title")} icon="tasks">
          <p class="muted">{t("tasks.empty.text")}</p>
          <p><CommandLine text="berth run --device auto --memory 8G -- python3 train.py" /></p>
        </Empty>
      )}
      {empty && filtered && (
        <Empty title={t("tasks.empty.filtered")} icon="search">
          <button type="button" class="button" onClick={() => { setFilter({ status: "", kind: "", text: "" }); keep(); }}>{t("tasks.filter.clear")}</button>
        </Empty>
      )}
      {!empty && <TaskList />}
    </section>
  );
}
