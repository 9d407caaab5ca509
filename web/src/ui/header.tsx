// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import { connection } from "../api/client.ts";
import { token } from "../api/token.ts";
import { language, setLanguage, t, type Key } from "../i18n/index.ts";
import { count } from "../lib/format.ts";
import { route, type View } from "../router.ts";
import { info } from "../state/machine.ts";
import { dark, nextTheme } from "../state/preferences.ts";
import { counts } from "../state/tasks.ts";
import { Icon, Mark, type IconName } from "./icons.tsx";
import { openHelp } from "./shortcuts.tsx";
import { openToken } from "./token.tsx";

const PLACES: readonly { hash: string; icon: IconName; key: Key; views: readonly View[] }[] = [
  { hash: "#/devices", icon: "devices", key: "nav.devices", views: ["devices", "device"] },
  { hash: "#/tasks", icon: "tasks", key: "nav.tasks", views: ["tasks", "task", "array"] },
  { hash: "#/start", icon: "start", key: "nav.start", views: ["start"] },
  { hash: "#/leases", icon: "leases", key: "nav.leases", views: ["leases"] },
];

export const switchLanguage = (): void => setLanguage(language.peek() === "en" ? "zh" : "en");

export function Header(): JSX.Element {
  const known = counts.value;
  const online = connection.value === "online";
  return (
    <header class="header">
      <a class="brand" href="#/devices" aria-label={t("app.title")}>
        <Mark />
        <span>Berth</span>
      </a>
      <nav aria-label={t("nav.label")}>
        {PLACES.map((place) => (
          <a key={place.hash} href={place.hash} aria-current={place.views.includes(route.value.view) ? "page" : undefined}>
            <Icon name={place.icon} />
            <span>{t(place.key)}</span>
            {place.key === "nav.tasks" && known && known.live > 0 && (
              <span class="nav-count" title={t("header.counts", { running: known.running, queued: known.live - known.running })}>
                {count(known.live, language.value)}
              </span>
            )}
          </a>
        ))}
      </nav>
      <div class="header-tools">
        <span class={`dot ${online ? "on" : "off"}`} role="img" aria-label={t(online ? "header.online" : "header.offline")} title={`${t(online ? "header.online" : "header.offline")}${info.value ? ` · ${info.value.version}` : ""}`} />
        <button type="button" class="button quiet icon-only" onClick={openToken} aria-label={t(token.value ? "header.token.set" : "header.token.none")} title={t(token.value ? "header.token.set" : "header.token.none")} aria-haspopup="dialog">
          <span class={token.value ? "token-set" : "token-unset"}><Icon name="key" /></span>
        </button>
        <button type="button" class="button quiet icon-only" onClick={nextTheme} aria-label={t(dark.value ? "header.theme.light" : "header.theme.dark")} title={t(dark.value ? "header.theme.light" : "header.theme.dark")}>
          <Icon name={dark.value ? "sun" : "moon"} />
        </button>
        <button type="button" class="button quiet" onClick={switchLanguage} aria-label={t("header.language.label")} title={t("header.language.label")}>
          {t("header.language")}
        </button>
        <button type="button" class="button quiet icon-only wide-only" onClick={openHelp} aria-label={t("header.help")} title={`${t("header.help")} (?)`} aria-haspopup="dialog">
          <Icon name="help" />
        </button>
      </div>
    </header>
  );
}
