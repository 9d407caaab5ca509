// SPDX-License-Identifier: Apache-2.0
// The gradients of several processes, added up while the backward pass is still running: they are
// gathered in buckets of 25 MiB, the last layers' first, and a bucket is on its way as soon as its
// last gradient is there (Li et al., PyTorch Distributed, VLDB 2020, section 3.2). Throws what
// torch throws and CommunicationError.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/process_group.h"

namespace berth::vision {

class GradientSync {
 public:
  GradientSync(std::vector<at::Tensor> parameters, std::shared_ptr<runtime::ProcessGroup> group);
  ~GradientSync();
  GradientSync(const GradientSync&) = delete;
  GradientSync& operator=(const GradientSync&) = delete;

  /// Before the backward pass that completes this update's gradients, which are means of `weight`
  /// (a scalar tensor on the device) pictures. Called again for the same update, after pause(), it
  /// sends only what was not sent yet.
  void expect(const at::Tensor& weight);

  /// When that pass has failed and another one is to be tried.
  void pause();

  /// Waits until all gradients are the means over all ranks' pictures. A rank without pictures has
  /// a weight of 0 and no gradients. Ends the update.
  void finish(const at::Tensor& weight);

 private:
  struct Bucket {
    std::vector<size_t> members;  // parameters, in the order in which they lie in `flat`
    at::Tensor flat;
    size_t missing = 0;
    std::function<void()> wait;  // empty: not sent
  };
  class Hook;

  void ready(size_t parameter);
  void send_complete();
  void send(Bucket* bucket);
  at::Tensor place(const Bucket& bucket, size_t member) const;

  std::vector<at::Tensor> parameters_;
  std::shared_ptr<runtime::ProcessGroup> group_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> bucket_of_;            // by parameter
  std::vector<size_t> offset_;               // in the bucket's flat tensor
  std::vector<std::function<void()>> keep_;  // the hooks alive
  std::mutex mutex_;   // hooks of a device's backward pass run on a thread of torch's
  at::Tensor weight_;  // of this rank's gradients
  bool expecting_ = false;
  size_t sent_ = 0;  // buckets, in order, which is the same on all ranks
};

}  // namespace berth::vision
