// SPDX-License-Identifier: Apache-2.0
// Curves of what a task measures: of trainings by epoch, of commands whatever numbers they report, by step.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, taskPath } from "../api/client.ts";
import { follow } from "../api/stream.ts";
import type { LogEnd, LogRecord, Metrics, Task, TrainingHistory } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { metric } from "../lib/format.ts";
import { Chart, type Line } from "../ui/chart.tsx";
import { Empty } from "../ui/parts.tsx";

const finite = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

function Tiles({ latest, best }: { latest: Metrics; best: number | null }): JSX.Element {
  const rows: readonly (readonly [string, string])[] = [
    [`${t("curves.loss")} (${t("curves.train")})`, metric(latest.train_loss)],
    [`${t("curves.loss")} (${t("curves.val")})`, metric(latest.val_loss)],
    [`${t("curves.accuracy")} (${t("curves.val")})`, latest.val_acc == null ? "–" : `${latest.val_acc.toFixed(2)} %`],
    [`${t("curves.accuracy")} (${t("curves.best")})`, best == null ? "–" : `${best.toFixed(2)} %`],
    ["macro F1", metric(latest.macro_f1)],
    ["mAP", latest.mAP == null ? "–" : `${latest.mAP.toFixed(2)} %`],
  ];
  return <div class="tiles">{rows.map(([name, value]) => <div key={name} class="tile"><span class="muted">{name}</span><b class="num">{value}</b></div>)}</div>;
}

function TrainingCurves({ task }: { task: Task }): JSX.Element {
  const [epochs, setEpochs] = useState<Metrics[]>([]);
  const newest = task.latest_metrics?.["val_loss"] != null || task.latest_metrics?.["val_acc"] != null ? task.latest_metrics["epoch"] : null;
  useEffect(() => {
    // Before the end of the first epoch there is no history, and asking for it would be an error.
    if (newest == null) return;
    get<TrainingHistory>(`/api/v2/training/${encodeURIComponent(task.task_id)}/history`).then((history) => setEpochs(history.epochs)).catch(() => undefined);
  }, [newest, task.status, task.task_id]);
  const x = useMemo(() => epochs.map((entry, index) => entry.epoch ?? index + 1), [epochs]);
  const column = (name: string) => epochs.map((entry) => finite(entry[name]));
  const train = t("curves.train");
  const val = t("curves.val");
  const lines = useMemo(() => ({
    loss: [{ label: train, color: "--series-1", values: column("train_loss") }, { label: val, color: "--series-2", values: column("val_loss") }],
    accuracy: [{ label: train, color: "--series-1", values: column("train_acc") }, { label: val, color: "--series-2", values: column("val_acc") }],
    rate: [{ label: t("curves.rate"), color: "--series-3", values: column("learning_rate") }],
    scores: [
      { label: "macro F1", color: "--series-1", values: column("macro_f1") },
      { label: t("report.precision"), color: "--series-2", values: column("macro_precision") },
      { label: t("report.recall"), color: "--series-4", values: column("macro_recall") },
    ],
  }), [epochs, train]);
  if (epochs.length === 0) return <Empty title={t("curves.none")} icon="wave" />;
  const latest = epochs[epochs.length - 1]!;
  const shared = { x, xLabel: t("curves.epoch") };
  return (
    <>
      <div class="card"><Tiles latest={latest} best={finite(latest.best_acc)} /></div>
      <div class="card charts">
        <Chart title={t("curves.loss")} {...shared} lines={lines.loss} from={0} format={metric} />
        <Chart title={t("curves.accuracy")} {...shared} lines={lines.accuracy} format={(value) => (value == null ? "–" : `${value.toFixed(1)} %`)} />
        <Chart title={t("curves.rate")} {...shared} lines={lines.rate} from={0} format={metric} />
        <Chart title={t("curves.scores")} {...shared} lines={lines.scores} format={metric} />
      </div>
      <EpochTable epochs={epochs} />
    </>
  );
}

function EpochTable({ epochs }: { epochs: readonly Metrics[] }): JSX.Element {
  const columns = ["train_loss", "val_loss", "train_acc", "val_acc", "macro_f1", "mAP", "learning_rate"].filter((name) => epochs.some((entry) => entry[name] != null));
  return (
    <details class="card">
      <summary>{t("common.table")}</summary>
      <div class="scroll-x" tabIndex={0} role="group" aria-label={t("common.table")}>
        <table>
          <thead><tr><th scope="col" class="right">{t("curves.epoch")}</th>{columns.map((name) => <th key={name} scope="col" class="right">{name}</th>)}</tr></thead>
          <tbody>
            {[...epochs].reverse().map((entry) => (
              <tr key={entry.epoch}><th scope="row" class="right num">{entry.epoch}</th>{columns.map((name) => <td key={name} class="right num">{metric(entry[name])}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

const MOST_POINTS = 5000;
const COLORS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5"];

interface Series { x: number[]; columns: Map<string, (number | null)[]> }

/** A command's metrics are only in its log. */
function CommandCurves({ task }: { task: Task }): JSX.Element {
  const series = useRef<Series>({ x: [], columns: new Map() });
  const [, draw] = useState(0);
  useEffect(() => {
    const found: Series = { x: [], columns: new Map() };
    series.current = found;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const take = (record: LogRecord) => {
      if (!record.metrics) return;
      const at = finite(record.step) ?? finite(record.metrics["step"]) ?? (found.x[found.x.length - 1] ?? 0) + 1;
      const place = found.x[found.x.length - 1] === at ? found.x.length - 1 : found.x.push(at) - 1;
      for (const [name, value] of Object.entries(record.metrics)) {
        if (finite(value) === null || name === "step") continue;
        const column = found.columns.get(name) ?? [];
        while (column.length < found.x.length) column.push(null);
        column[place] = value as number;
        found.columns.set(name, column);
      }
    };
    const stop = follow(taskPath(task.task_id, "/logs"), {
      on: (events) => {
        let ended = false;
        for (const event of events) {
          const record = JSON.parse(event.data) as LogRecord | LogEnd;
          if ("timestamp" in record) take(record);
          else ended = true;
        }
        timer ??= setTimeout(() => { timer = undefined; draw((before) => before + 1); }, 500);
        return ended;
      },
    });
    return () => { stop(); clearTimeout(timer); };
  }, [task.task_id]);
  const { x, columns } = series.current;
  if (x.length === 0) return <Empty title={t("curves.none")} icon="wave" />;
  const from = Math.max(0, x.length - MOST_POINTS);
  const shownX = x.slice(from);
  return (
    <div class="card charts">
      {[...columns].slice(0, 12).map(([name, values], index) => {
        const filled = [...values, ...Array<null>(x.length - values.length).fill(null)];
        const lines: Line[] = [{ label: name, color: COLORS[index % COLORS.length]!, values: filled.slice(from) }];
        return <Chart key={name} title={name} x={shownX} xLabel={t("curves.step")} lines={lines} format={metric} />;
      })}
    </div>
  );
}

export function CurvesTab({ task }: { task: Task }): JSX.Element {
  return task.task_type === "training" ? <TrainingCurves task={task} /> : <CommandCurves task={task} />;
}
