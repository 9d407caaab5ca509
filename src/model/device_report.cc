// SPDX-License-Identifier: Apache-2.0
#include "model/device_report.h"

namespace berth::model {

using base::json::array;
using base::json::object;
using base::json::value;

void add_belongings(object& report, const Device& device) {
  report["partitioned"] = device.partitioned;
  report["mig"] = nullptr;
  if (const auto& mig = device.mig) {
    report["mig"] = object{{"parent", mig->parent.value},
                           {"profile", mig->profile.empty() ? value(nullptr) : value(mig->profile)},
                           {"number", mig->number},
                           {"gpu_instance", mig->gpu_instance},
                           {"compute_instance", mig->compute_instance}};
  }
  report["numa_node"] = base::or_null(device.numa_node);
  array links;
  for (const auto& link : device.links) {
    links.push_back(object{{"peer", link.peer.value},
                           {"closeness", to_text(link.closeness)},
                           {"nvlinks", link.nvlinks}});
  }
  report["links"] = std::move(links);
}

}  // namespace berth::model
