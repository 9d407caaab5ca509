// SPDX-License-Identifier: Apache-2.0
// Devices that are not there: fleets of one model or of several.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/device.h"

namespace berth::sim {

struct Card {
  std::string_view key;         // what the command line calls it
  std::string_view model;       // as the driver names it
  std::string_view capability;  // CUDA compute capability
  std::int64_t memory_mib;      // total that the driver reports
  int clock_mhz;                // highest
  int speed;                    // peak of single-precision arithmetic in tenths of a TFLOPS
  int peak_gflops;              // of half-precision arithmetic, tensor cores included
  int memory_gbps;              // bandwidth
};

struct Fleet {
  std::vector<model::Device> devices;  // GPUs, then the processor
  std::vector<int> speeds;             // of the GPUs, as Card::speed
  double mean_speed = 1;               // of the GPUs
  base::Bytes smallest;                // memory of the smallest GPU

  [[nodiscard]] std::size_t gpus() const { return speeds.size(); }
};

/// The models that a fleet may consist of.
const std::vector<Card>& cards();

/// `spec` is a model ("a100"), "pai" (the mixture of models of Alibaba's cluster) with `count`
/// devices, or a list of counts and models ("6xa100,2xt4"), to which `count` does not apply.
base::Result<Fleet> make_fleet(std::string_view spec, int count);

/// A fleet of devices that are known already (of a snapshot).
Fleet fleet_of(std::vector<model::Device> devices);

}  // namespace berth::sim
