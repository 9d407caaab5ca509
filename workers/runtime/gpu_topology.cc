// SPDX-License-Identifier: Apache-2.0
#include "runtime/gpu_topology.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#ifdef BERTH_CUDA_HEADERS
#include <cuda_runtime_api.h>
#endif

namespace berth::runtime {

std::vector<GpuPlace> gpu_places() {
  std::vector<GpuPlace> places;
#ifdef BERTH_CUDA_HEADERS
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return places;
  for (int i = 0; i < count; ++i) {
    GpuPlace place;
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess) place.name = properties.name;
    char bus[32] = "";
    if (cudaDeviceGetPCIBusId(bus, sizeof bus, i) == cudaSuccess) place.bus = bus;
    std::transform(place.bus.begin(), place.bus.end(), place.bus.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    place.numa_node = numa_node_of(place.bus);
    for (int other = 0; other < count; ++other) {
      int reaches = 0;
      const bool known = cudaDeviceCanAccessPeer(&reaches, i, other) == cudaSuccess;
      place.reaches.push_back(other == i || (known && reaches != 0));
    }
    places.push_back(std::move(place));
  }
#endif
  return places;
}

std::optional<int> numa_node_of(const std::string& bus, const std::string& sys) {
  std::ifstream file(sys + "/bus/pci/devices/" + bus + "/numa_node");
  int node = -1;
  if (!(file >> node) || node < 0) return std::nullopt;  // -1: one node, or the firmware is silent
  return node;
}

std::string nvidia_driver_version(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  std::istringstream words(line);
  // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue ..."
  for (std::string word; words >> word;) {
    const bool number = word.find('.') != std::string::npos &&
                        word.find_first_not_of("0123456789.") == std::string::npos;
    if (number) return word;
  }
  return {};
}

std::string topology_text(const std::vector<GpuPlace>& gpus) {
  std::string text, apart;
  for (size_t i = 0; i < gpus.size(); ++i) {
    const GpuPlace& gpu = gpus[i];
    text += (i > 0 ? ", " : "") + ("cuda:" + std::to_string(i)) + " (" + gpu.name + ", " + gpu.bus;
    text += gpu.numa_node ? ", NUMA node " + std::to_string(*gpu.numa_node) + ")"
                          : std::string(", NUMA node not known)");
    for (size_t other = i + 1; other < gpu.reaches.size(); ++other) {
      if (gpu.reaches[other]) continue;
      apart += (apart.empty() ? "" : ", ") + ("cuda:" + std::to_string(i)) +
               "-cuda:" + std::to_string(other);
    }
  }
  if (text.empty()) return text;
  return text + (apart.empty() ? "; all reach each other's memory" : "; no peer access: " + apart);
}

std::string communication_failure(const std::string& backend, int rank, int size,
                                  const std::string& device, const std::string& what) {
  // Torch adds a stack of C++ functions below the first lines.
  std::string reason = what.substr(0, what.find("\nException raised from"));
  while (!reason.empty() && std::isspace(static_cast<unsigned char>(reason.back())))
    reason.pop_back();
  std::string text = backend + " failed on rank " + std::to_string(rank) + " of " +
                     std::to_string(size) + " (" + device + "): " + reason;
  if (backend != "NCCL") return text;
  const std::string driver = nvidia_driver_version(), places = topology_text(gpu_places());
  text += ". Driver " + (driver.empty() ? "not known" : driver);
  if (!places.empty()) text += ". GPUs: " + places;
  return text;
}

}  // namespace berth::runtime
