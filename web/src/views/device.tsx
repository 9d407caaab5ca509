// SPDX-License-Identifier: Apache-2.0
// One device: curves over time, processes, limits, facts.
import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { gigabytesOf, percent, withUnit } from "../lib/format.ts";
import { memoryParts } from "../lib/memory.ts";
import { cpu, gpus, resources } from "../state/machine.ts";
import { Icon } from "../ui/icons.tsx";
import { MemoryBar } from "../ui/memory_bar.tsx";
import { Empty } from "../ui/parts.tsx";
import { CpuCard } from "./cpu_card.tsx";
import { DeviceCurves } from "./device_curves.tsx";
import { DeviceFacts } from "./device_facts.tsx";
import { DrainControl, LimitsForm } from "./device_limits.tsx";
import { ActiveHere, DeviceState } from "./device_parts.tsx";
import { Processes } from "./device_processes.tsx";

function Tile({ name, value, share }: { name: string; value: string; share?: number | null }): JSX.Element {
  return (
    <div class="tile">
      <span class="muted">{name}</span>
      <b class="num">{value}</b>
      {share != null && <span class="tile-bar" aria-hidden="true"><span style={{ transform: `scaleX(${Math.min(1, share)})` }} /></span>}
    </div>
  );
}

export function DeviceView({ name }: { name: string }): JSX.Element {
  const gpu = gpus.value.find((device) => device.device_name === name || device.uuid === name);
  const isCpu = name === "cpu";
  if (!resources.value) return <section class="page" aria-busy="true"><p class="muted">{t("app.loading")}</p></section>;
  if (!gpu && !isCpu) return <section class="page"><Empty page title={t("device.notthere", { name })} icon="devices" /></section>;
  const parts = gpu ? memoryParts(gpu) : null;
  const label = gpu?.device_name ?? "cpu";
  return (
    <section class="page" aria-labelledby="title">
      <div class="page-head">
        <a class="button quiet icon-only" href="#/devices" aria-label={t("nav.devices")}><Icon name="back" /></a>
        <h1 id="title"><span class="device-name">{label}</span> {gpu?.name ?? t("devices.cpu.name")}</h1>
        {gpu && <DeviceState gpu={gpu} />}
        <span class="push"><DrainControl device={label} /></span>
      </div>
      {gpu && gpu.health !== "healthy" && <p class="callout warning"><Icon name="warning" /> {t("devices.quarantined")}{gpu.health_reason ? `: ${gpu.health_reason}` : ""}</p>}
      {gpu && (
        <div class="card">
          <div class="tiles">
            <Tile name={t("devices.utilisation")} value={percent(gpu.sm_utilization)} share={gpu.sm_utilization == null ? null : gpu.sm_utilization / 100} />
            <Tile name={t("devices.bandwidth")} value={percent(gpu.memory_bandwidth_utilization)} share={gpu.memory_bandwidth_utilization == null ? null : gpu.memory_bandwidth_utilization / 100} />
            <Tile name={t("devices.memory")} value={gigabytesOf(gpu.allocated_memory_gb, gpu.total_memory_gb)} share={gpu.utilization == null ? null : gpu.utilization / 100} />
            <Tile name={t("devices.temperature")} value={withUnit(gpu.temperature_c, "°C")} />
            <Tile name={t("devices.power")} value={gpu.power_w == null ? "–" : `${gpu.power_w.toFixed(0)} W`} share={gpu.power_w != null && gpu.power_limit_w ? gpu.power_w / gpu.power_limit_w : null} />
          </div>
          {parts && <MemoryBar parts={parts} />}
          <div class="device-foot"><ActiveHere device={label} /></div>
        </div>
      )}
      {isCpu && cpu.value && <CpuCard cpu={cpu.value} />}
      <DeviceCurves device={label} total={gpu?.total_memory_gb ?? null} />
      {gpu && <Processes gpu={gpu} />}
      <div class="columns">
        <LimitsForm device={label} />
        {gpu && <DeviceFacts gpu={gpu} />}
      </div>
    </section>
  );
}
