// SPDX-License-Identifier: Apache-2.0
// Starting a task: what kind on the left, its form on the right. What the daemon finds wrong is shown at the field.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, get, messageOf, post, taskPath, Unreachable } from "../api/client.ts";
import { token } from "../api/token.ts";
import type { Task } from "../api/types.ts";
import { Control } from "../forms/control.tsx";
import { findings, initialValues, missing, requestBody, valuesOf, type Findings, type Values } from "../forms/request.ts";
import { FORMS, formTitle, type FormSpec } from "../forms/specs.ts";
import { t, type Key } from "../i18n/index.ts";
import { go, linkTo, route } from "../router.ts";
import { notify } from "../state/notices.ts";
import { nameOf } from "../ui/actions.tsx";
import { Icon } from "../ui/icons.tsx";
import { openToken } from "../ui/token.tsx";

const GROUPS = ["command", "models", "pictures", "signals"] as const;
/** What was entered stays while the page is open, also behind another view. */
const kept = new Map<string, Values>();

function Kinds({ current }: { current: string }): JSX.Element {
  return (
    <nav class="kinds" aria-label={t("start.kinds")}>
      {GROUPS.map((group) => (
        <div key={group}>
          <h2>{t(`start.group.${group}` as Key)}</h2>
          <ul>
            {FORMS.filter((spec) => spec.group === group).map((spec) => (
              <li key={spec.kind}><a href={linkTo("start", spec.kind)} aria-current={spec.kind === current ? "page" : undefined}>{t(formTitle(spec.kind))}</a></li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

/** The id of what was created, whatever was asked for. */
function placeOf(answer: Record<string, unknown>): string {
  if (answer["task_type"] === "array") return linkTo("arrays", String(answer["task_id"]));
  const ids = answer["task_ids"];
  if (Array.isArray(ids)) {
    // A batch is an array: its id is what the ids of its tasks have in common.
    return ids.length > 0 ? linkTo("arrays", String(ids[0]).replace(/_\d+$/, "")) : linkTo("tasks");
  }
  return linkTo("tasks", String(answer["task_id"]));
}

function Form({ spec, from }: { spec: FormSpec; from: string }): JSX.Element {
  const [values, setValues] = useState<Values>(() => kept.get(spec.kind) ?? initialValues(spec));
  const [wrong, setWrong] = useState<Findings>({ fields: {}, form: "" });
  const [sending, setSending] = useState(false);
  const [model, setModel] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const more = useRef<HTMLDetailsElement>(null);
  useEffect(() => void kept.set(spec.kind, values), [values]);
  useEffect(() => {
    if (!from) return;
    get<Task>(taskPath(from))
      .then((task) => {
        setValues(valuesOf(spec, task));
        setModel(nameOf(task));
      })
      .catch(() => undefined);
  }, [from]);
  const body = useMemo(() => requestBody(spec, values), [spec, values]);

  const show = (found: Findings) => {
    setWrong(found);
    const names = Object.keys(found.fields);
    if (spec.fields.some((field) => field.more && names.includes(field.name)) && more.current) more.current.open = true;
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true], .form-error")?.focus());
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const empty = missing(spec, values);
    if (empty.length > 0) {
      show({ fields: Object.fromEntries(empty.map((name) => [name, t("start.required")])), form: "" });
      return;
    }
    if (spec.needsToken && !token.value) {
      openToken();
      return;
    }
    setSending(true);
    try {
      const answer = await post<Record<string, unknown>>(spec.path, body);
      notify(t("start.started", { name: values["name"] || t(formTitle(spec.kind)) }));
      kept.delete(spec.kind);
      go(placeOf(answer));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) show({ fields: {}, form: t("start.token.refused") });
      else if (error instanceof ApiError) show(findings(spec, values, error.detail));
      else show({ fields: {}, form: error instanceof Unreachable ? t("common.unreachable") : messageOf(error) });
    } finally {
      setSending(false);
    }
  };
  const control = (field: FormSpec["fields"][number]) => (
    <Control key={field.name} field={field} value={values[field.name] ?? ""} values={values} error={wrong.fields[field.name] ?? ""}
      onInput={(value) => {
        setValues((before) => ({ ...before, [field.name]: value }));
        if (wrong.fields[field.name]) setWrong({ ...wrong, fields: Object.fromEntries(Object.entries(wrong.fields).filter(([name]) => name !== field.name)) });
      }} />
  );
  const behind = spec.fields.filter((field) => field.more);
  const marked = Object.keys(wrong.fields).length > 0;
  return (
    <form ref={form} class="card form" noValidate onSubmit={(event) => void submit(event)} aria-labelledby="form-title">
      <h2 id="form-title">{t(formTitle(spec.kind))}</h2>
      <p class="muted">{t(`about.${spec.kind}` as Key)} {spec.group !== "command" && t("start.paths")}</p>
      {model && <p class="callout">{t("start.again", { name: model })}</p>}
      <div class="fields">{spec.fields.filter((field) => !field.more).map(control)}</div>
      {behind.length > 0 && (
        <details ref={more}>
          <summary>{t("start.more")}</summary>
          <div class="fields">{behind.map(control)}</div>
        </details>
      )}
      <details>
        <summary>{t("start.request")}</summary>
        <pre class="mono request" tabIndex={0}>{`POST ${spec.path}\n${JSON.stringify(body, null, 2)}`}</pre>
      </details>
      {(wrong.form || marked) && <p class="error-text form-error" role="alert" tabIndex={-1}>{wrong.form || t("start.invalid")}</p>}
      <div class="form-actions">
        <button type="submit" class="button primary" disabled={sending}><Icon name="play" size={14} />{t(sending ? "start.submitting" : "start.submit")}</button>
        {spec.needsToken && (
          <button type="button" class="button quiet" onClick={openToken} aria-haspopup="dialog">
            <Icon name="key" size={14} />{t(token.value ? "header.token.set" : "start.token")}
          </button>
        )}
      </div>
    </form>
  );
}

export function StartView(): JSX.Element {
  const { id, query } = route.value;
  const spec = FORMS.find((form) => form.kind === id) ?? FORMS[0]!;
  return (
    <section class="page" aria-labelledby="title">
      <div class="page-head">
        <h1 id="title">{t("start.title")}</h1>
        <select class="kinds-select" aria-label={t("start.kinds")} value={spec.kind} onChange={(event) => go(linkTo("start", event.currentTarget.value))}>
          {GROUPS.map((group) => (
            <optgroup key={group} label={t(`start.group.${group}` as Key)}>
              {FORMS.filter((form) => form.group === group).map((form) => <option key={form.kind} value={form.kind}>{t(formTitle(form.kind))}</option>)}
            </optgroup>
          ))}
        </select>
      </div>
      <div class="start">
        <Kinds current={spec.kind} />
        <Form key={`${spec.kind}|${query.get("from") ?? ""}`} spec={spec} from={query.get("from") ?? ""} />
      </div>
    </section>
  );
}
