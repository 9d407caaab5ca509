// SPDX-License-Identifier: Apache-2.0
// Recordings and their side files from strangers: whatever the bytes are, they are read or refused.
// Input: 6 bytes of options, one byte n, n bytes of a side file (as SigMF and as XML), samples.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "signal/noise.h"
#include "signal/side_file.h"
#include "signal/spectrogram.h"

namespace {

using berth::signal::IqFile;
using berth::signal::IqOptions;

constexpr size_t kOptions = 6;

void draw(const IqFile& file, const uint8_t* options) {
  berth::signal::SliceOptions slices;
  slices.duration_s = (options[1] + 1) / 64.0;
  slices.ratio = options[2] % 4;
  berth::signal::PictureOptions picture;
  picture.stft.length = options[3] + 1u;
  picture.stft.overlap = options[4] % picture.stft.length;
  picture.stft.window = static_cast<berth::signal::WindowKind>(options[5] % 4);
  picture.stft.portable = (options[5] & 4) != 0;
  picture.stft.extended = (options[5] & 8) == 0;
  picture.width = 1 + (options[5] >> 4);
  picture.height = 1 + options[1] % 33;
  const auto count = berth::signal::slice_count(file, slices);
  if (!count || *count == 0) return;
  const auto drawn = berth::signal::picture_of(file, *count - 1, slices, picture);
  if (!drawn) return;
  const size_t size = static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height) * 3;
  if (drawn->bitmap.pixels.size() != size) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < kOptions + 1) return 0;
  const uint8_t* options = bytes;
  const size_t side_bytes = std::min<size_t>(bytes[kOptions], size - kOptions - 1);
  const std::string side(reinterpret_cast<const char*>(bytes + kOptions + 1), side_bytes);
  (void)berth::signal::parse_sigmf(side, "fuzz.sigmf-meta");
  (void)berth::signal::parse_rfuav_xml(side, "fuzz.xml");
  const uint8_t* samples = bytes + kOptions + 1 + side_bytes;
  size_t left = size - kOptions - 1 - side_bytes;
  const int fd = ::memfd_create("iq", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, samples, left) != static_cast<ssize_t>(left)) std::abort();
  IqOptions iq;
  iq.format = static_cast<berth::signal::SampleFormat>(options[0] % 5);
  iq.sample_rate_hz = 1024;
  iq.use_side_file = false;
  if (auto file = IqFile::open("/proc/self/fd/" + std::to_string(fd), iq)) {
    draw(*file, options);
    (void)berth::signal::estimate_snr(berth::signal::part_of(*file, 0, file->samples()), 1);
  }
  ::close(fd);
  return 0;
}
