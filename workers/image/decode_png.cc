// SPDX-License-Identifier: Apache-2.0
// libpng reports errors by longjmp. Everything with a destructor therefore lives outside the
// functions that call setjmp.
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "image/decode.h"

namespace berth::image {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

struct Png {
  png_structp reader = nullptr;
  png_infop header = nullptr;
  const uint8_t* bytes = nullptr;
  size_t left = 0;
  char message[256] = {};
  ~Png() { png_destroy_read_struct(&reader, &header, nullptr); }
};

void on_error(png_structp reader, png_const_charp text) {
  auto* png = static_cast<Png*>(png_get_error_ptr(reader));
  std::strncpy(png->message, text, sizeof png->message - 1);
  png_longjmp(reader, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp reader, png_bytep to, size_t size) {
  auto* png = static_cast<Png*>(png_get_io_ptr(reader));
  if (size > png->left) png_error(reader, "the file is cut short");
  std::memcpy(to, png->bytes, size);
  png->bytes += size;
  png->left -= size;
}

/// Reads the header and asks for 8-bit RGB. False: png->message says why.
bool begin(Png* png) {
  png->reader = png_create_read_struct(PNG_LIBPNG_VER_STRING, png, on_error, on_warning);
  if (png->reader == nullptr) return false;
  png->header = png_create_info_struct(png->reader);
  if (png->header == nullptr) return false;
  if (setjmp(png_jmpbuf(png->reader)) != 0) return false;
  png_set_read_fn(png->reader, png, on_read);
  png_set_user_limits(png->reader, 1'000'000, 1'000'000);
  png_read_info(png->reader, png->header);
  png_set_expand(png->reader);
  png_set_scale_16(png->reader);
  png_set_gray_to_rgb(png->reader);
  png_set_strip_alpha(png->reader);
  png_set_interlace_handling(png->reader);
  png_read_update_info(png->reader, png->header);
  return true;
}

bool read_rows(Png* png, uint8_t** rows) {
  if (setjmp(png_jmpbuf(png->reader)) != 0) return false;
  png_read_image(png->reader, rows);
  png_read_end(png->reader, nullptr);
  return true;
}

}  // namespace

Result<Bitmap> decode_png(const uint8_t* bytes, size_t size) {
  Png png;
  png.bytes = bytes;
  png.left = size;
  if (!begin(&png)) return failed(ErrorCode::kBadImage, std::string("PNG: ") + png.message);
  const int64_t width = png_get_image_width(png.reader, png.header);
  const int64_t height = png_get_image_height(png.reader, png.header);
  if (auto fits = check_dimensions(width, height); !fits) return forward_error(fits);
  if (png_get_rowbytes(png.reader, png.header) != static_cast<size_t>(width) * 3) {
    return failed(ErrorCode::kBadImage, "PNG: unsupported pixel layout");
  }
  Bitmap picture;
  picture.width = static_cast<int>(width);
  picture.height = static_cast<int>(height);
  picture.pixels.resize(static_cast<size_t>(width * height) * 3);
  std::vector<uint8_t*> rows(static_cast<size_t>(height));
  for (size_t y = 0; y < rows.size(); ++y) {
    rows[y] = picture.pixels.data() + y * static_cast<size_t>(width) * 3;
  }
  if (!read_rows(&png, rows.data())) {
    return failed(ErrorCode::kBadImage, std::string("PNG: ") + png.message);
  }
  return picture;
}

}  // namespace berth::image
