// SPDX-License-Identifier: Apache-2.0
// Keys that work anywhere outside of a field. What a list does with keys is in the list.
import type { JSX } from "preact";
import { t, type Key } from "../i18n/index.ts";
import { go } from "../router.ts";
import { nextTheme } from "../state/preferences.ts";
import { openDialog, shown } from "./dialog.tsx";
import { switchLanguage } from "./header.tsx";

const ROWS: readonly (readonly [readonly string[], Key])[] = [
  [["g d", "g t", "g s", "g l"], "help.go"],
  [["j", "k"], "help.list"],
  [["Enter"], "help.open"],
  [["/"], "help.search"],
  [["x"], "help.cancel"],
  [["n"], "help.new"],
  [["d"], "help.theme"],
  [["e"], "help.language"],
  [["Esc"], "help.close"],
  [["?"], "help.help"],
];

function Help(): JSX.Element {
  return (
    <>
      <table class="keys">
        <tbody>
          {ROWS.map(([keys, text]) => (
            <tr key={text}>
              <th scope="row">{keys.map((key) => <kbd key={key}>{key}</kbd>)}</th>
              <td>{t(text)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted">{t("help.units")}</p>
    </>
  );
}

export const openHelp = (): void => openDialog({ title: t("help.title"), content: () => <Help /> });

const PLACES: Record<string, string> = { d: "#/devices", t: "#/tasks", s: "#/start", l: "#/leases" };

export function installShortcuts(): () => void {
  let leader = 0;
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || shown.peek()) return;
    const target = event.target as HTMLElement;
    if (target.closest("input, textarea, select")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (Date.now() - leader < 1500 && PLACES[event.key]) {
      leader = 0;
      event.preventDefault();
      go(PLACES[event.key]!);
      return;
    }
    leader = event.key === "g" ? Date.now() : 0;
    if (event.key === "?") openHelp();
    else if (event.key === "/") {
      const field = document.querySelector<HTMLInputElement>("[data-find]");
      if (!field) return;
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "n") go("#/start");
    else if (event.key === "d") nextTheme();
    else if (event.key === "e") switchLanguage();
  };
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}
