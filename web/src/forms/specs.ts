// SPDX-License-Identifier: Apache-2.0
// The requests of api/openapi.yaml as forms: which fields, which of them behind "More". A field that is left empty
// is left out of the request, so that the daemon's own default counts; the default is shown as the placeholder.
import type { Key } from "../i18n/index.ts";

export type FieldType =
  | "text" | "path" | "number" | "integer" | "flag" | "select" | "device" | "model" | "command" | "lines" | "pairs" | "choices";

export interface Field {
  name: string;
  type: FieldType;
  required?: boolean;
  /** Shown where nothing is entered; what the daemon then takes. */
  fallback?: string;
  /** Entered from the start. */
  value?: string;
  options?: readonly string[];
  min?: number;
  max?: number;
  step?: number;
  /** Behind "More". */
  more?: boolean;
  /** Takes the whole line. */
  wide?: boolean;
}

export interface FormSpec {
  kind: string;
  path: string;
  group: "command" | "models" | "pictures" | "signals";
  needsToken?: boolean;
  fields: readonly Field[];
}

const POLICIES = ["balanced", "most_free", "least_loaded", "pack", "spread", "fastest"] as const;
const PRIORITY = (fallback: number): Field => ({ name: "priority", type: "integer", min: 1, max: 10, fallback: String(fallback) });
const common = (priority: number): Field[] => [
  { name: "name", type: "text" },
  PRIORITY(priority),
  { name: "retry", type: "integer", min: 0, max: 1000, more: true },
  { name: "task_id", type: "text", more: true },
  { name: "description", type: "text", more: true, wide: true },
];
const path = (name: string, required = true): Field => ({ name, type: "path", required, wide: true });
const DEVICE: Field = { name: "device", type: "device", fallback: "cuda" };

const RECORDING: readonly Field[] = [
  { name: "format", type: "select", options: ["", "cf32", "cf64", "ci16", "ci8", "cu8"] },
  { name: "sample_rate", type: "number", min: 0, fallback: "100000000" },
  { name: "scale", type: "number", min: 0, more: true },
  { name: "use_side_file", type: "flag", value: "true", more: true },
];
const COLORMAPS = ["jet", "viridis", "magma", "inferno", "plasma", "gray"] as const;
const DRAWING: readonly Field[] = [
  { name: "duration_time", type: "number", min: 0, fallback: "0.1" },
  { name: "stft_point", type: "integer", min: 1, max: 65536, fallback: "1024" },
  { name: "colormap", type: "select", options: COLORMAPS },
  { name: "ratio", type: "number", min: 0, max: 16, fallback: "0", more: true },
  { name: "overlap", type: "integer", min: 0, max: 65535, more: true },
  { name: "window", type: "select", options: ["hamming", "hann", "blackman", "rectangular"], more: true },
  { name: "periodic", type: "flag", more: true },
  { name: "width", type: "integer", min: 1, max: 8192, fallback: "1920", more: true },
  { name: "height", type: "integer", min: 1, max: 8192, fallback: "1440", more: true },
  { name: "decibels", type: "select", options: ["amplitude", "power"], more: true },
  { name: "low_db", type: "number", more: true },
  { name: "high_db", type: "number", more: true },
  { name: "floor_db", type: "number", fallback: "-200", more: true },
  { name: "image_format", type: "select", options: ["jpg", "png"], more: true },
  { name: "quality", type: "integer", min: 1, max: 100, fallback: "92", more: true },
  { name: "max_slices", type: "integer", min: 1, more: true },
];

export const FORMS: readonly FormSpec[] = [
  {
    kind: "command", path: "/api/v2/tasks", group: "command", needsToken: true,
    fields: [
      { name: "command", type: "command", required: true, wide: true },
      { name: "shell", type: "flag", wide: true },
      { name: "name", type: "text" },
      { name: "device", type: "device", fallback: "auto" },
      { name: "memory_gb", type: "number", min: 0 },
      PRIORITY(5),
      { name: "kind", type: "select", options: ["command", "training", "inference"], more: true },
      { name: "gpus", type: "integer", min: 1, max: 1024, fallback: "1", more: true },
      { name: "gpu_type", type: "text", more: true },
      { name: "memory_fraction", type: "number", min: 0, max: 1, step: 0.05, more: true },
      { name: "memory_strategy", type: "select", options: ["", "conservative", "aggressive", "dynamic"], more: true },
      { name: "policy", type: "select", options: POLICIES, more: true },
      { name: "exclusive", type: "flag", more: true },
      { name: "hold", type: "flag", more: true },
      { name: "cpu_fallback", type: "flag", more: true },
      { name: "retry", type: "integer", min: 0, max: 1000, fallback: "0", more: true },
      { name: "timeout_s", type: "number", min: 0, more: true },
      { name: "array", type: "text", more: true },
      { name: "pool", type: "text", more: true },
      { name: "task_id", type: "text", more: true },
      { name: "cwd", type: "path", more: true, wide: true },
      { name: "env", type: "pairs", more: true, wide: true },
      { name: "after", type: "lines", more: true },
      { name: "after_any", type: "lines", more: true },
      { name: "description", type: "text", more: true, wide: true },
    ],
  },
  {
    kind: "training", path: "/api/v2/training/start", group: "models",
    fields: [
      { name: "model", type: "model", required: true },
      { name: "num_classes", type: "integer", required: true, min: 1 },
      path("train_path"), path("val_path"), path("save_path"),
      DEVICE,
      { name: "num_epochs", type: "integer", min: 1, fallback: "100" },
      { name: "batch_size", type: "text", fallback: "8" },
      { name: "learning_rate", type: "number", min: 0, fallback: "0.0001" },
      { name: "image_size", type: "integer", min: 32, fallback: "224" },
      ...common(5),
      { name: "weight_path", type: "path", more: true, wide: true },
      { name: "optimizer", type: "select", options: ["adam", "adamw", "sgd"], more: true },
      { name: "schedule", type: "select", options: ["constant", "cosine", "linear", "step"], more: true },
      { name: "warmup_epochs", type: "number", min: 0, fallback: "0", more: true },
      { name: "weight_decay", type: "number", min: 0, more: true },
      { name: "label_smoothing", type: "number", min: 0, max: 0.999, fallback: "0", more: true },
      { name: "precision", type: "select", options: ["fp32", "bf16", "fp16"], more: true },
      { name: "gpus", type: "integer", min: 1, max: 1024, fallback: "1", more: true },
      { name: "accumulate_steps", type: "integer", min: 1, fallback: "1", more: true },
      { name: "clip_norm", type: "number", min: 0, fallback: "0", more: true },
      { name: "early_stop", type: "integer", min: 0, fallback: "0", more: true },
      { name: "save_every", type: "integer", min: 0, fallback: "0", more: true },
      { name: "seed", type: "integer", min: 0, more: true },
      { name: "checkpoint_format", type: "select", options: ["safetensors", "pth", "both"], more: true },
      { name: "policy", type: "select", options: POLICIES, more: true },
      { name: "shuffle", type: "flag", value: "true", more: true },
      { name: "resume", type: "flag", more: true },
      { name: "deterministic", type: "flag", more: true },
    ],
  },
  {
    kind: "inference", path: "/api/v2/inference/start", group: "models",
    fields: [
      path("weight_path"), path("source_path"), path("save_path", false),
      DEVICE,
      { name: "top_k", type: "integer", min: 1, max: 1000, fallback: "5" },
      ...common(3),
      { name: "batch_size", type: "integer", min: 1, max: 4096, more: true },
      { name: "policy", type: "select", options: POLICIES, more: true },
      { name: "annotate", type: "flag", value: "true", more: true },
      { ...path("cfg_path", false), more: true },
    ],
  },
  {
    kind: "batch", path: "/api/v2/inference/batch", group: "models",
    fields: [
      path("weight_path"),
      { name: "source_paths", type: "lines", required: true, wide: true },
      path("save_base_path", false),
      DEVICE,
      { name: "top_k", type: "integer", min: 1, max: 1000, fallback: "5" },
      PRIORITY(3),
      { name: "batch_size", type: "integer", min: 1, max: 4096, more: true },
      { name: "policy", type: "select", options: POLICIES, more: true },
      { name: "annotate", type: "flag", value: "true", more: true },
      { name: "retry", type: "integer", min: 0, max: 1000, more: true },
      { name: "task_id", type: "text", more: true },
      { ...path("cfg_path", false), more: true },
    ],
  },
  {
    kind: "benchmark", path: "/api/v2/inference/benchmark", group: "models",
    fields: [
      path("weight_path"), path("data_path"), path("save_path", false),
      DEVICE,
      { name: "batch_size", type: "integer", min: 1, max: 4096 },
      ...common(3),
      { name: "policy", type: "select", options: POLICIES, more: true },
      { ...path("cfg_path", false), more: true },
    ],
  },
  {
    kind: "split", path: "/api/v2/preprocessing/split", group: "pictures",
    fields: [
      path("input_path"), path("output_path"),
      { name: "train_ratio", type: "number", min: 0.1, max: 0.9, step: 0.05, fallback: "0.8" },
      { name: "val_ratio", type: "number", min: 0.05, max: 0.5, step: 0.05 },
      { name: "seed", type: "integer", min: 0, fallback: "0" },
      { name: "overwrite", type: "flag" },
      { name: "link", type: "flag" },
      ...common(5),
    ],
  },
  {
    kind: "augment", path: "/api/v2/preprocessing/augment", group: "pictures",
    fields: [
      path("dataset_path"), path("output_path", false),
      { name: "methods", type: "choices", wide: true, options: ["AdvancedBlur", "CLAHE", "ColorJitter", "GaussNoise", "ISONoise", "Sharpen"] },
      { name: "seed", type: "integer", min: 0, fallback: "0" },
      ...common(5),
    ],
  },
  {
    kind: "crop", path: "/api/v2/preprocessing/crop", group: "pictures",
    fields: [
      path("input_path"), path("output_path"),
      { name: "x", type: "integer", required: true, min: 0, value: "0" },
      { name: "y", type: "integer", required: true, min: 0, value: "0" },
      { name: "width", type: "integer", required: true, min: 1 },
      { name: "height", type: "integer", required: true, min: 1 },
      ...common(5),
    ],
  },
  {
    kind: "spectrogram", path: "/api/v2/preprocessing/spectrogram", group: "signals",
    fields: [path("source_path"), path("save_path", false), ...RECORDING, ...DRAWING, ...common(5)],
  },
  {
    kind: "waterfall", path: "/api/v2/preprocessing/waterfall", group: "signals",
    fields: [
      path("source_path"), path("save_path"), ...RECORDING,
      { name: "fft_size", type: "integer", min: 1, max: 65536, fallback: "256" },
      { name: "duration_time", type: "number", min: 0, fallback: "0.1" },
      { name: "colormap", type: "select", options: COLORMAPS },
      { name: "advance", type: "integer", min: 1, fallback: "150", more: true },
      { name: "fps", type: "integer", min: 1, max: 1000, fallback: "30", more: true },
      { name: "width", type: "integer", min: 1, max: 8192, fallback: "1280", more: true },
      { name: "height", type: "integer", min: 1, max: 8192, fallback: "720", more: true },
      { name: "quality", type: "integer", min: 1, max: 100, fallback: "90", more: true },
      { name: "low_db", type: "number", more: true },
      { name: "high_db", type: "number", more: true },
      { name: "max_frames", type: "integer", min: 1, more: true },
      ...common(5),
    ],
  },
  {
    kind: "iq-dataset", path: "/api/v2/preprocessing/iq-dataset", group: "signals",
    fields: [path("source_path"), path("save_path"), ...RECORDING, ...DRAWING, ...common(5)],
  },
  {
    kind: "snr", path: "/api/v2/preprocessing/snr", group: "signals",
    fields: [path("source_path"), ...RECORDING, ...common(5)],
  },
  {
    kind: "awgn", path: "/api/v2/preprocessing/awgn", group: "signals",
    fields: [
      path("source_path"), path("save_path", false), ...RECORDING,
      { name: "snr_min", type: "number", min: -200, max: 200, fallback: "-20" },
      { name: "snr_max", type: "number", min: -200, max: 200, fallback: "20" },
      { name: "snr_step", type: "number", min: 0, fallback: "2" },
      { name: "seed", type: "integer", min: 0, fallback: "0" },
      ...common(5),
    ],
  },
];

export const fieldLabel = (name: string): Key => `field.${name}` as Key;
export const formTitle = (kind: string): Key => `form.${kind}` as Key;
