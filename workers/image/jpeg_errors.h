// SPDX-License-Identifier: Apache-2.0
// libjpeg reports errors by longjmp. Everything with a destructor therefore lives outside the
// functions that call setjmp.
#pragma once

#include <csetjmp>

// jpeglib.h needs FILE from the header before it.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on

namespace berth::image {

struct JpegFailure {
  jpeg_error_mgr base;  // First, so that a jpeg_error_mgr* is a JpegFailure*.
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  char damage[JMSG_LENGTH_MAX];  // the first warning that means lost picture content, or empty
};

/// For error_exit: leaves the message in the JpegFailure and goes to its jump.
inline void jump_on_error(j_common_ptr common) {
  auto* failure = reinterpret_cast<JpegFailure*>(common->err);
  common->err->format_message(common, failure->message);
  std::longjmp(failure->jump, 1);
}

}  // namespace berth::image
