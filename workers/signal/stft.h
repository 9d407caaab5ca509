// SPDX-License-Identifier: Apache-2.0
// The short-time Fourier transform of complex samples, equal to SciPy's
//   scipy.signal.stft(x, window=w, nperseg=length, noverlap=overlap, return_onesided=False)
// with scaling 'spectrum', followed by fftshift of the frequency axis: zeros of half a window
// before and after the signal, zeros at the end until the last window is full, divided by the sum
// of the window. Unlike SciPy, which refuses, a signal shorter than a window is filled up with
// zeros.
//
// A row is a moment: row r, bin k is at out[r * length + k]. Bin k is the frequency
// (k - floor(length / 2)) / length * sample rate, row r the time r * hop / sample rate (of the
// middle of its window). Rows do not depend on the number of threads or on how they are cut.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "protocol/result.h"
#include "signal/fft.h"
#include "signal/window.h"

namespace berth::signal {

struct StftOptions {
  WindowKind window = WindowKind::kHamming;
  bool periodic = false;
  size_t length = 1024;           ///< samples of a window, 1 .. 65536 (nperseg)
  std::optional<size_t> overlap;  ///< samples, less than length; absent: half a window
  /// Whether zeros surround the signal as described above. If not, only windows that lie wholly
  /// within the signal count, and row r is at the samples [r * hop, r * hop + length).
  bool extended = true;
  bool portable = false;  ///< for tests: leave the processor's special instructions alone
};

/// Samples [first, first + size) of a signal that is zero outside of them.
struct Chunk {
  const std::complex<float>* samples = nullptr;
  int64_t first = 0;
  size_t size = 0;
};

class Stft {
 public:
  /// Error: kBadRequest.
  static protocol::Result<Stft> create(const StftOptions& options);

  size_t length() const { return fft_.length(); }
  size_t hop() const { return hop_; }
  /// Rows of a signal of that many samples.
  size_t rows(uint64_t samples) const;
  /// The sample with which the window of a row begins; may be negative.
  int64_t first_sample(size_t row) const;

  /// Buffers of one thread.
  class Workspace {
   public:
    explicit Workspace(const Stft& stft);

   private:
    friend class Stft;
    AlignedFloats elements_, other_;
    std::vector<std::complex<float>> edge_;
    std::vector<float> spare_;
  };

  /// Rows [first, first + count) to `out`, complex. `chunk` must hold all samples of the signal
  /// that their windows touch.
  void transform(const Chunk& chunk, size_t first, size_t count, std::complex<float>* out,
                 Workspace* work) const;
  /// The same as log2(|Z|^2); not below -126, which also stands for 0 (and for NaN).
  void levels(const Chunk& chunk, size_t first, size_t count, float* out, Workspace* work) const;

  /// All rows of a signal in memory on `threads` threads; `out` holds rows(count) * length numbers.
  void transform_all(const std::complex<float>* samples, size_t count, std::complex<float>* out,
                     int threads) const;

  const Kernels& kernels() const { return *kernels_; }

 private:
  explicit Stft(size_t length) : fft_(length) {}
  const float* spectra(const Chunk& chunk, size_t first, size_t count, Workspace* work) const;

  Fft fft_;
  std::vector<float> weights_;
  size_t hop_ = 0;
  bool extended_ = true;
  const Kernels* kernels_ = nullptr;
};

}  // namespace berth::signal
