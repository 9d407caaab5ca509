// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import type { GpuDevice } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { gigabytes, percent, withUnit } from "../lib/format.ts";
import { gpus } from "../state/machine.ts";
import { CopyButton, Facts } from "../ui/parts.tsx";
import { throttleReasons } from "./device_parts.tsx";

export function DeviceFacts({ gpu }: { gpu: GpuDevice }): JSX.Element {
  const name = (uuid: string) => gpus.value.find((device) => device.uuid === uuid)?.device_name ?? uuid;
  const near = gpu.links.filter((link) => link.nvlinks > 0 || link.closeness === "pcie_switch");
  const pcie = gpu.pcie;
  return (
    <section class="card" aria-labelledby="facts">
      <h2 id="facts">{t("device.facts")}</h2>
      <Facts
        rows={[
          [t("device.fact.uuid"), <span class="mono breaks">{gpu.uuid} <CopyButton text={gpu.uuid} label={t("common.copy")} /></span>],
          [t("device.fact.pci"), <span class="mono">{gpu.pci_bus_id}</span>],
          [t("device.fact.link"), pcie?.generation ? `${pcie.generation}.0 × ${pcie.width ?? "–"}${pcie.max_width ? ` (${pcie.max_generation ?? "–"}.0 × ${pcie.max_width})` : ""}` : null],
          [t("device.fact.mig"), gpu.mig?.profile],
          [t("device.fact.compute"), gpu.compute_capability],
          [t("device.fact.peak"), gpu.peak_gflops ? `${(gpu.peak_gflops / 1000).toFixed(0)} TFLOP/s` : null],
          [t("device.fact.bandwidth"), withUnit(gpu.memory_gbps, "GB/s")],
          [t("device.fact.clock"), gpu.clock_mhz == null ? null : `${gpu.clock_mhz}${gpu.max_clock_mhz ? ` / ${gpu.max_clock_mhz}` : ""} MHz`],
          [t("device.fact.memoryclock"), withUnit(gpu.memory_clock_mhz, "MHz")],
          [t("device.fact.fan"), percent(gpu.fan_percent)],
          [t("device.fact.memorytemp"), withUnit(gpu.memory_temperature_c, "°C")],
          [t("device.fact.codec"), gpu.encoder_utilization == null ? null : `${percent(gpu.encoder_utilization)} / ${percent(gpu.decoder_utilization)}`],
          [t("device.fact.ecc"), gpu.ecc_corrected == null ? null : t("device.fact.ecc.value", { corrected: gpu.ecc_corrected, uncorrected: gpu.ecc_uncorrected ?? "–" })],
          [t("device.fact.xid"), gpu.xid],
          [t("device.fact.throttle"), gpu.throttle ? throttleReasons(gpu.throttle) : null],
          [t("device.fact.unattributed"), gpu.unattributed_memory_gb ? gigabytes(gpu.unattributed_memory_gb) : null],
          [t("device.fact.enforcement"), gpu.enforcement.by || gpu.enforcement.rung],
          [t("device.fact.numa"), gpu.numa_node],
          [t("device.fact.pools"), gpu.pools.join(", ")],
          [t("device.fact.near"), near.map((link) => (link.nvlinks ? `${name(link.peer)} (NVLink × ${link.nvlinks})` : name(link.peer))).join(", ")],
        ]}
      />
    </section>
  );
}
