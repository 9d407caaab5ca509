// SPDX-License-Identifier: Apache-2.0
#include "runtime/process_group.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#ifdef BERTH_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef BERTH_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#if defined(BERTH_GLOO) || defined(BERTH_NCCL)
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#define BERTH_GROUPS 1
#endif

#include "runtime/gpu_topology.h"
#include "runtime/process_group_tensors.h"
#include "runtime/torch_session.h"

namespace berth::runtime {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

namespace {

#ifdef BERTH_GROUPS
// A rank may be long in writing weights to a slow disk; one that has died ends the group at once.
constexpr auto kPatience = std::chrono::minutes(30);

// 1.13 has one class for groups, 2.x a class of its own for what sends the bytes.
#if TORCH_VERSION_MAJOR >= 2
using Sender = c10d::Backend;
#else
using Sender = c10d::ProcessGroup;
#endif
#endif

int environment_number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::atoi(text);
}

}  // namespace

struct ProcessGroup::Backend {
  int rank = 0, size = 1;
  c10::Device device{c10::kCPU};
  const char* name = "";
#ifdef BERTH_GROUPS
  c10::intrusive_ptr<Sender> sender;
#endif

  /// Runs `step`; what goes wrong in it is told with all that helps to find out why.
  template <typename Step>
  void talk(const Step& step) const {
    try {
      step();
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::exception& error) {
      throw CommunicationError(communication_failure(name, rank, size, device.str(), error.what()));
    }
  }
};

std::optional<GroupPlace> GroupPlace::from_environment() {
  const int rank = environment_number("BERTH_RANK", -1);
  const int size = environment_number("BERTH_WORLD_SIZE", 1);
  const char* file = std::getenv("BERTH_RENDEZVOUS");
  if (rank < 0 || size < 2 || file == nullptr) return std::nullopt;
  return GroupPlace{rank, size, file};
}

namespace {

#ifdef BERTH_GROUPS
c10::intrusive_ptr<Sender> meet(const GroupPlace& place, const c10::Device& device) {
  auto store = c10::make_intrusive<c10d::FileStore>(place.rendezvous, place.size);
  store->setTimeout(kPatience);
#ifdef BERTH_NCCL
  if (device.is_cuda()) {
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kPatience;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, place.rank, place.size, options);
  }
#endif
#ifdef BERTH_GLOO
  if (device.is_cpu()) {
    auto options = c10d::ProcessGroupGloo::Options::create();
    options->timeout = kPatience;
    // All ranks are on this machine, whose own name may mean nothing to it.
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
    return c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.size, options);
  }
#endif
  return {};
}
#endif

bool can_join(const c10::Device& device) {
#ifdef BERTH_NCCL
  if (device.is_cuda()) return true;
#endif
#ifdef BERTH_GLOO
  if (device.is_cpu()) return true;
#endif
  (void)device;
  return false;
}

}  // namespace

ProcessGroup::ProcessGroup(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}
ProcessGroup::~ProcessGroup() = default;
int ProcessGroup::rank() const { return backend_->rank; }
int ProcessGroup::size() const { return backend_->size; }

Result<std::shared_ptr<ProcessGroup>> ProcessGroup::join(const GroupPlace& place,
                                                         const std::string& device) {
  auto backend = std::make_unique<Backend>();
  backend->rank = place.rank;
  backend->size = place.size;
  backend->device = c10::Device(device);
  const bool cpu = backend->device.is_cpu();
  backend->name = cpu ? "Gloo" : "NCCL";
  if (!can_join(backend->device)) {
    return failed(ErrorCode::kBadRequest,
                  std::string("several processes cannot train together on ") +
                      (cpu ? "the CPU" : "GPUs") +
                      ": LibTorch " TORCH_VERSION " of this worker has no " + backend->name +
                      (cpu ? "; use processes 1" : "; use gpus 1"));
  }
#ifdef BERTH_GROUPS
  Status joined = guarded("joining the group", [&]() -> Status {
    backend->talk([&] { backend->sender = meet(place, backend->device); });
    return {};
  });
  if (!joined) return forward_error(joined);
#endif
  std::shared_ptr<ProcessGroup> group(new ProcessGroup(std::move(backend)));
  // NCCL connects on first use: it is better to know at once.
  if (auto met = group->least(0); !met) return forward_error(met);
  return group;
}

std::function<void()> begin_sum(ProcessGroup& group, const at::Tensor& tensor) {
#ifdef BERTH_GROUPS
  const auto& backend = group.backend();
  std::vector<at::Tensor> list{tensor};
  decltype(backend.sender->allreduce(list)) work;
  backend.talk([&] { work = backend.sender->allreduce(list); });
  return [&backend, work, tensor] { backend.talk([&] { work->wait(); }); };
#else
  (void)group;
  (void)tensor;
  return [] {};
#endif
}

void sum(ProcessGroup& group, const at::Tensor& tensor) { begin_sum(group, tensor)(); }

void broadcast(ProcessGroup& group, const std::vector<at::Tensor>& tensors) {
  // A sum to which only rank 0 adds anything: exact, and the one kind of call is enough.
  const c10::NoGradGuard no_grad;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.numel() == 0) continue;
    at::Tensor flat = tensor.detach().clone(at::MemoryFormat::Contiguous);
    if (group.rank() != 0) flat.zero_();
    sum(group, flat);
    at::Tensor(tensor).copy_(flat);
  }
}

void average(ProcessGroup& group, const std::vector<at::Tensor>& tensors) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.is_floating_point()) parts.push_back(tensor.detach().reshape({-1}).to(at::kFloat));
  }
  if (parts.empty()) return;
  at::Tensor flat = at::cat(parts);
  sum(group, flat);
  flat.div_(group.size());
  int64_t first = 0;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.is_floating_point()) continue;
    at::Tensor(tensor).copy_(flat.narrow(0, first, tensor.numel()).view(tensor.sizes()));
    first += tensor.numel();
  }
}

namespace {

template <typename Value>
Status sum_values(ProcessGroup& group, std::vector<Value>* values, at::ScalarType type) {
  return guarded("talking to the other processes", [&]() -> Status {
    const at::Tensor own =
        at::from_blob(values->data(), {static_cast<int64_t>(values->size())}, type);
    at::Tensor shared = own.to(group.backend().device, /*non_blocking=*/false, /*copy=*/true);
    sum(group, shared);
    at::Tensor(own).copy_(shared);
    return {};
  });
}

}  // namespace

Status ProcessGroup::sum(std::vector<double>* values) {
  return sum_values(*this, values, at::kDouble);
}

Status ProcessGroup::sum(std::vector<float>* values) {
  return sum_values(*this, values, at::kFloat);
}

Result<int64_t> ProcessGroup::least(int64_t value) {
  std::vector<double> all(static_cast<size_t>(size()), 0);
  all[static_cast<size_t>(rank())] = static_cast<double>(value);
  if (auto summed = sum(&all); !summed) return forward_error(summed);
  return static_cast<int64_t>(*std::min_element(all.begin(), all.end()));
}

}  // namespace berth::runtime
