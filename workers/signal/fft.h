// SPDX-License-Identifier: Apache-2.0
// Fourier transforms of one length, several side by side (fft_kernel.h). Lengths whose prime
// factors are at most 31 take Stockham passes of radix 4, 2, 3, 5 and the rest; others go through a
// power of two (Bluestein, "A linear filtering approach to the computation of the discrete Fourier
// transform", 1970). Errors are some 1e-7 of the largest magnitude.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "signal/fft_kernel.h"

namespace berth::signal {

/// Floats aligned for the kernels.
class AlignedFloats {
 public:
  explicit AlignedFloats(size_t count);
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* data) const;
  };
  std::unique_ptr<float, Free> data_;
};

/// Not changed by use: any number of threads may share one, each with its own buffers.
class Fft {
 public:
  explicit Fft(size_t length);
  ~Fft();
  Fft(Fft&&) noexcept;
  Fft& operator=(Fft&&) noexcept;

  size_t length() const { return length_; }
  /// Floats that each of the two buffers of forward() must hold.
  size_t buffer_floats(const Kernels& run) const;

  /// X[k] = sum over i of x[i] exp(-2 pi i k i / length) for all lanes. The input is in `elements`
  /// and is overwritten; returns the buffer with the outcome.
  float* forward(const Kernels& run, float* elements, float* other) const;

 private:
  struct Chirp;

  void add_passes(const std::vector<size_t>& radices);

  size_t length_;
  std::vector<FftPass> passes_;
  std::vector<std::vector<float>> tables_;
  std::unique_ptr<Chirp> chirp_;
};

}  // namespace berth::signal
