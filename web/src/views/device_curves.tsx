// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { getText } from "../api/client.ts";
import { t, type Key } from "../i18n/index.ts";
import { append, emptyReadings, parseHistory, withGaps, type Readings } from "../lib/history.ts";
import { usePoll } from "../state/poll.ts";
import { Chart } from "../ui/chart.tsx";

const RANGES = {
  "15m": { seconds: 900, step: 1, every: 2_000 },
  "1h": { seconds: 3600, step: 1, every: 5_000 },
  "1d": { seconds: 86_400, step: 60, every: 30_000 },
  "1w": { seconds: 604_800, step: 900, every: 120_000 },
} as const;
type Name = keyof typeof RANGES;

export function DeviceCurves({ device, total }: { device: string; total: number | null }): JSX.Element {
  const [name, setName] = useState<Name>("15m");
  const [loaded, setLoaded] = useState<{ name: Name; readings: Readings } | null>(null);
  const range = RANGES[name];
  // Only what is new is asked for, except at the first time; the last step is read again, it may have been unfinished.
  usePoll(async (abort) => {
    const known = loaded?.name === name ? loaded.readings : emptyReadings();
    const last = known.at[known.at.length - 1];
    const from = last === undefined || range.step > 1 ? `${range.seconds}s` : String(last);
    const csv = await getText(`/api/v2/resources/history?format=csv&device=${encodeURIComponent(device)}&step=${range.step}&from=${from}`, abort);
    const more = [...parseHistory(csv).values()][0] ?? emptyReadings();
    setLoaded((before) => ({ name, readings: range.step > 1 ? more : append(before?.name === name ? before.readings : emptyReadings(), more, range.seconds) }));
  }, range.every, [name, device]);
  const readings = loaded?.name === name ? loaded.readings : null;
  const drawn = useMemo(() => (readings ? withGaps(readings, range.step) : emptyReadings()), [readings]);
  const column = (key: string) => drawn.columns[key] ?? [];
  const lines = useMemo(() => ({
    use: [
      { label: t("devices.utilisation"), color: "--series-1", values: column("utilization") },
      { label: t("devices.bandwidth"), color: "--series-2", values: column("memory_bandwidth_utilization") },
    ].filter((line, index) => index === 0 || line.values.some((value) => value != null)),
    memory: [{ label: t("device.chart.memory"), color: "--series-3", values: column("used_memory_gb") }],
    heat: [{ label: t("device.chart.heat"), color: "--series-4", values: column("temperature_c") }],
    power: [{ label: t("device.chart.power"), color: "--series-5", values: column("power_w") }],
  }), [drawn, t("devices.utilisation")]);
  const has = (key: string) => column(key).some((value) => value != null);
  const digits = (unit: string, places = 0) => (value: number | null) => (value == null ? "–" : `${value.toFixed(places)} ${unit}`);
  return (
    <section class="card" aria-labelledby="history">
      <div class="card-head">
        <h2 id="history">{t("device.history")}</h2>
        <div class="segments" role="group" aria-label={t("device.range")}>
          {(Object.keys(RANGES) as Name[]).map((key) => (
            <button key={key} type="button" aria-pressed={key === name} onClick={() => setName(key)}>{t(`device.range.${key}` as Key)}</button>
          ))}
        </div>
      </div>
      {readings && readings.at.length === 0 && <p class="muted">{t("device.nohistory")}</p>}
      <div class="charts">
        {has("utilization") && <Chart title={t("device.chart.use")} x={drawn.at} lines={lines.use} time from={0} to={100} format={digits("%")} />}
        {has("used_memory_gb") && <Chart title={t(device === "cpu" ? "devices.mainmemory" : "device.chart.memory")} x={drawn.at} lines={lines.memory} time from={0} {...(total ? { to: total } : {})} format={digits("GB", 1)} />}
        {has("temperature_c") && <Chart title={t("device.chart.heat")} x={drawn.at} lines={lines.heat} time format={digits("°C")} />}
        {has("power_w") && <Chart title={t("device.chart.power")} x={drawn.at} lines={lines.power} time from={0} format={digits("W")} />}
      </div>
    </section>
  );
}
