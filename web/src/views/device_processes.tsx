// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import type { GpuDevice } from "../api/types.ts";
import { t, word } from "../i18n/index.ts";
import { gigabytes, percent, shortId } from "../lib/format.ts";
import { linkTo } from "../router.ts";

export function Processes({ gpu }: { gpu: GpuDevice }): JSX.Element {
  const list = [...(gpu.processes ?? [])].sort((a, b) => (b.used_memory_gb ?? 0) - (a.used_memory_gb ?? 0));
  return (
    <section class="card" aria-labelledby="processes">
      <h2 id="processes">{t("device.processes")}</h2>
      {gpu.processes == null && <p class="muted">{t("device.processes.unknown")}</p>}
      {gpu.processes != null && list.length === 0 && <p class="muted">{t("device.processes.none")}</p>}
      {list.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("device.processes")}>
          <table>
            <thead>
              <tr>
                <th scope="col" class="right">{t("device.process.pid")}</th>
                <th scope="col">{t("device.process.user")}</th>
                <th scope="col" class="right">{t("device.process.memory")}</th>
                <th scope="col" class="right">{t("device.process.use")}</th>
                <th scope="col">{t("device.process.task")}</th>
                <th scope="col">{t("device.process.command")}</th>
                <th scope="col">{t("device.process.container")}</th>
              </tr>
            </thead>
            <tbody>
              {list.map((process) => (
                <tr key={process.pid}>
                  <td class="right num">{process.pid}</td>
                  <td>{process.user}</td>
                  <td class="right num">{gigabytes(process.used_memory_gb)}</td>
                  <td class="right num">{percent(process.utilization)}</td>
                  <td>
                    {process.task_id && <a href={linkTo("tasks", process.task_id)}>{shortId(process.task_id)}</a>}
                    {process.left_by && <span class="warning-text">{t("device.process.left", { task: shortId(process.left_by) })}</span>}
                    {process.state !== "alive" && <span class="badge state-queued">{word("device.process", process.state)}</span>}
                  </td>
                  <td class="mono clip" title={process.command}>{process.command}</td>
                  <td class="mono">{process.container ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
