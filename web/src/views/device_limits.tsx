// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { t } from "../i18n/index.ts";
import { drains, refreshMachine, resources } from "../state/machine.ts";
import { notify } from "../state/notices.ts";
import { complain } from "../ui/actions.tsx";
import { closeDialog, openDialog } from "../ui/dialog.tsx";
import { Icon } from "../ui/icons.tsx";

const KINDS = ["training", "inference"] as const;

export function LimitsForm({ device }: { device: string }): JSX.Element | null {
  const limits = resources.value?.limits[device];
  const usage = resources.value?.device_usage[device];
  // What is entered; until then what is in force.
  const [entered, setEntered] = useState<Partial<Record<(typeof KINDS)[number], string>>>({});
  if (!limits) return null;
  const changed = KINDS.some((kind) => entered[kind] !== undefined && entered[kind] !== String(limits[kind]));
  const save = async (event: Event) => {
    event.preventDefault();
    const wanted = Object.fromEntries(KINDS.flatMap((kind) => (entered[kind] === undefined ? [] : [[kind, Number(entered[kind])]])));
    try {
      await post("/api/v2/resources/config", { max_concurrent: { [device]: wanted } });
      setEntered({});
      notify(t("device.limits.saved", { name: device }));
    } catch (error) {
      complain(error);
    }
    refreshMachine();
  };
  return (
    <section class="card" aria-labelledby="limits">
      <h2 id="limits">{t("device.limits")}</h2>
      <p class="muted">{t("device.limits.text")}</p>
      <form class="limits" onSubmit={(event) => void save(event)}>
        {KINDS.map((kind) => (
          <label key={kind} class="field">
            <span>{t(`kind.${kind}`)} <span class="muted">{t("device.limits.now", { count: usage?.[kind] ?? 0 })}</span></span>
            <input type="number" min={0} max={1000000} step={1} required value={entered[kind] ?? String(limits[kind])}
              onInput={(event) => setEntered({ ...entered, [kind]: event.currentTarget.value })} />
          </label>
        ))}
        <button type="submit" class="button primary" disabled={!changed}>{t("common.save")}</button>
      </form>
    </section>
  );
}

/** Without a device: the whole machine. */
function DrainForm({ device }: { device: string | null }): JSX.Element {
  const [reason, setReason] = useState("");
  const drain = async (event: Event) => {
    event.preventDefault();
    closeDialog();
    await setDrain(device, true, reason);
  };
  return (
    <form class="stack" onSubmit={(event) => void drain(event)}>
      <p>{t("device.drain.text")}</p>
      <label class="field">
        <span>{t("device.drain.reason")}</span>
        <input data-first value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={closeDialog}>{t("common.cancel")}</button>
        <button type="submit" class="button primary">{t("device.drain")}</button>
      </div>
    </form>
  );
}

async function setDrain(device: string | null, drain: boolean, reason: string): Promise<void> {
  try {
    await post("/api/v2/resources/drain", { devices: device === null ? null : [device], drain, reason: reason.trim() || null });
    notify(t(drain ? "device.drain.done" : "device.resume.done", { name: device ?? t("device.drain.machine.name") }));
  } catch (error) {
    complain(error);
  }
  refreshMachine();
}

export function DrainControl({ device }: { device: string | null }): JSX.Element {
  const reason = device !== null ? drains.value?.devices[device] : drains.value?.machine ? (drains.value.reason ?? "") : undefined;
  if (reason !== undefined) {
    return (
      <button type="button" class="button" onClick={() => void setDrain(device, false, "")} title={reason}>
        <Icon name="play" size={14} />
        {t("device.resume")}
      </button>
    );
  }
  return (
    <button type="button" class="button" aria-haspopup="dialog"
      onClick={() => openDialog({ title: device === null ? t("device.drain.machine.title") : t("device.drain.title", { name: device }), content: () => <DrainForm device={device} /> })}>
      <Icon name="pause" size={14} />
      {t(device === null ? "device.drain.machine" : "device.drain")}
    </button>
  );
}
