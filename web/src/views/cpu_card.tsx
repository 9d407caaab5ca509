// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import type { Cpu } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { gigabytes, percent } from "../lib/format.ts";
import { linkTo } from "../router.ts";
import { recent, RECENT_S } from "../state/machine.ts";
import { Spark } from "../ui/spark.tsx";
import { ActiveHere } from "./device_parts.tsx";

/** Its share is known in percent; how much that is comes with the history. */
export function CpuCard({ cpu }: { cpu: Cpu }): JSX.Element {
  const readings = recent.value.get("cpu");
  const used = readings?.columns["used_memory_gb"]?.[readings.at.length - 1] ?? null;
  const whole = used != null && cpu.memory_percent ? (used * 100) / cpu.memory_percent : null;
  const cores = cpu.physical_cores && cpu.physical_cores !== cpu.cores
    ? t("devices.cpu.physical", { physical: cpu.physical_cores, cores: cpu.cores }) : t("devices.cpu.cores", { cores: cpu.cores });
  return (
    <article class="card device cpu" aria-labelledby="cpu-name">
      <header class="device-head">
        <h2 id="cpu-name">
          <a href={linkTo("devices", "cpu")} class="device-link">
            <span class="device-name">cpu</span>
            <span class="device-model">{t("devices.cpu.name")}</span>
          </a>
        </h2>
        <span class="muted device-cores">{cpu.cores > 0 && cores}{cpu.freq_mhz ? ` · ${(cpu.freq_mhz / 1000).toFixed(2)} GHz` : ""}</span>
      </header>
      <div class="device-readings">
        <span class="reading big"><b>{cpu.percent == null ? "–" : cpu.percent.toFixed(0)}</b><small>%</small></span>
        <Spark readings={readings} span={RECENT_S} memory={whole} label={t("devices.curve", { name: "cpu", value: percent(cpu.percent) })} />
        <span class="reading" title={t("devices.cpu.load.long")}>
          {t("devices.cpu.load")} {cpu.load_avg ? `${cpu.load_avg["1"].toFixed(2)} ${cpu.load_avg["5"].toFixed(2)} ${cpu.load_avg["15"].toFixed(2)}` : "–"}
        </span>
      </div>
      <div class="device-memory">
        <span class="muted">{t("devices.mainmemory")}</span>
        <span class="num">{percent(cpu.memory_percent, 1)}{used != null && ` · ${gigabytes(used)}`}</span>
      </div>
      <div class="memory-bar" role="img" aria-label={`${t("devices.mainmemory")}: ${percent(cpu.memory_percent, 1)}`}>
        <span class="memory-part memory-others" style={{ width: `${cpu.memory_percent ?? 0}%` }} />
      </div>
      {cpu.per_cpu_percent.length > 1 && (
        <div class="cores" role="img" aria-label={`${t("devices.cpu.each")}: ${cpu.per_cpu_percent.map((value) => percent(value)).join(", ")}`}>
          {cpu.per_cpu_percent.map((value, index) => (
            <span key={index} class="core" title={`${index}: ${percent(value)}`}><span style={{ transform: `scaleY(${(value ?? 0) / 100})` }} /></span>
          ))}
        </div>
      )}
      <div class="device-foot"><ActiveHere device="cpu" /></div>
    </article>
  );
}
