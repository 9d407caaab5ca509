// SPDX-License-Identifier: Apache-2.0
// What the list of devices and the page of one device both show.
import type { JSX } from "preact";
import type { GpuDevice } from "../api/types.ts";
import { t, word } from "../i18n/index.ts";
import { gigabytes, shortId } from "../lib/format.ts";
import { linkTo } from "../router.ts";
import { drains, namesById, resources } from "../state/machine.ts";
import { overReserved } from "../ui/parts.tsx";

/** The API has them as codes, in English. */
export function throttleReasons(reasons: string[]): string {
  return reasons.map((reason) => word("throttle", reason)).join(", ");
}

/** Only what is out of the ordinary. */
export function DeviceState({ gpu }: { gpu: GpuDevice }): JSX.Element {
  const drained = drains.value?.devices[gpu.device_name] ?? drains.value?.devices[gpu.uuid];
  return (
    <span class="tags">
      {gpu.health !== "healthy" && <span class="badge state-failed">{word("devices.health", gpu.health)}</span>}
      {drained !== undefined && <span class="badge state-held" title={t("devices.drained.because", { reason: drained })}>{t("devices.drained")}</span>}
      {gpu.partitioned && <span class="badge">{t("devices.partitioned")}</span>}
      {gpu.mig && <span class="badge">MIG {gpu.mig.profile}</span>}
      {gpu.throttle && gpu.throttle.length > 0 && <span class="badge state-queued" title={throttleReasons(gpu.throttle)}>{t("devices.throttled")}</span>}
    </span>
  );
}

/** The tasks and leases that hold it. */
export function ActiveHere({ device }: { device: string }): JSX.Element {
  const active = resources.value?.active_tasks[device] ?? [];
  if (active.length === 0) return <span class="muted">{t("devices.idle")}</span>;
  return (
    <span class="tags">
      {active.slice(0, 4).map((task) => (
        <a key={task.id} class={`chip ${task.over_reserved ? "over" : ""}`} href={task.type === "lease" ? linkTo("leases") : linkTo("tasks", task.id)}
          title={`${word("kind", task.type)} ${task.id}${task.over_reserved ? ` · ${overReserved(task)}` : task.reserved_gb ? ` · ${t("task.reserved")} ${gigabytes(task.reserved_gb)}` : ""}`}>
          <span class={`kind-mark kind-${task.type}`} />
          <span class="chip-text">{task.type === "lease" ? `${t("kind.lease")} ${shortId(task.id)}` : namesById.value.get(task.id) || shortId(task.id)}</span>
        </a>
      ))}
      {active.length > 4 && <span class="muted">+{active.length - 4}</span>}
    </span>
  );
}
