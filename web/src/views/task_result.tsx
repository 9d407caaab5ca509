// SPDX-License-Identifier: Apache-2.0
// What a task has found: predictions with their next classes, a benchmark's groups, a preprocessing's statistics.
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { InferenceResult, Task } from "../api/types.ts";
import { language, t } from "../i18n/index.ts";
import { count, metric, percent } from "../lib/format.ts";
import { Icon } from "../ui/icons.tsx";
import { Empty } from "../ui/parts.tsx";
import { Statistics } from "./statistics.tsx";

const FIRST_ROWS = 200;

function Classes({ result }: { result: InferenceResult }): JSX.Element {
  const found = new Map<string, number>();
  for (const prediction of result.predictions) found.set(prediction.class, (found.get(prediction.class) ?? 0) + 1);
  const rows = [...found].sort((a, b) => b[1] - a[1]).slice(0, 12);
  const most = rows[0]?.[1] ?? 1;
  return (
    <section class="card" aria-labelledby="found">
      <h2 id="found">{t("result.classes")}</h2>
      <ul class="bars">
        {rows.map(([name, number]) => (
          <li key={name}>
            <span class="clip" title={name}>{name}</span>
            <span class="bar" aria-hidden="true"><span style={{ transform: `scaleX(${number / most})` }} /></span>
            <b class="num">{count(number, language.value)}</b>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Predictions({ result }: { result: InferenceResult }): JSX.Element {
  const [text, setText] = useState("");
  const [all, setAll] = useState(false);
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return wanted ? result.predictions.filter((entry) => `${entry.path} ${entry.class}`.toLowerCase().includes(wanted)) : result.predictions;
  }, [result, text]);
  const rows = all ? found : found.slice(0, FIRST_ROWS);
  return (
    <section class="card" aria-labelledby="predictions">
      <div class="card-head">
        <h2 id="predictions">{t("result.predictions")} <span class="muted num">{count(found.length, language.value)}</span></h2>
        <span class="find">
          <Icon name="search" size={14} />
          <input data-find type="search" aria-label={t("result.filter")} placeholder={t("result.filter")} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </span>
      </div>
      <div class="scroll-x" tabIndex={0} role="group" aria-labelledby="predictions">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("result.picture")}</th>
              <th scope="col">{t("result.class")}</th>
              <th scope="col" class="right">{t("result.confidence")}</th>
              <th scope="col">{t("result.top")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((entry, index) => (
              <tr key={`${entry.path}${index}`}>
                <td class="mono breaks">{entry.path}</td>
                <td><b>{entry.class}</b></td>
                <td class="right num">
                  <span class="confidence" aria-hidden="true"><span style={{ transform: `scaleX(${entry.confidence})` }} /></span>
                  {percent(entry.confidence * 100, 1)}
                </td>
                <td class="muted num">{(entry.top ?? []).slice(1).map((next) => `${next.class} ${percent(100 * (next.confidence ?? next.probability ?? 0), 1)}`).join(" · ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.length > rows.length && <button type="button" class="button" onClick={() => setAll(true)}>{t("common.more")} ({count(found.length - rows.length, language.value)})</button>}
      {result.truncated && <p class="muted">{t("result.truncated", { path: result.result_path })}</p>}
    </section>
  );
}

function Inference({ result }: { result: InferenceResult }): JSX.Element {
  const tiles: readonly (readonly [string, string])[] = [
    [t("field.model"), result.model],
    [t("result.images"), count(result.images, language.value)],
    [t("result.rate"), metric(result.images_per_second)],
    [t("result.failed"), count(result.failed.length, language.value)],
  ];
  return (
    <>
      <div class="card"><div class="tiles">{tiles.map(([name, value]) => <div key={name} class="tile"><span class="muted">{name}</span><b class="num">{value}</b></div>)}</div></div>
      <Classes result={result} />
      <Predictions result={result} />
      {result.failed.length > 0 && (
        <section class="card" aria-labelledby="failed">
          <h2 id="failed">{t("result.failed")}</h2>
          <table>
            <thead><tr><th scope="col">{t("result.file")}</th><th scope="col">{t("result.reason")}</th></tr></thead>
            <tbody>{result.failed.slice(0, FIRST_ROWS).map((entry) => <tr key={entry.path}><td class="mono breaks">{entry.path}</td><td>{entry.reason}</td></tr>)}</tbody>
          </table>
        </section>
      )}
    </>
  );
}

export function ResultTab({ task }: { task: Task }): JSX.Element {
  if (!task.result) return <Empty title={t("result.none")} icon="tasks" />;
  if (task.task_type === "inference" && Array.isArray(task.result["predictions"])) return <Inference result={task.result as unknown as InferenceResult} />;
  return <Statistics values={task.result} />;
}
