// SPDX-License-Identifier: Apache-2.0
// The Chinese for what the scheduler says: patterns of core/words.h, texts of refusal codes, kinds
// and states of devices.
#pragma once

#include <string_view>

namespace berth::api {

/// `english` itself when it is not known.
std::string_view chinese(std::string_view english);

}  // namespace berth::api
