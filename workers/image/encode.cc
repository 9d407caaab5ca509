// SPDX-License-Identifier: Apache-2.0
#include "image/encode.h"

#include <png.h>

#include <cctype>
#include <cstdlib>

#include "image/jpeg_errors.h"

namespace berth::image {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

constexpr int kUsualQuality = 95;

struct Writer {
  jpeg_compress_struct writer{};
  JpegFailure failure{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  ~Writer() {
    jpeg_destroy_compress(&writer);
    std::free(bytes);
  }
};

/// Nothing with a destructor lives here: libjpeg leaves by longjmp.
bool write_jpeg(Writer* jpeg, const Bitmap& picture, int quality) {
  if (setjmp(jpeg->failure.jump) != 0) return false;
  jpeg_create_compress(&jpeg->writer);
  jpeg_mem_dest(&jpeg->writer, &jpeg->bytes, &jpeg->size);
  jpeg->writer.image_width = static_cast<unsigned>(picture.width);
  jpeg->writer.image_height = static_cast<unsigned>(picture.height);
  jpeg->writer.input_components = 3;
  jpeg->writer.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg->writer);
  jpeg_set_quality(&jpeg->writer, quality, TRUE);
  jpeg->writer.dct_method = JDCT_ISLOW;
  jpeg->writer.comp_info[0].h_samp_factor = 1;
  jpeg->writer.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&jpeg->writer, TRUE);
  while (jpeg->writer.next_scanline < jpeg->writer.image_height) {
    JSAMPROW row =
        const_cast<uint8_t*>(picture.pixels.data()) +
        static_cast<size_t>(jpeg->writer.next_scanline) * static_cast<size_t>(picture.width) * 3;
    jpeg_write_scanlines(&jpeg->writer, &row, 1);
  }
  jpeg_finish_compress(&jpeg->writer);
  return true;
}

}  // namespace

Result<std::string> encode_jpeg(const Bitmap& picture, int quality) {
  Writer jpeg;
  jpeg.writer.err = jpeg_std_error(&jpeg.failure.base);
  jpeg.failure.base.error_exit = jump_on_error;
  if (!write_jpeg(&jpeg, picture, quality)) {
    return failed(ErrorCode::kInternal, std::string("JPEG: ") + jpeg.failure.message);
  }
  return std::string(reinterpret_cast<char*>(jpeg.bytes), jpeg.size);
}

Result<std::string> encode_png(const Bitmap& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  const uint8_t* pixels = picture.pixels.data();
  std::string bytes;
  if (png_image_write_get_memory_size(image, size, 0, pixels, 0, nullptr) != 0) {
    bytes.resize(size);
    if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels, 0, nullptr) != 0) {
      bytes.resize(size);
      return bytes;
    }
  }
  return failed(ErrorCode::kInternal, std::string("PNG: ") + image.message);
}

Result<std::string> encode_for(const std::string& path, const Bitmap& picture) {
  const size_t dot = path.rfind('.');
  std::string extension = dot == std::string::npos ? "" : path.substr(dot);
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (extension == ".jpg" || extension == ".jpeg") return encode_jpeg(picture, kUsualQuality);
  if (extension == ".png") return encode_png(picture);
  if (extension == ".bmp") return encode_bmp(picture);
  return failed(ErrorCode::kBadImage, path + ": pictures are written as .jpg, .jpeg, .png or .bmp");
}

}  // namespace berth::image
