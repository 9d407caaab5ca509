// SPDX-License-Identifier: Apache-2.0
// A recording of complex samples, I and Q interleaved, little-endian, without a header, read piece
// by piece: files are larger than memory. Integers become -1..1 (int16 / 32768, int8 / 128,
// (uint8 - 127.5) / 128).
#pragma once

#include <atomic>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "signal/side_file.h"

namespace berth::signal {

/// What the caller knows; it wins over the side file.
struct IqOptions {
  std::optional<SampleFormat> format;
  std::optional<double> sample_rate_hz;
  std::optional<double> scale;  ///< factor on the values as stored, instead of the above
  bool use_side_file = true;
};

class IqFile {
 public:
  /// The format is the options', else the side file's, else int16 for a name that ends in ".dat",
  /// else float32. A side file that cannot be read is a note, not an error.
  /// Errors: kIoError (missing, not a file), kBadRequest (less than one sample).
  static protocol::Result<IqFile> open(const std::string& path, const IqOptions& options = {});

  const std::string& path() const { return path_; }
  SampleFormat format() const { return format_; }
  uint64_t samples() const { return samples_; }
  /// The options', else the side file's, else 100 MS/s, the rate of RFUAV's recordings.
  double sample_rate_hz() const { return sample_rate_hz_; }
  std::optional<double> centre_frequency_hz() const { return side_.centre_frequency_hz; }
  const SideFile& side() const { return side_; }
  /// What a person should know: bytes beyond the last whole sample, an unreadable side file.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Samples [first, first + count) to `out`; those outside the file, and those whose I or Q is NaN
  /// or infinite, are 0. Any number of threads may read at once.
  /// Error: kIoError (also when the file has become shorter).
  protocol::Status read(int64_t first, size_t count, std::complex<float>* out) const;

  /// Samples that were NaN or infinite in the reads so far; one read twice counts twice.
  uint64_t not_finite() const { return not_finite_->load(); }

 private:
  struct Descriptor {
    explicit Descriptor(int number) : fd(number) {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    int fd;
  };

  IqFile() = default;
  protocol::Status read_bytes(uint64_t offset, size_t size, char* out) const;
  void adopt_side_file(const IqOptions& options);

  std::string path_;
  std::shared_ptr<Descriptor> file_;
  SampleFormat format_ = SampleFormat::kFloat32;
  uint64_t samples_ = 0;
  double sample_rate_hz_ = 100e6;
  float scale_ = 1;
  SideFile side_;
  std::vector<std::string> notes_;
  std::unique_ptr<std::atomic<uint64_t>> not_finite_;
};

/// Bytes of one complex sample.
size_t sample_bytes(SampleFormat format);

}  // namespace berth::signal
