// SPDX-License-Identifier: Apache-2.0
// Every device at a glance: what is free, what it does, who is on it.
import type { JSX } from "preact";
import type { GpuDevice } from "../api/types.ts";
import { language, t } from "../i18n/index.ts";
import { duration, gigabytes, gigabytesOf, percent, withUnit } from "../lib/format.ts";
import { memoryParts } from "../lib/memory.ts";
import { linkTo } from "../router.ts";
import { cpu, drains, gpus, info, parts, recent, RECENT_S, resources } from "../state/machine.ts";
import { Icon } from "../ui/icons.tsx";
import { MemoryBar } from "../ui/memory_bar.tsx";
import { Empty, Facts } from "../ui/parts.tsx";
import { Spark } from "../ui/spark.tsx";
import { ActiveTasks } from "./active_tasks.tsx";
import { CpuCard } from "./cpu_card.tsx";
import { DrainControl } from "./device_limits.tsx";
import { ActiveHere, DeviceState } from "./device_parts.tsx";

function DeviceCard({ gpu }: { gpu: GpuDevice }): JSX.Element {
  const memory = memoryParts(gpu);
  const foreign = (gpu.processes ?? []).filter((process) => !process.task_id).length;
  const zombies = (gpu.processes ?? []).filter((process) => process.state === "zombie").length;
  return (
    <article class={`card device ${gpu.health !== "healthy" ? "sick" : ""}`} aria-labelledby={`name-${gpu.uuid}`}>
      <header class="device-head">
        <h2 id={`name-${gpu.uuid}`}>
          <a href={linkTo("devices", gpu.device_name)} class="device-link" title={gpu.name}>
            <span class="device-name">{gpu.device_name}</span>
            <span class="device-model">{gpu.name.replace(/^NVIDIA (GeForce )?/, "")}</span>
          </a>
        </h2>
        <DeviceState gpu={gpu} />
      </header>
      <div class="device-readings">
        <span class="reading big"><b>{gpu.sm_utilization ?? "–"}</b><small>%</small></span>
        <Spark readings={recent.value.get(gpu.device_name)} span={RECENT_S} memory={gpu.total_memory_gb}
          label={t("devices.curve", { name: gpu.device_name, value: percent(gpu.sm_utilization) })} />
        <span class={`reading ${(gpu.temperature_c ?? 0) >= 85 ? "hot" : ""}`} title={t("devices.temperature")}>{withUnit(gpu.temperature_c, "°C")}</span>
        <span class="reading" title={t("devices.power")}>{gpu.power_w == null ? "–" : `${gpu.power_w.toFixed(0)}${gpu.power_limit_w ? ` / ${gpu.power_limit_w.toFixed(0)}` : ""} W`}</span>
      </div>
      {memory ? (
        <>
          <div class="device-memory">
            <span class="muted">{t("devices.memory")}</span>
            <span class="num">{gigabytesOf(gpu.allocated_memory_gb, memory.total)}</span>
          </div>
          <MemoryBar parts={memory} />
        </>
      ) : (
        <p class="muted">{t("reason.memory_unknown")}</p>
      )}
      <div class="device-foot">
        <ActiveHere device={gpu.device_name} />
        {foreign > 0 && <span class="muted">{foreign === 1 ? t("devices.foreign.one") : t("devices.foreign", { count: foreign })}</span>}
        {zombies > 0 && <span class="warning-text">{t("devices.zombies", { count: zombies })}</span>}
        {gpu.age_s != null && gpu.age_s > 5 && <span class="warning-text">{t("devices.stale", { age: duration(gpu.age_s, language.value) })}</span>}
      </div>
      {gpu.health !== "healthy" && <p class="device-reason">{t("devices.quarantined")}{gpu.health_reason ? `: ${gpu.health_reason}` : ""}</p>}
    </article>
  );
}

function Others({ list }: { list: readonly GpuDevice[] }): JSX.Element {
  return (
    <section aria-labelledby="others">
      <h2 id="others">{t("devices.others")}</h2>
      <ul class="card rows">
        {list.map((gpu) => (
          <li key={gpu.uuid || gpu.pci_bus_id}>
            <span class="device-name">{gpu.device_name || gpu.vendor}</span> <b>{gpu.name}</b>
            <span class="muted">{gpu.no_tasks}</span>
            {gpu.total_memory_gb != null && <span class="num muted">{gigabytes(gpu.total_memory_gb)}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function DevicesView(): JSX.Element {
  const all = resources.value;
  const gpu = all?.gpu_info;
  const list = gpus.value;
  const busy = list.filter((device) => (all?.active_tasks[device.device_name]?.length ?? 0) > 0 || (device.sm_utilization ?? 0) > 0).length;
  const versions = gpu && [
    gpu.driver_version && (gpu.cuda_version ? t("devices.driver", { driver: gpu.driver_version, cuda: gpu.cuda_version }) : t("devices.driver.only", { driver: gpu.driver_version })),
    gpu.pytorch_version && t("devices.pytorch", { version: gpu.pytorch_version }),
  ].filter(Boolean).join(" · ");
  return (
    <section class="page" aria-labelledby="title">
      <div class="page-head">
        <h1 id="title">{t("devices.title")}</h1>
        {gpu && list.length > 0 && <span class="muted">{t("devices.summary", { busy, total: list.length })}</span>}
        <span class="push muted">{versions}</span>
        {all && <DrainControl device={null} />}
      </div>
      {drains.value?.machine && (
        <p class="callout warning"><Icon name="pause" /> {t("devices.drained.machine", { reason: drains.value.reason ?? "" })}</p>
      )}
      {!all && <div class="grid" aria-busy="true"><div class="card skeleton" /><div class="card skeleton" /><div class="card skeleton" /></div>}
      {gpu && list.length === 0 && (
        <Empty title={t("devices.none.title")} icon="devices">
          <p>{t("devices.none.text")}</p>
        </Empty>
      )}
      {gpu && gpu.hints.length > 0 && (
        <div class="callout">
          <p><b>{t("devices.hints")}</b></p>
          <ul>{gpu.hints.map((hint) => <li key={hint}>{hint}</li>)}</ul>
        </div>
      )}
      {list.length > 0 && (
        <section aria-label={t("devices.gpus")} class="grid">
          {list.map((device) => <DeviceCard key={device.uuid} gpu={device} />)}
        </section>
      )}
      {all && (
        <div class="grid">
          {cpu.value && <CpuCard cpu={cpu.value} />}
          <ActiveTasks />
        </div>
      )}
      {gpu && gpu.other_devices.length > 0 && <Others list={gpu.other_devices} />}
      {Object.keys(parts.value).length > 0 && (
        <details class="card">
          <summary>{t("devices.parts")}{info.value && <span class="muted"> · Berth {info.value.version}</span>}</summary>
          <Facts rows={Object.entries(parts.value)} />
        </details>
      )}
    </section>
  );
}
