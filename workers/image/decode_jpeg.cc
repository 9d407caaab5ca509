// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "image/decode.h"
#include "image/jpeg_errors.h"

namespace berth::image {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;  // Trace messages.
  auto* failure = reinterpret_cast<JpegFailure*>(common->err);
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  ++common->err->num_warnings;
  // Stray bytes between markers and odd profile segments do not touch the picture.
  const bool harmless = std::strstr(text, "extraneous") != nullptr ||
                        std::strstr(text, "Unknown Adobe") != nullptr ||
                        std::strstr(text, "JFIF major revision") != nullptr;
  if (!harmless && failure->damage[0] == '\0') std::memcpy(failure->damage, text, sizeof text);
}

void on_output(j_common_ptr) {}

/// The largest of 1, 2, 4, 8 by which the sides can be divided with both staying >= 2 * target.
int scale_denominator(unsigned width, unsigned height, int target) {
  if (target <= 0) return 1;
  const unsigned need = 2u * static_cast<unsigned>(target);
  int denominator = 1;
  while (denominator < 8 && width / (2 * denominator) >= need &&
         height / (2 * denominator) >= need) {
    denominator *= 2;
  }
  return denominator;
}

/// Parses the header and settles scale and output colours. False: failure->message says why.
bool begin(jpeg_decompress_struct* reader, JpegFailure* failure, const uint8_t* bytes, size_t size,
           int target) {
  if (setjmp(failure->jump) != 0) return false;
  jpeg_create_decompress(reader);
  jpeg_mem_src(reader, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(reader, TRUE);
  const bool four = reader->jpeg_color_space == JCS_CMYK || reader->jpeg_color_space == JCS_YCCK;
  reader->out_color_space = four ? JCS_CMYK : JCS_RGB;
  // The integer transform gives the same bits with every SIMD extension.
  reader->dct_method = JDCT_ISLOW;
  reader->scale_num = 1;
  reader->scale_denom =
      static_cast<unsigned>(scale_denominator(reader->image_width, reader->image_height, target));
  jpeg_calc_output_dimensions(reader);
  return true;
}

/// Decodes all rows to `pixels`, `stride` bytes per row.
bool read_rows(jpeg_decompress_struct* reader, JpegFailure* failure, uint8_t* pixels,
               size_t stride) {
  if (setjmp(failure->jump) != 0) return false;
  jpeg_start_decompress(reader);
  while (reader->output_scanline < reader->output_height) {
    JSAMPROW row = pixels + reader->output_scanline * stride;
    jpeg_read_scanlines(reader, &row, 1);
  }
  jpeg_finish_decompress(reader);
  return true;
}

/// Files with an Adobe marker store inverted ink (255 = none), others plain ink (0 = none).
void multiply_out(const std::vector<uint8_t>& ink, bool inverted, std::vector<uint8_t>* pixels) {
  const size_t count = ink.size() / 4;
  for (size_t i = 0; i < count; ++i) {
    const auto light = [&](int channel) {
      const int value = ink[i * 4 + static_cast<size_t>(channel)];
      return inverted ? value : 255 - value;
    };
    for (int channel = 0; channel < 3; ++channel) {
      (*pixels)[i * 3 + static_cast<size_t>(channel)] =
          static_cast<uint8_t>((light(channel) * light(3) + 127) / 255);
    }
  }
}

struct Reader {
  jpeg_decompress_struct reader{};
  JpegFailure failure{};
  ~Reader() { jpeg_destroy_decompress(&reader); }
};

}  // namespace

Result<Bitmap> decode_jpeg(const uint8_t* bytes, size_t size, int target) {
  Reader jpeg;
  jpeg.reader.err = jpeg_std_error(&jpeg.failure.base);
  jpeg.failure.base.error_exit = jump_on_error;
  jpeg.failure.base.emit_message = on_message;
  jpeg.failure.base.output_message = on_output;
  if (!begin(&jpeg.reader, &jpeg.failure, bytes, size, target)) {
    return failed(ErrorCode::kBadImage, std::string("JPEG: ") + jpeg.failure.message);
  }
  if (auto fits = check_dimensions(jpeg.reader.image_width, jpeg.reader.image_height); !fits) {
    return forward_error(fits);
  }
  Bitmap picture;
  picture.width = static_cast<int>(jpeg.reader.output_width);
  picture.height = static_cast<int>(jpeg.reader.output_height);
  const size_t count = static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height);
  picture.pixels.resize(count * 3);
  const bool four = jpeg.reader.out_color_space == JCS_CMYK;
  std::vector<uint8_t> ink(four ? count * 4 : 0);
  uint8_t* rows = four ? ink.data() : picture.pixels.data();
  const size_t stride = static_cast<size_t>(picture.width) * (four ? 4 : 3);
  if (!read_rows(&jpeg.reader, &jpeg.failure, rows, stride)) {
    return failed(ErrorCode::kBadImage, std::string("JPEG: ") + jpeg.failure.message);
  }
  if (jpeg.failure.damage[0] != '\0') {
    return failed(ErrorCode::kBadImage, std::string("JPEG: ") + jpeg.failure.damage);
  }
  if (four) multiply_out(ink, jpeg.reader.saw_Adobe_marker != 0, &picture.pixels);
  return picture;
}

}  // namespace berth::image
