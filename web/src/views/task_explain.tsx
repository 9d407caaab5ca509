// SPDX-License-Identifier: Apache-2.0
// Why a task waits, device by device, and what would have to change.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, get, taskPath } from "../api/client.ts";
import type { Explanation, Task } from "../api/types.ts";
import { language, t, word } from "../i18n/index.ts";
import { clock } from "../lib/format.ts";
import { linkTo } from "../router.ts";
import { usePoll } from "../state/poll.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import { Empty, Facts } from "../ui/parts.tsx";

const ICON: Record<string, IconName> = { fits: "check", wait: "clock", never: "cross" };
const ORDER = { fits: 0, wait: 1, never: 2 };

export function ExplainTab({ task }: { task: Task }): JSX.Element {
  const [explanation, setExplanation] = useState<Explanation | null>(null);
  const waits = task.status === "queued" || task.status === "pending";
  usePoll(async (abort) => {
    try {
      setExplanation(await get<Explanation>(taskPath(task.task_id, "/explain"), abort));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // removed meanwhile: what is shown stays
    }
  }, waits ? 2000 : 15_000, [task.task_id, task.status, language.value]);
  if (!explanation) return <Empty title={t("app.loading")} />;
  const rows = [...explanation.devices].sort((a, b) => ORDER[a.verdict] - ORDER[b.verdict]);
  return (
    <>
      <section class="card">
        <p class="summary">{explanation.summary}</p>
        {!waits && <p class="muted">{t("why.ended")}</p>}
        {waits && explanation.would_fit_if.length > 0 && (
          <div>
            <h2 class="muted">{t("why.wouldfit")}</h2>
            <ul class="plain">{explanation.would_fit_if.map((what) => <li key={what}>{what}</li>)}</ul>
          </div>
        )}
        <Facts rows={[
          [t("why.ahead"), waits && explanation.ahead > 0 ? explanation.ahead : null],
          [t("why.earliest"), waits && explanation.earliest_start ? clock(explanation.earliest_start, language.value) : null],
        ]} />
      </section>
      <section class="card" aria-label={t("task.tab.why")}>
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("task.tab.why")}>
          <table class="explained">
            <thead>
              <tr>
                <th scope="col">{t("why.device")}</th>
                <th scope="col">{t("why.verdict")}</th>
                <th scope="col">{t("why.reason")}</th>
                <th scope="col">{t("why.needed")}</th>
                <th scope="col">{t("why.available")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((device) => (
                <tr key={device.uuid} class={`verdict-${device.verdict}`}>
                  <th scope="row"><a class="mono" href={linkTo("devices", device.device)}>{device.device}</a></th>
                  <td><span class={`badge verdict verdict-${device.verdict}`}><Icon name={ICON[device.verdict] ?? "clock"} size={12} />{word("why.verdict", device.verdict)}</span></td>
                  <td>{word("reason", device.code)}</td>
                  <td class="num" data-name={t("why.needed")}>{device.needed ?? ""}</td>
                  <td class="num" data-name={t("why.available")}>{device.available ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
}
