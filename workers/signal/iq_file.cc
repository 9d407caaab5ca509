// SPDX-License-Identifier: Apache-2.0
#include "signal/iq_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace berth::signal {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr size_t kPieceBytes = 1u << 18;  // stays in the processor's cache

float usual_scale(SampleFormat format) {
  switch (format) {
    case SampleFormat::kInt16:
      return 1.0f / 32768;
    case SampleFormat::kInt8:
    case SampleFormat::kUint8:
      return 1.0f / 128;
    case SampleFormat::kFloat32:
    case SampleFormat::kFloat64:
      return 1;
  }
  return 1;
}

template <typename Stored>
void convert(const char* bytes, size_t values, float offset, float scale, float* out) {
  for (size_t i = 0; i < values; ++i) {
    Stored value;
    std::memcpy(&value, bytes + i * sizeof value, sizeof value);
    out[i] = (static_cast<float>(value) - offset) * scale;
  }
}

void convert(SampleFormat format, const char* bytes, size_t values, float scale, float* out) {
  switch (format) {
    case SampleFormat::kFloat32:
      return convert<float>(bytes, values, 0, scale, out);
    case SampleFormat::kFloat64:
      return convert<double>(bytes, values, 0, scale, out);
    case SampleFormat::kInt16:
      return convert<int16_t>(bytes, values, 0, scale, out);
    case SampleFormat::kInt8:
      return convert<int8_t>(bytes, values, 0, scale, out);
    case SampleFormat::kUint8:
      return convert<uint8_t>(bytes, values, 127.5f, scale, out);
  }
}

/// 0 * x is NaN for NaN and infinities and 0 for everything else, so that one sum over a piece
/// tells whether it needs a closer look.
uint64_t clear_not_finite(std::complex<float>* samples, size_t count) {
  float* values = reinterpret_cast<float*>(samples);
  uint64_t cleared = 0;
  constexpr size_t kBlock = 512;
  for (size_t at = 0; at < count; at += kBlock) {
    const size_t n = std::min(kBlock, count - at);
    float lanes[16] = {};
    const float* block = values + 2 * at;
    size_t i = 0;
    for (; i + 16 <= 2 * n; i += 16) {
      for (size_t lane = 0; lane < 16; ++lane) lanes[lane] += 0 * block[i + lane];
    }
    float sum = 0;
    for (; i < 2 * n; ++i) sum += 0 * block[i];
    for (const float lane : lanes) sum += lane;
    if (sum == 0) continue;
    for (size_t k = at; k < at + n; ++k) {
      if (std::isfinite(samples[k].real()) && std::isfinite(samples[k].imag())) continue;
      samples[k] = 0;
      ++cleared;
    }
  }
  return cleared;
}

}  // namespace

size_t sample_bytes(SampleFormat format) {
  switch (format) {
    case SampleFormat::kFloat32:
      return 8;
    case SampleFormat::kFloat64:
      return 16;
    case SampleFormat::kInt16:
      return 4;
    case SampleFormat::kInt8:
    case SampleFormat::kUint8:
      return 2;
  }
  return 8;
}

IqFile::Descriptor::~Descriptor() { ::close(fd); }

Result<IqFile> IqFile::open(const std::string& path, const IqOptions& options) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return tl::unexpected<Error>(protocol::system_error("cannot read", path, errno));
  IqFile file;
  file.file_ = std::make_shared<Descriptor>(fd);
  file.path_ = path;
  file.not_finite_ = std::make_unique<std::atomic<uint64_t>>(0);
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    return tl::unexpected<Error>(protocol::system_error("cannot read", path, errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return failed(ErrorCode::kIoError, "cannot read " + path + ": it is not a file", path);
  }
  file.adopt_side_file(options);
  const bool dat = path.size() > 4 && path.compare(path.size() - 4, 4, ".dat") == 0;
  file.format_ = options.format.value_or(
      file.side_.format.value_or(dat ? SampleFormat::kInt16 : SampleFormat::kFloat32));
  file.scale_ = options.scale ? static_cast<float>(*options.scale) : usual_scale(file.format_);
  file.sample_rate_hz_ = options.sample_rate_hz.value_or(file.side_.sample_rate_hz.value_or(100e6));
  const auto bytes = static_cast<uint64_t>(status.st_size);
  const size_t each = sample_bytes(file.format_);
  file.samples_ = bytes / each;
  if (file.samples_ == 0) {
    return failed(ErrorCode::kBadRequest,
                  path + " holds " + std::to_string(bytes) + " bytes, less than one sample of " +
                      std::to_string(each) + " bytes (" + format_name(file.format_) + ")",
                  path);
  }
  if (bytes % each != 0) {
    file.notes_.push_back(path + " ends within a sample: the last " + std::to_string(bytes % each) +
                          " bytes were left out");
  }
  return file;
}

void IqFile::adopt_side_file(const IqOptions& options) {
  if (!options.use_side_file) return;
  const std::string place = find_side_file(path_);
  if (place.empty()) return;
  auto side = read_side_file(place);
  if (!side) {
    notes_.push_back("the side file was left out: " + side.error().message);
    return;
  }
  side_ = std::move(*side);
  notes_.insert(notes_.end(), side_.notes.begin(), side_.notes.end());
}

Status IqFile::read_bytes(uint64_t offset, size_t size, char* out) const {
  while (size > 0) {
    const ssize_t n = ::pread(file_->fd, out, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(protocol::system_error("cannot read", path_, errno));
    if (n == 0) {
      return failed(ErrorCode::kIoError,
                    path_ + " has become shorter while it was read: it ends at byte " +
                        std::to_string(offset),
                    path_);
    }
    out += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return {};
}

Status IqFile::read(int64_t first, size_t count, std::complex<float>* out) const {
  const auto end = static_cast<int64_t>(samples_);
  const int64_t begin = std::clamp<int64_t>(first, 0, end);
  const int64_t stop = std::clamp<int64_t>(first + static_cast<int64_t>(count), begin, end);
  const auto inside = static_cast<size_t>(stop - begin);
  const auto before =
      inside == 0 ? count : static_cast<size_t>(std::max<int64_t>(0, begin - first));
  std::fill(out, out + before, std::complex<float>());
  std::fill(out + before + inside, out + count, std::complex<float>());
  std::complex<float>* to = out + before;
  const size_t each = sample_bytes(format_);
  const bool as_stored = format_ == SampleFormat::kFloat32 && scale_ == 1;
  std::vector<char> piece(as_stored ? 0 : std::min(kPieceBytes, inside * each));
  const size_t most = kPieceBytes / each;
  for (size_t done = 0; done < inside;) {
    const size_t n = std::min(most, inside - done);
    const uint64_t offset = (static_cast<uint64_t>(begin) + done) * each;
    char* bytes = as_stored ? reinterpret_cast<char*>(to + done) : piece.data();
    if (auto read = read_bytes(offset, n * each, bytes); !read) return read;
    if (!as_stored) {
      convert(format_, bytes, 2 * n, scale_, reinterpret_cast<float*>(to + done));
    }
    if (const uint64_t cleared = clear_not_finite(to + done, n)) *not_finite_ += cleared;
    done += n;
  }
  return {};
}

}  // namespace berth::signal
