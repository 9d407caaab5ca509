// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, messageOf } from "../api/client.ts";
import { setToken, token } from "../api/token.ts";
import { t } from "../i18n/index.ts";
import { quoteWord } from "../lib/argv.ts";
import { notify } from "../state/notices.ts";
import { refreshAll } from "../state/poll.ts";
import { closeDialog, openDialog } from "./dialog.tsx";
import { CommandLine } from "./parts.tsx";

function TokenForm(): JSX.Element {
  const [value, setValue] = useState(token.peek());
  const [file, setFile] = useState("");
  const [hint, setHint] = useState("");
  useEffect(() => {
    // Without a token some daemons tell nothing but where it is.
    get<{ token_file: string }>("/api/v1/info").then((info) => setFile(info.token_file), (error: unknown) => setHint(messageOf(error)));
  }, []);
  const save = (event: Event) => {
    event.preventDefault();
    setToken(value);
    notify(t(value.trim() ? "token.saved" : "token.forgotten"));
    closeDialog();
    refreshAll();
  };
  return (
    <form onSubmit={save} class="stack">
      <p>{hint || t("token.text")}</p>
      {file && <CommandLine text={`cat ${quoteWord(file)}`} />}
      <label class="field">
        <span>{t("token.label")}</span>
        <input data-first type="password" autocomplete="off" spellcheck={false} value={value} onInput={(event) => setValue(event.currentTarget.value)} />
      </label>
      <p class="muted">{t("token.stored")}</p>
      <div class="dialog-actions">
        {token.value && (
          <button type="button" class="button" onClick={() => { setToken(""); notify(t("token.forgotten")); closeDialog(); }}>
            {t("token.forget")}
          </button>
        )}
        <button type="submit" class="button primary">{t("common.save")}</button>
      </div>
    </form>
  );
}

export const openToken = (): void => openDialog({ title: t("token.title"), content: () => <TokenForm /> });
