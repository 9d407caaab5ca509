// SPDX-License-Identifier: Apache-2.0
// What api/openapi.yaml describes, as far as this page reads it.

export type State = "pending" | "queued" | "running" | "completed" | "failed" | "cancelled";
export type Kind = "command" | "training" | "inference";
export type TaskType =
  | "training" | "inference" | "benchmark" | "command" | "dataset_split" | "data_augmentation" | "image_crop"
  | "spectrogram" | "waterfall" | "iq_dataset" | "snr" | "awgn";

export interface TaskFailure {
  code: string;
  message: string;
  file: string | null;
  suggested_memory_gb: number | null;
}

/** What the last attempt has used of its GPUs. */
export interface Usage {
  seconds: number;
  peak_memory_gb: number | null;
  mean_memory_gb: number | null;
  utilization: number | null;
  energy_j: number | null;
}

/** Memory that is kept for a task on a device, and what it holds of it. */
export interface HeldMemory {
  reserved_gb: number;
  used_gb: number | null;
  over_reserved: boolean;
}

export interface PlacedDevice extends HeldMemory {
  device: string;
  uuid: string;
}

export interface Enforcement {
  rung: string;
  by: string;
  fenced: boolean;
  fence_missing: string;
}

export interface Task {
  task_id: string;
  task_type: TaskType;
  status: State;
  message: string;
  progress: number;
  device: string;
  priority: number;
  created_at: string;
  updated_at: string;
  current_epoch: number | null;
  total_epochs: number | null;
  items_done: number | null;
  items_total: number | null;
  latest_metrics: Record<string, unknown> | null;
  name: string | null;
  description: string | null;
  kind: Kind;
  device_requested: string;
  gpus: number;
  memory_gb: number | null;
  memory_fraction: number | null;
  gpu_type: string | null;
  exclusive: boolean;
  policy: string;
  cancelling: boolean;
  attempt: number;
  retries: number;
  not_before: string | null;
  held: boolean;
  retry: Record<string, unknown> | null;
  after: string[];
  after_any: string[];
  cpu_after_s: number | null;
  timeout_s: number | null;
  waiting_for: string | null;
  pool: string | null;
  user: string | null;
  array: { id: string; index: number; size: number; at_once: number | null } | null;
  enforcement: Enforcement | null;
  started_at: string | null;
  finished_at: string | null;
  exit_code: number | null;
  signal: number | null;
  cause: string | null;
  last_error: TaskFailure | null;
  error: TaskFailure | null;
  fallback: string | null;
  placement: { devices: PlacedDevice[]; rule: string } | null;
  usage: Usage | null;
  command: string[] | null;
  cwd: string | null;
  save_path: string | null;
  parameters: Record<string, unknown> | null;
  result: Record<string, unknown> | null;
  result_path: string | null;
}

export interface TaskArray {
  task_id: string;
  task_type: "array";
  status: State;
  message: string;
  progress: number;
  name: string | null;
  kind: Kind;
  device_requested: string;
  priority: number;
  user: string | null;
  size: number;
  at_once: number | null;
  counts: Partial<Record<State, number>>;
  tasks: string[];
  exit_code: number | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface TaskList {
  tasks: Task[];
  total: number;
}

export interface ExplainedDevice {
  device: string;
  uuid: string;
  verdict: "fits" | "wait" | "never";
  code: string;
  needed: string | null;
  available: string | null;
  since: string | null;
  next_probe: string | null;
}

export interface Explanation {
  task_id: string;
  state: State;
  summary: string;
  devices: ExplainedDevice[];
  counts: Record<string, number>;
  ahead: number;
  devices_wanted?: number;
  earliest_start: string | null;
  would_fit_if: string[];
}

export interface LogRecord {
  timestamp: string;
  level: "INFO" | "WARNING" | "ERROR";
  message: string;
  metrics?: Record<string, unknown>;
  step?: number;
  stage?: string;
  stream?: "stdout" | "stderr";
}

export interface LogEnd {
  status: State;
  message: string;
}

export interface Metrics {
  epoch: number | null;
  train_loss: number | null;
  train_acc: number | null;
  val_loss: number | null;
  val_acc: number | null;
  macro_f1: number | null;
  mAP: number | null;
  learning_rate: number | null;
  best_acc: number | null;
  [name: string]: number | null;
}

export interface TrainingHistory {
  model: string;
  epochs: Metrics[];
}

export interface TrainingReport {
  model: string;
  metrics: Metrics;
  classes: {
    class: string;
    support: number;
    precision: number;
    recall: number;
    f1: number;
    average_precision: number;
  }[];
  confusion_matrix: number[][];
}

export interface Prediction {
  path: string;
  index: number;
  class: string;
  confidence: number;
  top?: { class: string; index?: number; probability?: number; confidence?: number }[];
}

export interface InferenceResult {
  model: string;
  class_names: string[];
  predictions: Prediction[];
  failed: { path: string; reason: string }[];
  images: number;
  seconds: number | null;
  images_per_second: number | null;
  result_path: string;
  truncated?: boolean;
}

export interface Preprocessing {
  task_id: string;
  stats: Record<string, unknown> | null;
  input_path: string | null;
  output_path: string | null;
}

export interface GpuProcess {
  pid: number;
  user: string;
  command: string;
  type: string;
  used_memory_gb: number | null;
  utilization: number | null;
  container: string | null;
  state: "alive" | "orphan" | "zombie" | "unseen";
  task_id: string | null;
  left_by: string | null;
}

export interface TaskCounts {
  training: number;
  inference: number;
  command: number;
}

export interface GpuDevice {
  id: number;
  device_name: string;
  name: string;
  vendor: string;
  uuid: string;
  pci_bus_id: string;
  compute_capability: string | null;
  peak_gflops: number | null;
  memory_gbps: number | null;
  partitioned: boolean;
  mig: { parent: string; profile: string | null; number: number } | null;
  numa_node: number | null;
  links: { peer: string; closeness: string; nvlinks: number }[];
  total_memory_gb: number | null;
  allocated_memory_gb: number | null;
  cached_memory_gb: number | null;
  free_memory_gb: number | null;
  reserved_memory_gb: number | null;
  effective_free_memory_gb: number | null;
  unattributed_memory_gb: number | null;
  utilization: number | null;
  sm_utilization: number | null;
  memory_bandwidth_utilization: number | null;
  encoder_utilization: number | null;
  decoder_utilization: number | null;
  temperature_c: number | null;
  memory_temperature_c: number | null;
  power_w: number | null;
  power_limit_w: number | null;
  energy_j: number | null;
  clock_mhz: number | null;
  max_clock_mhz: number | null;
  memory_clock_mhz: number | null;
  fan_percent: number | null;
  pcie: { generation: number | null; width: number | null; max_generation: number | null; max_width: number | null } | null;
  ecc_corrected: number | null;
  ecc_uncorrected: number | null;
  xid: number | null;
  throttle: string[] | null;
  no_tasks: string | null;
  enforcement: Enforcement;
  pools: string[];
  health: "healthy" | "lost" | "not_responding" | "failed";
  health_reason: string | null;
  unhealthy_since: string | null;
  next_probe: string | null;
  current_tasks: TaskCounts;
  processes: GpuProcess[] | null;
  age_s: number | null;
}

export interface Gpu {
  available: boolean;
  count: number;
  devices: GpuDevice[];
  other_devices: GpuDevice[];
  cuda_version: string | null;
  driver_version: string | null;
  pytorch_version: string | null;
  hints: string[];
}

export interface ActiveTask extends HeldMemory {
  id: string;
  type: Kind | "lease";
}

export type Limits = Record<string, { training: number; inference: number }>;

export interface Resources {
  device_usage: Record<string, TaskCounts>;
  active_tasks: Record<string, ActiveTask[]>;
  limits: Limits;
  gpu_info: Gpu;
}

export interface Cpu {
  percent: number | null;
  per_cpu_percent: (number | null)[];
  cores: number;
  physical_cores: number | null;
  freq_mhz: number | null;
  load_avg: { "1": number; "5": number; "15": number } | null;
  memory_percent: number | null;
}

export interface Drains {
  machine: boolean;
  reason: string | null;
  devices: Record<string, string>;
}

export interface Lease {
  lease_id: string;
  devices: PlacedDevice[];
  rule: string;
  created_at: string;
  expires_at: string | null;
  ttl_s: number;
  pid: number | null;
  user: string | null;
  env: Record<string, string>;
}

export interface Info {
  version: string;
  supported_models: string[];
  gpu_available: boolean;
}

export interface Health {
  status: string;
  timestamp: string;
  version: string;
  parts: Record<string, string>;
}

export interface Violation {
  type: string;
  loc: (string | number)[];
  msg: string;
}

export interface Action {
  status: string;
  message: string;
  task_id: string;
}

export const FINAL: readonly State[] = ["completed", "failed", "cancelled"];
export const isFinal = (state: State): boolean => FINAL.includes(state);
