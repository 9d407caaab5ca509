// SPDX-License-Identifier: Apache-2.0
// How the best epoch does on each class, and what it takes for what.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client.ts";
import type { Task, TrainingReport } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { metric } from "../lib/format.ts";
import { Empty } from "../ui/parts.tsx";

function Matrix({ report }: { report: TrainingReport }): JSX.Element {
  const names = report.classes.map((entry) => entry.class);
  return (
    <section class="card" aria-labelledby="matrix">
      <h2 id="matrix">{t("report.matrix")}</h2>
      <p class="muted">{t("report.matrix.text")}</p>
      <div class="scroll-x" tabIndex={0} role="group" aria-label={t("report.matrix")}>
        <table class="matrix">
          <thead>
            <tr><td />{names.map((name) => <th key={name} scope="col"><span>{name}</span></th>)}</tr>
          </thead>
          <tbody>
            {report.confusion_matrix.map((row, index) => {
              const all = row.reduce((sum, value) => sum + value, 0);
              return (
                <tr key={names[index]}>
                  <th scope="row">{names[index]}</th>
                  {row.map((value, column) => {
                    const share = all > 0 ? value / all : 0;
                    return (
                      <td key={column} class={`num ${index === column ? "right-class" : "wrong-class"} ${share > 0.5 ? "strong" : ""}`}
                        title={`${names[index]} → ${names[column]}: ${value} (${(share * 100).toFixed(1)} %)`} style={{ "--share": value > 0 ? 0.08 + 0.92 * share : 0 }}>
                        {value || <span class="zero">0</span>}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function ReportTab({ task }: { task: Task }): JSX.Element {
  const [report, setReport] = useState<TrainingReport | null>(null);
  const best = task.latest_metrics?.["best_acc"];
  useEffect(() => {
    if (best == null) return; // there is none before the first epoch has ended
    get<TrainingReport>(`/api/v2/training/${encodeURIComponent(task.task_id)}/report`).then(setReport).catch(() => undefined);
  }, [best, task.status, task.task_id]);
  if (!report) return <Empty title={t("report.none")} icon="wave" />;
  return (
    <div class="columns wide-left">
      <Matrix report={report} />
      <section class="card" aria-labelledby="classes">
        <h2 id="classes">{t("report.best", { epoch: report.metrics.epoch ?? "–" })}</h2>
        <div class="scroll-x" tabIndex={0} role="group" aria-labelledby="classes">
          <table>
            <thead>
              <tr>
                <th scope="col">{t("report.class")}</th>
                <th scope="col" class="right">{t("report.support")}</th>
                <th scope="col" class="right">{t("report.precision")}</th>
                <th scope="col" class="right">{t("report.recall")}</th>
                <th scope="col" class="right">{t("report.f1")}</th>
                <th scope="col" class="right">{t("report.ap")}</th>
              </tr>
            </thead>
            <tbody>
              {report.classes.map((entry) => (
                <tr key={entry.class}>
                  <th scope="row">{entry.class}</th>
                  <td class="right num">{entry.support}</td>
                  <td class="right num">{metric(entry.precision)}</td>
                  <td class="right num">{metric(entry.recall)}</td>
                  <td class="right num">{metric(entry.f1)}</td>
                  <td class="right num">{metric(entry.average_precision)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  );
}
