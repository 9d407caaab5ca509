// SPDX-License-Identifier: Apache-2.0
// The Chinese for what the scheduler says (patterns of core/words.h, texts of refusal codes, kinds
// and states of devices) and for what is said to requests.
#pragma once

#include <string>
#include <string_view>

namespace berth::api {

/// Of a pattern or a text without holes; `english` itself when it is not known.
std::string_view chinese(std::string_view english);

/// Of a state of a device, "not_responding".
std::string_view state_of_device(std::string_view english);

/// Of a text with its holes filled, of whatever part of Berth (base/rendering.h).
std::string in_chinese(std::string_view english);

}  // namespace berth::api
