// SPDX-License-Identifier: Apache-2.0
#include "sim/fleet.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace berth::sim {

namespace {

constexpr std::int64_t kMib = 1LL << 20;
constexpr int kMostDevices = 10'000;

struct Share {
  const Card* card;
  int count;
};

// The GPUs of Alibaba's cluster of 2020 by model: 832 V100, 1,080 V100 of 32 GB, 1,596 P100, 994 T4
// and 2,240 older ones, for which the K80 stands here. Source: pai_machine_spec of the trace that
// came with Weng et al., "MLaaS in the Wild", NSDI 2022.
struct PaiPart {
  std::string_view key;
  int gpus;
};
constexpr std::array<PaiPart, 5> kPai{
    {{"v100-16", 832}, {"v100", 1080}, {"p100", 1596}, {"t4", 994}, {"k80", 2240}}};

const Card* find_card(std::string_view key) {
  for (const Card& card : cards()) {
    if (card.key == key) return &card;
  }
  return nullptr;
}

base::Error unknown(std::string_view what) {
  std::vector<std::string> keys;
  for (const Card& card : cards()) keys.emplace_back(card.key);
  return {base::ErrorCode::kBadRequest,
          "unknown fleet \"" + std::string(what) + "\": write pai, a model (" +
              base::join(keys, ", ") + ") or a list such as 6xa100,2xt4",
          {}};
}

base::Result<std::vector<Share>> parse_list(std::string_view spec) {
  std::vector<Share> shares;
  for (const auto& part : base::split(spec, ',')) {
    const auto pieces = base::split(part, 'x');
    const auto number = pieces.size() == 2 ? base::parse_number(pieces[0]) : std::nullopt;
    const Card* card = pieces.size() == 2 ? find_card(pieces[1]) : nullptr;
    if (!number || *number > kMostDevices || card == nullptr) return base::fail(unknown(part));
    shares.push_back({card, static_cast<int>(*number)});
  }
  return shares;
}

// Largest remainders, so that the parts add up to `count`.
std::vector<Share> pai(int count) {
  const int total = std::accumulate(kPai.begin(), kPai.end(), 0,
                                    [](int sum, const PaiPart& part) { return sum + part.gpus; });
  std::vector<Share> shares;
  std::vector<std::pair<int, std::size_t>> remainders;
  int given = 0;
  for (const PaiPart& part : kPai) {
    const std::int64_t exact = static_cast<std::int64_t>(part.gpus) * count;
    shares.push_back({find_card(part.key), static_cast<int>(exact / total)});
    remainders.emplace_back(-static_cast<int>(exact % total), shares.size() - 1);
    given += shares.back().count;
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; given < count; ++i, ++given) ++shares[remainders[i].second].count;
  return shares;
}

model::Device make_gpu(const Card& card, int index) {
  model::Device gpu;
  // Identities in an order that has nothing to do with that of the numbers, as real ones are.
  const auto scattered = static_cast<std::uint32_t>(index) * 2654435761U;
  char id[48];
  std::snprintf(id, sizeof id, "GPU-%08x-0000-4000-8000-%012d", scattered, index);
  gpu.id = model::DeviceId(id);
  gpu.vendor = model::Vendor::kNvidia;
  gpu.index = index;
  gpu.name = "cuda:" + std::to_string(index);
  gpu.model = card.model;
  gpu.compute_capability = card.capability;
  gpu.total_memory = base::Bytes{card.memory_mib * kMib};
  gpu.max_clock_mhz = card.clock_mhz;
  gpu.peak_gflops = card.peak_gflops;
  gpu.memory_gbps = card.memory_gbps;
  return gpu;
}

int speed_of(const model::Device& device) {
  for (const Card& card : cards()) {
    if (card.model == device.model) return card.speed;
  }
  return 0;
}

}  // namespace

const std::vector<Card>& cards() {
  // Memory as nvidia-smi shows it; clocks, peaks and bandwidths from NVIDIA's data sheets (the
  // K80 is two GPUs on a board: half of it).
  static const std::vector<Card> kCards{
      {"a100", "NVIDIA A100-SXM4-80GB", "8.0", 81'920, 1410, 195, 312'000, 2039},
      {"v100", "Tesla V100-SXM2-32GB", "7.0", 32'768, 1530, 157, 125'000, 900},
      {"v100-16", "Tesla V100-SXM2-16GB", "7.0", 16'384, 1530, 157, 125'000, 900},
      {"p100", "Tesla P100-PCIE-16GB", "6.0", 16'384, 1328, 93, 18'700, 732},
      {"t4", "Tesla T4", "7.5", 15'360, 1590, 81, 65'000, 320},
      {"k80", "Tesla K80", "3.7", 11'441, 875, 44, 4'400, 240},
  };
  return kCards;
}

Fleet fleet_of(std::vector<model::Device> devices) {
  Fleet fleet;
  double sum = 0;
  for (const auto& device : devices) {
    if (device.vendor == model::Vendor::kCpu) continue;
    const int speed = speed_of(device);
    fleet.speeds.push_back(speed);
    sum += speed;
    const base::Bytes memory = device.total_memory.value_or(base::Bytes{});
    if (fleet.speeds.size() == 1 || memory < fleet.smallest) fleet.smallest = memory;
  }
  if (std::find(fleet.speeds.begin(), fleet.speeds.end(), 0) != fleet.speeds.end()) {
    // A model that is not in the list: nobody knows how fast it is beside the others.
    std::fill(fleet.speeds.begin(), fleet.speeds.end(), 1);
    sum = static_cast<double>(fleet.speeds.size());
  }
  if (!fleet.speeds.empty()) fleet.mean_speed = sum / static_cast<double>(fleet.speeds.size());
  fleet.devices = std::move(devices);
  return fleet;
}

base::Result<Fleet> make_fleet(std::string_view spec, int count) {
  std::vector<Share> shares;
  if (spec == "pai") {
    shares = pai(count);
  } else if (const Card* card = find_card(spec)) {
    shares = {{card, count}};
  } else {
    auto list = parse_list(spec);
    if (!list) return base::fail(list.error());
    shares = std::move(*list);
  }
  std::vector<model::Device> devices;
  for (const Share& share : shares) {
    for (int i = 0; i < share.count; ++i)
      devices.push_back(make_gpu(*share.card, static_cast<int>(devices.size())));
  }
  if (devices.empty() || devices.size() > kMostDevices) {
    return base::fail(base::ErrorCode::kBadRequest,
                      "a fleet has 1 to 10000 devices, not " + std::to_string(devices.size()));
  }
  model::Device cpu;
  cpu.id = model::DeviceId("CPU");
  cpu.name = "cpu";
  cpu.cores = 64;
  cpu.total_memory = base::Bytes{256LL << 30};
  devices.push_back(std::move(cpu));
  return fleet_of(std::move(devices));
}

}  // namespace berth::sim
