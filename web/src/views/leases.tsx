// SPDX-License-Identifier: Apache-2.0
// Devices kept for programs that are started outside of Berth.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, post, remove } from "../api/client.ts";
import type { Lease } from "../api/types.ts";
import { language, t } from "../i18n/index.ts";
import { quoteWord } from "../lib/argv.ts";
import { clock, gigabytes, shortId } from "../lib/format.ts";
import { linkTo } from "../router.ts";
import { deviceNames, refreshMachine } from "../state/machine.ts";
import { notify } from "../state/notices.ts";
import { usePoll } from "../state/poll.ts";
import { complain } from "../ui/actions.tsx";
import { closeDialog, confirmThat, openDialog } from "../ui/dialog.tsx";
import { Icon } from "../ui/icons.tsx";
import { CommandLine, Empty } from "../ui/parts.tsx";

function NewLease({ after }: { after: () => void }): JSX.Element {
  const [device, setDevice] = useState("auto");
  const [memory, setMemory] = useState("");
  const [ttl, setTtl] = useState("3600");
  const [made, setMade] = useState<Lease | null>(null);
  const [wrong, setWrong] = useState("");
  const create = async (event: Event) => {
    event.preventDefault();
    try {
      setMade(await post<Lease>("/api/v2/leases", { device, ttl_s: Number(ttl), ...(memory ? { memory_gb: Number(memory) } : {}) }));
      after();
    } catch (error) {
      setWrong(error instanceof Error && error.message ? error.message : t("common.unreachable"));
    }
  };
  if (made) {
    const line = Object.entries(made.env).map(([name, value]) => `${name}=${quoteWord(value)}`).join(" ");
    return (
      <div class="stack">
        <p>{made.devices.map((entry) => entry.device).join(", ")} · {t("leases.made")}</p>
        <CommandLine text={line} />
        <div class="dialog-actions"><button type="button" class="button primary" onClick={closeDialog}>{t("common.close")}</button></div>
      </div>
    );
  }
  return (
    <form class="stack" onSubmit={(event) => void create(event)}>
      <label class="field"><span>{t("field.device")}</span>
        <select data-first value={device} onChange={(event) => setDevice(event.currentTarget.value)}>{deviceNames.value.map((name) => <option key={name}>{name}</option>)}</select>
      </label>
      <label class="field"><span>{t("field.memory_gb")}</span>
        <input type="number" min={0} step="any" value={memory} onInput={(event) => setMemory(event.currentTarget.value)} />
      </label>
      <label class="field"><span>{t("leases.ttl")}</span>
        <input type="number" min={1} max={604800} required value={ttl} onInput={(event) => setTtl(event.currentTarget.value)} />
      </label>
      {wrong && <p class="error-text" role="alert">{wrong}</p>}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={closeDialog}>{t("common.cancel")}</button>
        <button type="submit" class="button primary">{t("leases.create")}</button>
      </div>
    </form>
  );
}

export function LeasesView(): JSX.Element {
  const [leases, setLeases] = useState<Lease[] | null>(null);
  const refresh = usePoll(async (abort) => setLeases((await get<{ leases: Lease[] }>("/api/v2/leases", abort)).leases), 2000, []);
  const act = async (work: () => Promise<unknown>, done: string) => {
    try {
      await work();
      notify(done);
    } catch (error) {
      complain(error);
    }
    refresh();
    refreshMachine();
  };
  const path = (id: string) => `/api/v2/leases/${encodeURIComponent(id)}`;
  const end = (lease: Lease) => confirmThat(t("leases.end.title"), t("leases.end.text"), t("leases.end"), t("common.cancel"), () =>
    void act(() => remove(path(lease.lease_id)), t("leases.ended")));
  return (
    <section class="page" aria-labelledby="title">
      <div class="page-head">
        <h1 id="title">{t("leases.title")}</h1>
        <span class="muted">{t("leases.text")}</span>
        <button type="button" class="button primary push" aria-haspopup="dialog" onClick={() => openDialog({ title: t("leases.new"), content: () => <NewLease after={refresh} /> })}>
          <Icon name="start" size={14} />{t("leases.new")}
        </button>
      </div>
      {leases?.length === 0 && (
        <Empty title={t("leases.empty.title")} icon="leases">
          <p class="muted">{t("leases.empty.text")}</p>
          <p><CommandLine text="berth pick --memory 8G --hold 60s --format env" /></p>
        </Empty>
      )}
      {leases && leases.length > 0 && (
        <div class="card scroll-x" tabIndex={0} role="group" aria-label={t("leases.title")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("leases.id")}</th>
                <th scope="col">{t("leases.devices")}</th>
                <th scope="col" class="right">{t("task.reserved")}</th>
                <th scope="col">{t("task.user")}</th>
                <th scope="col">{t("leases.holder")}</th>
                <th scope="col">{t("leases.created")}</th>
                <th scope="col">{t("leases.expires")}</th>
                <th scope="col"><span class="unseen">{t("tasks.col.actions")}</span></th>
              </tr>
            </thead>
            <tbody>
              {leases.map((lease) => (
                <tr key={lease.lease_id}>
                  <th scope="row" class="mono" title={lease.lease_id}>{shortId(lease.lease_id)}</th>
                  <td>{lease.devices.map((device) => <a key={device.uuid} class="chip" href={linkTo("devices", device.device)}>{device.device}</a>)}</td>
                  <td class="right num">{lease.devices.map((device) => gigabytes(device.reserved_gb)).join(", ")}</td>
                  <td>{lease.user ?? ""}</td>
                  <td>{lease.pid == null ? <span class="muted">{t("leases.nobody")}</span> : t("leases.pid", { pid: lease.pid })}</td>
                  <td class="num">{clock(lease.created_at, language.value)}</td>
                  <td class="num">{lease.expires_at ? clock(lease.expires_at, language.value) : t("leases.withprocess")}</td>
                  <td class="actions">
                    <button type="button" class="button small" onClick={() => void act(() => post(`${path(lease.lease_id)}/renew`, {}), t("leases.renewed"))}>{t("leases.renew")}</button>
                    <button type="button" class="button small danger-quiet" onClick={() => end(lease)}>{t("leases.end")}</button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
