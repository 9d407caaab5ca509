// SPDX-License-Identifier: Apache-2.0
// Any number of tasks, of which only the rows in sight are in the document. A table to screen readers, with the
// numbers of rows that are not there told as aria-rowindex.
import { signal } from "@preact/signals";
import { Component, type JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Task } from "../api/types.ts";
import { language, t, word, type Key } from "../i18n/index.ts";
import { percent, shortId } from "../lib/format.ts";
import { scrollFor, visibleRange } from "../lib/virtual.ts";
import { go, linkTo } from "../router.ts";
import { filter, pages, showRange, taskAt, total } from "../state/tasks.ts";
import { ActionButtons, askCancel, nameOf } from "../ui/actions.tsx";
import { Elapsed, overReserved, Progress, shownState, StateBadge } from "../ui/parts.tsx";

const NARROW = matchMedia("(max-width: 760px)");
const narrow = signal(NARROW.matches);
NARROW.addEventListener("change", () => (narrow.value = NARROW.matches));
const ROW = { wide: 36, narrow: 68 };
const OVERSCAN = 6;

const scrollTop = signal(0);
const height = signal(600);
let keptTop = 0;

const COLUMNS: readonly (readonly [string, Key])[] = [
  ["state", "tasks.col.state"], ["task", "tasks.col.task"], ["device", "tasks.col.device"], ["progress", "tasks.col.progress"],
  ["priority", "tasks.col.priority"], ["user", "tasks.col.user"], ["time", "tasks.col.time"], ["message", "tasks.col.message"], ["actions", "tasks.col.actions"],
];

/** Why it waits, how far it is, or why it ended. */
export function briefly(task: Task): string {
  const over = task.status === "running" && task.placement?.devices.find((device) => device.over_reserved);
  if (over) return overReserved(over);
  if (task.waiting_for && task.status !== "running") return word("reason", task.waiting_for);
  if (task.status === "running" && task.current_epoch != null) return t("task.epoch", { epoch: task.current_epoch, total: task.total_epochs ?? "–" });
  if (task.status === "running" && task.items_total != null) return t("task.items", { done: task.items_done ?? 0, total: task.items_total });
  if (task.status === "failed") return task.error?.message ?? task.message;
  return task.status === "running" || task.status === "completed" ? "" : task.message;
}

function Time({ task }: { task: Task }): JSX.Element {
  if (!task.started_at) return <Elapsed from={task.created_at} to={task.finished_at} />;
  return <Elapsed from={task.started_at} to={task.finished_at} />;
}

interface RowProps {
  task: Task;
  index: number;
  top: number;
  /** The language: its words are in the row. */
  words: string;
}

/** Each reading brings new objects: only what has changed is drawn again. */
class Row extends Component<RowProps, { attended: boolean }> {
  override state = { attended: false };

  override shouldComponentUpdate(next: RowProps, state: { attended: boolean }): boolean {
    const now = this.props;
    return state.attended !== this.state.attended || next.index !== now.index || next.top !== now.top || next.words !== now.words || !sameTask(next.task, now.task);
  }

  // Buttons are made when somebody comes near: dozens of them in each frame of scrolling would be felt.
  private readonly attend = () => {
    if (!this.state.attended) this.setState({ attended: true });
  };

  override render(): JSX.Element {
    return <RowCells {...this.props} attended={this.state.attended} onAttend={this.attend} />;
  }
}

function RowCells({ task, index, top, attended, onAttend }: RowProps & { attended: boolean; onAttend: () => void }): JSX.Element {
  const state = shownState(task);
  const brief = briefly(task);
  return (
    <div role="row" class={`task-row state-${state}`} aria-rowindex={index + 2} style={{ transform: `translateY(${top}px)` }} data-index={index} onPointerEnter={onAttend} onFocusIn={onAttend}>
      <span role="cell" class="c-state"><StateBadge state={state} /></span>
      <span role="cell" class="c-task">
        <a href={linkTo("tasks", task.task_id)} title={task.task_id}>{nameOf(task)}</a>
        {task.array && <a class="c-index" href={linkTo("arrays", task.array.id)} title={t("tasks.array.of", { id: shortId(task.array.id), index: task.array.index, size: task.array.size })}>[{task.array.index}]</a>}
        <span class="muted c-type">{task.task_type === "command" ? word("kind", task.kind) : word("type", task.task_type)}</span>
      </span>
      <span role="cell" class="c-device mono">{task.device}</span>
      <span role="cell" class="c-progress">
        {task.status === "running" && task.progress > 0 && (
          <><Progress value={task.progress} label={`${t("tasks.col.progress")} ${nameOf(task)}`} /><span class="num">{percent(task.progress)}</span></>
        )}
      </span>
      <span role="cell" class="c-priority num">{task.priority}</span>
      <span role="cell" class="c-user">{task.user ?? ""}</span>
      <span role="cell" class="c-time num"><Time task={task} /></span>
      <span role="cell" class="c-message" title={brief}>{brief}</span>
      <span role="cell" class="c-actions">{attended && <ActionButtons task={task} compact />}</span>
    </div>
  );
}

function sameTask(a: Task, b: Task): boolean {
  return a === b || (a.task_id === b.task_id && a.updated_at === b.updated_at && a.status === b.status && a.progress === b.progress
    && a.message === b.message && a.waiting_for === b.waiting_for && a.held === b.held && a.cancelling === b.cancelling
    && briefly(a) === briefly(b) && a.current_epoch === b.current_epoch && a.items_done === b.items_done && a.device === b.device && a.priority === b.priority);
}

export function TaskList(): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const rowHeight = narrow.value ? ROW.narrow : ROW.wide;
  const known = pages.value;
  const range = visibleRange(scrollTop.value, height.value, rowHeight, total.value, OVERSCAN);

  useEffect(() => {
    const element = scroller.current!;
    const observer = new ResizeObserver(() => (height.value = element.clientHeight));
    observer.observe(element);
    return () => {
      observer.disconnect();
      keptTop = scrollTop.peek();
      scrollTop.value = 0;
    };
  }, []);
  // Coming back from a task, the list stands where it was left; with another filter it begins anew.
  const restored = useRef(false);
  useEffect(() => {
    if (restored.current || !total.value) return;
    restored.current = true;
    if (keptTop > 0) scroller.current!.scrollTop = keptTop;
    keptTop = 0;
  }, [total.value > 0]);
  const asked = JSON.stringify(filter.value);
  const first = useRef(asked);
  useEffect(() => {
    if (first.current === asked) return;
    first.current = asked;
    scroller.current!.scrollTop = 0;
  }, [asked]);
  useEffect(() => showRange(range), [range.first, range.end, known === null]);

  const focusRow = (index: number) => {
    if (index < 0 || index >= total.peek()) return;
    const element = scroller.current!;
    const to = scrollFor(index, element.scrollTop, element.clientHeight, rowHeight);
    if (to !== null) {
      element.scrollTop = to;
      scrollTop.value = to;
    }
    requestAnimationFrame(() => element.querySelector<HTMLElement>(`[data-index="${index}"] .c-task a`)?.focus({ preventScroll: true }));
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    const index = row ? Number(row.dataset["index"]) : null;
    const down = event.key === "j" || event.key === "ArrowDown";
    const up = event.key === "k" || event.key === "ArrowUp";
    if (down || up) {
      event.preventDefault();
      focusRow(index === null ? range.first + (scrollTop.peek() > 0 ? OVERSCAN : 0) : index + (down ? 1 : -1));
    } else if (index !== null && event.key === "x") {
      const task = taskAt(index);
      if (task) askCancel(task);
    } else if (index !== null && event.key === "Enter" && (event.target as HTMLElement).tagName !== "A" && (event.target as HTMLElement).tagName !== "BUTTON") {
      const task = taskAt(index);
      if (task) go(linkTo("tasks", task.task_id));
    }
  };
  // j and k work at once, without going into the list first.
  useEffect(() => {
    const onWindowKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest("input, textarea, select, dialog, .task-list") || event.ctrlKey || event.metaKey) return;
      if (event.key === "j" || event.key === "k") focusRow(range.first + (scrollTop.peek() > 0 ? OVERSCAN : 0));
    };
    addEventListener("keydown", onWindowKey);
    return () => removeEventListener("keydown", onWindowKey);
  });

  const rows: JSX.Element[] = [];
  for (let index = range.first; index < range.end; index += 1) {
    const task = taskAt(index);
    const top = index * rowHeight;
    rows.push(task
      ? <Row key={index} task={task} index={index} top={top} words={language.value} />
      : <div key={index} role="row" class="task-row loading" aria-rowindex={index + 2} aria-busy="true" style={{ transform: `translateY(${top}px)` }}><span role="cell" class="c-task"><span class="blank" /></span></div>);
  }
  return (
    <div class="task-list" role="table" aria-label={t("tasks.title")} aria-rowcount={total.value + 1} aria-busy={known === null} onKeyDown={onKey}>
      <div role="rowgroup" class="task-list-head">
        <div role="row" class="task-head" aria-rowindex={1}>
          {COLUMNS.map(([name, key]) => (
            <span key={name} role="columnheader" class={`c-${name}`} title={name === "priority" ? t("tasks.col.priority.long") : undefined}>
              {name === "actions" ? <span class="unseen">{t(key)}</span> : t(key)}
            </span>
          ))}
        </div>
      </div>
      <div ref={scroller} role="rowgroup" class="task-scroller" onScroll={(event) => (scrollTop.value = event.currentTarget.scrollTop)}>
        <div role="presentation" class="task-space" style={{ height: `${total.value * rowHeight}px` }}>{rows}</div>
      </div>
    </div>
  );
}
