// SPDX-License-Identifier: Apache-2.0
// One field of a form with its label, hint and what is wrong with it.
import type { JSX } from "preact";
import { catalogues, t, type Key } from "../i18n/index.ts";
import { gigabytes } from "../lib/format.ts";
import { deviceNames, gpus, info } from "../state/machine.ts";
import { splitWords } from "../lib/argv.ts";
import { fieldLabel, type Field } from "./specs.ts";
import type { Values } from "./request.ts";

interface Props {
  field: Field;
  value: string;
  values: Values;
  error: string;
  onInput: (value: string) => void;
}

function hintOf(field: Field): string {
  const key = `hint.${field.name}`;
  if (field.type === "pairs") return t("hint.env");
  return key in catalogues.en ? t(key as Key) : "";
}

/** What the command will be started as. */
function Words({ text, shell }: { text: string; shell: boolean }): JSX.Element | null {
  if (shell || text.trim() === "") return null;
  const { words, open } = splitWords(text);
  return (
    <span class="words">
      <span class="unseen">{t("start.words")}: </span>
      {words.map((word, index) => <code key={index}>{word}</code>)}
      {open && <span class="warning-text">{t("start.open")}</span>}
    </span>
  );
}

function deviceLabel(name: string): string {
  const gpu = gpus.value.find((device) => device.device_name === name);
  return gpu ? `${name} · ${gpu.name}${gpu.effective_free_memory_gb == null ? "" : ` · ${gigabytes(gpu.effective_free_memory_gb)} ${t("devices.memory.free")}`}` : name;
}

function Input({ field, value, values, error, onInput, id, describedBy }: Props & { id: string; describedBy: string | undefined }): JSX.Element {
  const shared = {
    id, name: field.name, "aria-invalid": error ? true : undefined, "aria-required": field.required || undefined, "aria-describedby": describedBy,
  } as const;
  const typed = (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement }) => onInput(event.currentTarget.value);
  switch (field.type) {
    case "select":
      return (
        <select {...shared} value={value} onChange={typed}>
          {!field.options!.includes("") && <option value="">{t("start.default")} ({field.options![0]})</option>}
          {field.options!.map((option) => <option key={option} value={option}>{option || t("start.default")}</option>)}
        </select>
      );
    case "model": {
      const models = info.value?.supported_models ?? [];
      return (
        <select {...shared} value={value} onChange={typed}>
          <option value="">{models.length > 0 || !info.value ? "" : t("start.nomodels")}</option>
          {models.map((model) => <option key={model}>{model}</option>)}
        </select>
      );
    }
    case "device": {
      const names = deviceNames.value;
      return (
        <select {...shared} value={value} onChange={typed}>
          <option value="">{t("start.default")} ({field.fallback})</option>
          {value && !names.includes(value) && <option value={value}>{value}</option>}
          {names.map((name) => <option key={name} value={name}>{deviceLabel(name)}</option>)}
        </select>
      );
    }
    case "command":
      return (
        <>
          <textarea {...shared} class="mono" rows={values["shell"] === "true" ? 5 : 2} spellcheck={false} autocapitalize="off" placeholder={values["shell"] === "true" ? "for i in 1 2 3; do …; done" : "python3 train.py --epochs 10"} value={value} onInput={typed} />
          <Words text={value} shell={values["shell"] === "true"} />
        </>
      );
    case "lines":
    case "pairs":
      return <textarea {...shared} class="mono" rows={3} spellcheck={false} value={value} onInput={typed} />;
    case "number":
    case "integer":
      return (
        <input {...shared} type="number" inputMode={field.type === "integer" ? "numeric" : "decimal"} min={field.min} max={field.max} step={field.step ?? (field.type === "integer" ? 1 : "any")}
          placeholder={field.fallback ?? ""} value={value} onInput={typed} />
      );
    default:
      return <input {...shared} type="text" class={field.type === "path" ? "mono" : ""} spellcheck={false} autocomplete="off" autocapitalize="off" placeholder={field.fallback ?? ""} value={value} onInput={typed} />;
  }
}

export function Control(props: Props): JSX.Element {
  const { field, value, error, onInput } = props;
  const id = `f-${field.name}`;
  const label = t(fieldLabel(field.name));
  const hint = hintOf(field);
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const under = (
    <>
      {hint && <span id={`${id}-hint`} class="hint">{hint}</span>}
      {error && <span id={`${id}-error`} class="error-text">{error}</span>}
    </>
  );
  if (field.type === "flag") {
    return (
      <div class={`field check ${field.wide ? "wide" : ""}`}>
        <label><input id={id} type="checkbox" checked={value === "true"} aria-describedby={described} onChange={(event) => onInput(String(event.currentTarget.checked))} /> {label}</label>
        {under}
      </div>
    );
  }
  if (field.type === "choices") {
    const chosen = value.split("\n").filter(Boolean);
    return (
      <fieldset class="field wide">
        <legend>{label}</legend>
        <span class="checks">
          {field.options!.map((option) => (
            <label key={option}>
              <input type="checkbox" checked={chosen.includes(option)} onChange={(event) => onInput((event.currentTarget.checked ? [...chosen, option] : chosen.filter((name) => name !== option)).join("\n"))} /> {option}
            </label>
          ))}
        </span>
        {under}
      </fieldset>
    );
  }
  return (
    <div class={`field ${field.wide ? "wide" : ""}`}>
      <label for={id}>{label}{field.required && <span class="required" aria-hidden="true"> *</span>}</label>
      <Input {...props} id={id} describedBy={described} />
      {under}
    </div>
  );
}
