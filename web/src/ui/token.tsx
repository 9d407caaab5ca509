// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, messageOf } from "../api/client.ts";
import { setToken, token } from "../api/token.ts";
import { t } from "../i18n/index.ts";
import { quoteWord } from "../lib/argv.ts";
import { notify } from "../state/notices.ts";
import { refreshAll } from "../state/poll.ts";
import { closeDialog, openDialog } from "./dialog.tsx";
import { CommandLine } from "./parts.tsx";

interface Info {
  token_file: string;
  authenticated: boolean;
}

/** False only when the daemon says so: what cannot be asked is found out later. */
async function isRight(): Promise<boolean> {
  try {
    return (await get<Info>("/api/v1/info")).authenticated;
  } catch (error) {
    return !(error instanceof ApiError && error.status === 401);
  }
}

function TokenForm(): JSX.Element {
  const [value, setValue] = useState(token.peek());
  const [file, setFile] = useState("");
  const [hint, setHint] = useState("");
  useEffect(() => {
    // Without a token some daemons tell nothing but where it is.
    get<Info>("/api/v1/info").then((info) => setFile(info.token_file), (error: unknown) => setHint(messageOf(error)));
  }, []);
  const [wrong, setWrong] = useState(false);
  const save = async (event: Event) => {
    event.preventDefault();
    const before = token.peek();
    setToken(value);
    if (value.trim() && !(await isRight())) {
      setToken(before);
      setWrong(true);
      return;
    }
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
      {wrong && <p class="error-text" role="alert">{t("token.wrong")}</p>}
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
