// SPDX-License-Identifier: Apache-2.0
// What tests/parity asks of our augmentations, by files:
//   worker_augment_parity equalize CLIP IN OUT            CLAHE of the red channel, as grey
//   worker_augment_parity lab IN OUT                      L, a and b in place of red, green, blue
//   worker_augment_parity rgb IN OUT                      and back
//   worker_augment_parity sharpen ALPHA LIGHTNESS IN OUT
//   worker_augment_parity blur SIDE SIGMA_X SIGMA_Y ANGLE BETA IN OUT
//   worker_augment_parity iso COLOR_SHIFT INTENSITY IN OUT
// IN: a PNG; OUT: a PNG.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "image/decode.h"
#include "image/encode.h"
#include "prepare/advanced_blur.h"
#include "prepare/clahe.h"
#include "prepare/lab.h"
#include "prepare/noise.h"
#include "prepare/sharpen.h"
#include "protocol/output_file.h"

namespace berth::prepare {
namespace {

image::Bitmap equalized(const image::Bitmap& picture, double clip_limit) {
  std::vector<uint8_t> plane;
  for (size_t i = 0; i < picture.pixels.size(); i += 3) plane.push_back(picture.pixels[i]);
  equalize(&plane, picture.width, picture.height, clip_limit, 13);
  image::Bitmap grey = picture;
  for (size_t i = 0; i < grey.pixels.size(); ++i) grey.pixels[i] = plane[i / 3];
  return grey;
}

image::Bitmap planes_of(const image::Bitmap& picture) {
  const Lab lab = to_lab(picture);
  image::Bitmap planes = picture;
  for (size_t i = 0; i < lab.l.size(); ++i) {
    planes.pixels[i * 3] = lab.l[i];
    planes.pixels[i * 3 + 1] = lab.a[i];
    planes.pixels[i * 3 + 2] = lab.b[i];
  }
  return planes;
}

image::Bitmap from_planes(const image::Bitmap& planes) {
  Lab lab{planes.width, planes.height, {}, {}, {}};
  for (size_t i = 0; i < planes.pixels.size(); i += 3) {
    lab.l.push_back(planes.pixels[i]);
    lab.a.push_back(planes.pixels[i + 1]);
    lab.b.push_back(planes.pixels[i + 2]);
  }
  return to_rgb(lab);
}

image::Bitmap apply(const std::string& what, const std::vector<double>& p,
                    const image::Bitmap& picture) {
  dataset::Random random(1);
  if (what == "equalize") return equalized(picture, p.at(0));
  if (what == "lab") return planes_of(picture);
  if (what == "rgb") return from_planes(picture);
  if (what == "sharpen") return convolve(picture, sharpen_kernel(p.at(0), p.at(1)));
  if (what == "iso") return iso_noise(picture, p.at(0), p.at(1), &random);
  const BlurShape shape{static_cast<int>(p.at(0)), p.at(1), p.at(2), p.at(3), p.at(4), 1, 1};
  return convolve(picture, blur_kernel(shape, &random));
}

}  // namespace
}  // namespace berth::prepare

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::vector<double> parameters;
  for (int i = 2; i < argc - 2; ++i) parameters.push_back(std::atof(argv[i]));
  const auto picture = berth::image::decode_file(argv[argc - 2], 0);
  if (!picture) {
    std::fprintf(stderr, "%s\n", picture.error().message.c_str());
    return 1;
  }
  const auto out = berth::prepare::apply(argv[1], parameters, *picture);
  return berth::protocol::write_file(argv[argc - 1], berth::image::encode_png(out).value()) ? 0 : 1;
}
