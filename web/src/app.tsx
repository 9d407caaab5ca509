// SPDX-License-Identifier: Apache-2.0
// The frame around the views: header, what is wrong with the connection, notices, shortcuts.
import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { connection } from "./api/client.ts";
import { language, t } from "./i18n/index.ts";
import { route, type View } from "./router.ts";
import { announce, announcement, dismiss, notices } from "./state/notices.ts";
import { readInfo } from "./state/machine.ts";
import { refreshAll } from "./state/poll.ts";
import { counts } from "./state/tasks.ts";
import { DialogHost } from "./ui/dialog.tsx";
import { Icon } from "./ui/icons.tsx";
import { Header } from "./ui/header.tsx";
import { installShortcuts } from "./ui/shortcuts.tsx";
import { openToken } from "./ui/token.tsx";
import { ArrayView } from "./views/array.tsx";
import { DeviceView } from "./views/device.tsx";
import { DevicesView } from "./views/devices.tsx";
import { LeasesView } from "./views/leases.tsx";
import { StartView } from "./views/start.tsx";
import { TaskView } from "./views/task.tsx";
import { TasksView } from "./views/tasks.tsx";

const TITLE: Record<View, () => string> = {
  devices: () => t("devices.title"),
  device: () => route.value.id,
  tasks: () => t("tasks.title"),
  task: () => route.value.id,
  array: () => t("array.title"),
  start: () => t("start.title"),
  leases: () => t("leases.title"),
  unknown: () => t("notfound.title"),
};

function Place(): JSX.Element {
  const { view, id } = route.value;
  switch (view) {
    case "devices": return <DevicesView />;
    case "device": return <DeviceView key={id} name={id} />;
    case "tasks": return <TasksView />;
    case "task": return <TaskView key={id} id={id} />;
    case "array": return <ArrayView key={id} id={id} />;
    case "start": return <StartView />;
    case "leases": return <LeasesView />;
    default: return <section class="page"><h1>{t("notfound.title")}</h1><p>{t("notfound.text")}</p></section>;
  }
}

function Banner(): JSX.Element | null {
  const state = connection.value;
  if (state === "offline") {
    return (
      <div class="banner" role="alert">
        <Icon name="warning" />
        <span>{t("banner.offline")}</span>
        <button type="button" class="button small" onClick={refreshAll}>{t("banner.retry")}</button>
      </div>
    );
  }
  if (state === "unauthorized") {
    return (
      <div class="banner" role="alert">
        <Icon name="key" />
        <span>{t("banner.unauthorized")}</span>
        <button type="button" class="button small" onClick={openToken}>{t("banner.enter")}</button>
      </div>
    );
  }
  return null;
}

function Notices(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={`notice ${notice.kind}`} role={notice.kind === "error" ? "alert" : undefined}>
          <span>{notice.text}</span>
          <button type="button" class="button quiet icon-only" aria-label={t("common.dismiss")} onClick={() => dismiss(notice.id)}>
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}

export function App(): JSX.Element {
  const { view, id } = route.value;
  useEffect(installShortcuts, []);
  useEffect(() => {
    const live = counts.value?.live;
    document.title = `${live ? `(${live}) ` : ""}${TITLE[view]()} – Berth`;
  }, [view, id, language.value, counts.value?.live]);
  useEffect(() => {
    // A new place is read from its top, by eyes and by screen readers.
    scrollTo(0, 0);
    if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }, [view, id]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>{t("app.skip")}</a>
      <Header />
      <Banner />
      <main id="main" tabIndex={-1} class={`view-${view}`}>
        <Place />
      </main>
      <Notices />
      <div class="unseen" role="status" aria-live="polite">{announcement.value}</div>
      <DialogHost />
    </>
  );
}

let was = connection.peek();
effect(() => {
  const is = connection.value;
  if (is === "offline" && was !== "offline") announce(t("announce.offline"));
  if (is === "online" && was !== "online") {
    if (was === "offline") announce(t("announce.online"));
    if (was !== "connecting") refreshAll();
    void readInfo(); // another version may have come back
  }
  was = is;
});
