// SPDX-License-Identifier: Apache-2.0
// What is entered in a form, as the request's body; and what the daemon finds wrong with it, by field.
import { splitWords, joinWords } from "../lib/argv.ts";
import type { Task, Violation } from "../api/types.ts";
import type { Field, FormSpec } from "./specs.ts";

export type Values = Record<string, string>;

export function initialValues(spec: FormSpec): Values {
  return Object.fromEntries(spec.fields.map((field) => [field.name, field.value ?? ""]));
}

const list = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

function value(field: Field, text: string): unknown {
  switch (field.type) {
    case "integer":
    case "number":
      // What is no number is sent as it stands: the daemon says what is wrong with it.
      return Number.isFinite(Number(text)) ? Number(text) : text;
    case "flag":
      return text === "true";
    case "lines":
      return list(text);
    case "choices":
      return list(text);
    case "pairs":
      return Object.fromEntries(list(text).map((line) => {
        const equals = line.indexOf("=");
        return equals < 0 ? [line, ""] : [line.slice(0, equals), line.slice(equals + 1)];
      }));
    default:
      return text.trim();
  }
}

export function requestBody(spec: FormSpec, values: Values): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const field of spec.fields) {
    const text = values[field.name] ?? "";
    if (field.name === "shell" || field.name === "cpu_fallback") continue;
    if (field.type === "command") {
      body[field.name] = values["shell"] === "true" ? ["/bin/sh", "-c", text] : splitWords(text).words;
      continue;
    }
    if (field.type === "flag") {
      if ((text === "true") !== (field.value === "true")) body[field.name] = text === "true";
      continue;
    }
    if (text.trim() === "") continue;
    body[field.name] = value(field, text);
  }
  if (values["cpu_fallback"] === "true") body["fallback"] = "cpu";
  // The API takes a number of tasks as a number, indices as text.
  if (typeof body["array"] === "string" && /^\d+$/.test(body["array"])) body["array"] = Number(body["array"]);
  if (typeof body["batch_size"] === "string" && /^\d+$/.test(body["batch_size"])) body["batch_size"] = Number(body["batch_size"]);
  return body;
}

/** Fields that are empty but must not be. */
export function missing(spec: FormSpec, values: Values): string[] {
  return spec.fields.filter((field) => field.required && !(values[field.name] ?? "").trim()).map((field) => field.name);
}

export interface Findings {
  fields: Record<string, string>;
  /** What belongs to no field. */
  form: string;
}

export function findings(spec: FormSpec, values: Values, detail: string | Violation[]): Findings {
  const found: Findings = { fields: {}, form: "" };
  const names = new Set(spec.fields.map((field) => field.name));
  if (typeof detail === "string") {
    // A sentence that quotes what stands in exactly one field is about that field.
    const quoted = spec.fields.filter((field) => {
      const text = (values[field.name] ?? "").trim();
      return field.type !== "flag" && text.length > 2 && detail.includes(text);
    });
    const named = spec.fields.filter((field) => new RegExp(`(^|[^\\w])${field.name}([^\\w]|$)`).test(detail) && field.name.includes("_"));
    const about = named.length === 1 ? named : quoted;
    if (about.length === 1) found.fields[about[0]!.name] = detail;
    else found.form = detail;
    return found;
  }
  const rest: string[] = [];
  for (const violation of detail) {
    const name = String(violation.loc[1] ?? "");
    if (names.has(name)) {
      const where = violation.loc.slice(2).join(".");
      found.fields[name] ??= where ? `${where}: ${violation.msg}` : violation.msg;
    } else {
      rest.push(`${violation.loc.slice(1).join(".")}: ${violation.msg}`);
    }
  }
  found.form = rest.join("; ");
  return found;
}

const FORM_OF: Record<string, string> = {
  command: "command", training: "training", inference: "inference", benchmark: "benchmark", dataset_split: "split",
  data_augmentation: "augment", image_crop: "crop", spectrogram: "spectrogram", waterfall: "waterfall",
  iq_dataset: "iq-dataset", snr: "snr", awgn: "awgn",
};
export const formOf = (task: Task): string => FORM_OF[task.task_type] ?? "command";

function asText(field: Field, given: unknown): string {
  if (given == null) return "";
  if (Array.isArray(given)) return given.join("\n");
  if (typeof given === "object") return field.type === "pairs" ? Object.entries(given).map(([name, text]) => `${name}=${text}`).join("\n") : "";
  return String(given);
}

/** A task's request as a form shows it, to be submitted again. Its own id is not taken over: ids are unique. */
export function valuesOf(spec: FormSpec, task: Task): Values {
  const retry = task.retry && typeof task.retry["max"] === "number" && !task.retry["on"] ? task.retry["max"] : null;
  const given: Record<string, unknown> = {
    name: task.name, priority: task.priority, device: task.device_requested, description: task.description, retry,
    ...(task.task_type === "command"
      ? {
          kind: task.kind, gpus: task.gpus === 1 ? null : task.gpus, memory_gb: task.memory_gb, memory_fraction: task.memory_fraction,
          gpu_type: task.gpu_type, exclusive: task.exclusive, policy: task.policy, timeout_s: task.timeout_s, cwd: task.cwd, pool: task.pool,
        }
      : task.parameters ?? {}),
  };
  // The folder of a run's name is in the path already.
  if (task.task_type === "training" && task.name && typeof given["save_path"] === "string" && given["save_path"].endsWith(`/${task.name}`)) {
    given["save_path"] = given["save_path"].slice(0, -task.name.length - 1);
  }
  const values = initialValues(spec);
  for (const field of spec.fields) {
    if (field.name === "task_id") continue;
    if (field.type === "command") values[field.name] = joinWords(task.command ?? []);
    else if (given[field.name] != null) values[field.name] = asText(field, given[field.name]);
  }
  if (task.cpu_after_s != null) values["cpu_fallback"] = "true";
  return values;
}
