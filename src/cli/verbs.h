// SPDX-License-Identifier: Apache-2.0
// What each verb takes, and the verbs. Each returns the program's exit status and has printed
// everything there is to say.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "base/units.h"
#include "cli/queueing.h"

namespace berth::cli {

struct GpusOptions {
  bool json = false;
  bool watch = false;
  bool topology = false;
  bool processes = false;  // all of them, not only those that hold most
};
int gpus(const GpusOptions& options);

/// A live view of devices, processes and tasks; needs a terminal.
int top();

struct CheckOptions {
  bool json = false;
  bool automatic = false;  // what the automatic choice looks at and takes, instead
};
/// The GPU memory check of document 004; 1 with no GPU.
int check(const CheckOptions& options);

enum class PickFormat { kDevice, kIndex, kUuid, kEnv, kJson };
struct PickOptions {
  int count = 1;
  base::Bytes memory;  // free on each; 0: any
  std::string policy = "most_free";
  std::string gpu_type;  // part of the model's name, any case; empty: any
  PickFormat format = PickFormat::kDevice;
  std::optional<base::Duration> hold;  // take a lease for so long

  // What only a lease can have.
  std::string device, pool;
  bool exclusive = false;
  std::optional<int> pid;  // of the process that it is for
};
int pick(const PickOptions& options);

enum class LeaseChange { kNone, kRenew, kEnd };
struct LeasesOptions {
  LeaseChange change = LeaseChange::kNone;
  std::vector<std::string> ids;        // or beginnings of ids
  std::optional<base::Duration> time;  // to renew for; by default as long as it was given for
  bool json = false;
};
/// Changes leases, or shows all of them.
int leases(const LeasesOptions& options);

struct RunOptions {
  std::string device;
  int gpus = 1;
  std::optional<base::Bytes> memory;
  std::optional<double> memory_fraction;  // instead
  std::string memory_strategy;            // instead
  std::string gpu_type;
  bool exclusive = false;
  std::string kind = "command";
  std::string policy;
  std::optional<int> priority;
  std::string name;
  std::string task_id;
  std::optional<base::Duration> timeout;
  std::vector<std::pair<std::string, std::string>> env;
  std::string cwd;
  Queueing queueing;
  std::string array;  // indices, in Slurm's syntax; empty: one task
  bool detach = false;
  std::vector<std::string> command;
};
int run(const RunOptions& options);

struct PsOptions {
  bool all = false;
  bool json = false;
  int limit = 100;
  std::string user;  // empty: of all
  std::string text;  // in their id, name, user, device or command; empty: any
};
int ps(const PsOptions& options);

struct ShowOptions {
  std::string id;
  bool json = false;
};
int show(const ShowOptions& options);
int why(const ShowOptions& options);

struct LogsOptions {
  std::string id;
  bool follow = false;
  bool out = false;      // only standard output
  bool err = false;      // only standard error
  bool records = false;  // Berth's own records instead of the raw output
  bool json = false;     // the records as JSON lines
};
int logs(const LogsOptions& options);

/// Of the first of `ids`, in their order, that did not end with 0; else 0.
int wait(const std::vector<std::string>& ids);
int cancel(const std::vector<std::string>& ids);
int rm(const std::vector<std::string>& ids);
int hold(const std::vector<std::string>& ids);
int release(const std::vector<std::string>& ids);
int set_priority(const std::vector<std::string>& ids, int priority);

enum class DrainChange { kNone, kDrain, kResume };
struct DrainOptions {
  DrainChange change = DrainChange::kNone;
  std::vector<std::string> devices;  // none: the whole machine
  std::string reason;
  bool json = false;
};
/// Changes what is drained, and shows what then is.
int drain(const DrainOptions& options);

struct LimitChange {
  std::string device, kind;
  int limit = 0;
};
struct LimitsOptions {
  bool json = false;
  std::vector<LimitChange> changes;  // empty: show
};
int limits(const LimitsOptions& options);

struct TrainOptions {
  std::string model = "resnet18";
  std::string train, val, save, name, weights;
  int epochs = 100;
  std::string batch_size = "8";  // or "auto"
  double learning_rate = 0.0001;
  int image_size = 224;
  std::optional<int> num_classes;  // default: the sub-directories of `train`
  std::string device = "cuda";
  int priority = 5;
  bool shuffle = true;
  bool pretrained = true;
  std::string task_id;
  bool detach = false;
  base::json::object more;  // further fields of the request
};
int train(const TrainOptions& options);

struct InferOptions {
  std::string weights, source, cfg, save, name;  // source: what benchmark calls its data
  std::string boxes;
  base::json::object detector, more;  // fields of the request
  std::optional<int> batch_size;
  std::string device = "cuda";
  int priority = 3;
  std::string task_id;
  bool detach = false;
  bool json = false;
};
int infer(const InferOptions& options);
int benchmark(const InferOptions& options);

enum class DataWork { kSplit, kAugment, kCrop, kSpectrogram, kWaterfall, kIqDataset, kSnr, kAwgn };
struct DataOptions {
  DataWork work = DataWork::kSplit;
  std::string input, output, name;
  std::optional<double> train_ratio, val_ratio;  // kSplit
  bool overwrite = false, link = false;          // kSplit
  std::vector<std::string> methods;              // kAugment; empty: all
  std::optional<std::int64_t> seed;              // kSplit, kAugment
  int x = 0, y = 0, width = 0, height = 0;       // kCrop
  base::json::object more;                       // further fields of the request, from kSpectrogram
  int priority = 5;
  std::string task_id;
  bool detach = false;
  bool json = false;
};
int data(const DataOptions& options);

struct InfoOptions {
  bool json = false;
};
int info(const InfoOptions& options);
int version();
int doctor(const InfoOptions& options);
/// Has the daemon tell everybody of its notifications a test; 1 when one did not take it.
int notify_test(const InfoOptions& options);

/// Inspects and converts files of weights: berth-worker-weights, whose arguments these are.
int weights(const std::vector<std::string>& arguments);

}  // namespace berth::cli
