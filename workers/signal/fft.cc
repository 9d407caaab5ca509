// SPDX-License-Identifier: Apache-2.0
#include "signal/fft.h"

#include <cmath>
#include <cstring>
#include <new>

namespace berth::signal {
namespace {

constexpr size_t kMostPrime = 31;
constexpr std::align_val_t kAlignment{64};

/// exp(-2 pi i part / whole).
void put_root(size_t part, size_t whole, float* to) {
  const double angle = -2 * M_PI * static_cast<double>(part % whole) / static_cast<double>(whole);
  to[0] = static_cast<float>(std::cos(angle));
  to[1] = static_cast<float>(std::sin(angle));
}

/// Factors of `length`, fours first; empty if a prime factor is above kMostPrime.
std::vector<size_t> radices_of(size_t length) {
  std::vector<size_t> radices;
  while (length % 4 == 0) {
    radices.push_back(4);
    length /= 4;
  }
  for (size_t prime = 2; prime <= kMostPrime && length > 1; ++prime) {
    while (length % prime == 0) {
      radices.push_back(prime);
      length /= prime;
    }
  }
  if (length > 1) radices.clear();
  return radices;
}

}  // namespace

AlignedFloats::AlignedFloats(size_t count)
    : data_(static_cast<float*>(::operator new(count * sizeof(float), kAlignment))) {
  std::memset(data_.get(), 0, count * sizeof(float));
}

void AlignedFloats::Free::operator()(float* data) const { ::operator delete(data, kAlignment); }

/// X[k] = c[k] * sum over i of (x[i] c[i]) * conj(c[k - i]) with c[i] = exp(-pi i i^2 / n): a
/// convolution, done by transforms of a power of two of at least 2 n - 1.
struct Fft::Chirp {
  Fft inner;
  std::vector<float> factors;   ///< c
  std::vector<float> spectrum;  ///< of conj(c), wrapped around, divided by inner's length
};

Fft::~Fft() = default;
Fft::Fft(Fft&&) noexcept = default;
Fft& Fft::operator=(Fft&&) noexcept = default;

Fft::Fft(size_t length) : length_(length) {
  const std::vector<size_t> radices = radices_of(length);
  if (length == 1) return;
  if (!radices.empty()) {
    add_passes(radices);
    return;
  }
  size_t padded = 1;
  while (padded < 2 * length - 1) padded *= 2;
  chirp_ = std::unique_ptr<Chirp>(new Chirp{Fft(padded), {}, {}});
  std::vector<float>& c = chirp_->factors;
  c.resize(2 * length);
  for (size_t i = 0; i < length; ++i) put_root(i * i % (2 * length), 2 * length, &c[2 * i]);
  // One lane is enough, but the others cost nothing.
  const Kernels& run = portable_kernels();
  const size_t element = 2 * run.lanes;
  AlignedFloats elements(padded * element), other(padded * element);
  for (size_t i = 0; i < length; ++i) {
    for (const size_t place : {i, (padded - i) % padded}) {
      elements.data()[place * element] = c[2 * i];
      elements.data()[place * element + run.lanes] = -c[2 * i + 1];
    }
  }
  const float* outcome = chirp_->inner.forward(run, elements.data(), other.data());
  const float scale = 1.0f / static_cast<float>(padded);
  for (size_t i = 0; i < padded; ++i) {
    chirp_->spectrum.push_back(outcome[i * element] * scale);
    chirp_->spectrum.push_back(outcome[i * element + run.lanes] * scale);
  }
}

void Fft::add_passes(const std::vector<size_t>& radices) {
  size_t left = length_, stride = 1;
  for (const size_t radix : radices) {
    FftPass pass;
    pass.radix = radix;
    pass.groups = left / radix;
    pass.stride = stride;
    std::vector<float> twiddles(pass.groups * (radix - 1) * 2);
    for (size_t group = 0; group < pass.groups; ++group) {
      for (size_t k = 1; k < radix; ++k) {
        put_root(group * k, left, &twiddles[(group * (radix - 1) + k - 1) * 2]);
      }
    }
    std::vector<float> roots(2 * radix);
    for (size_t k = 0; k < radix; ++k) put_root(k, radix, &roots[2 * k]);
    tables_.push_back(std::move(twiddles));
    pass.twiddles = tables_.back().data();
    tables_.push_back(std::move(roots));
    pass.roots = tables_.back().data();
    passes_.push_back(pass);
    left /= radix;
    stride *= radix;
  }
}

size_t Fft::buffer_floats(const Kernels& run) const {
  return 2 * run.lanes * (chirp_ ? chirp_->inner.length_ : length_);
}

float* Fft::forward(const Kernels& run, float* elements, float* other) const {
  if (!chirp_) return run.transform(passes_.data(), passes_.size(), elements, other);
  const size_t padded = chirp_->inner.length_;
  run.multiply(elements, chirp_->factors.data(), length_);
  const size_t element = 2 * run.lanes;
  std::memset(elements + length_ * element, 0, (padded - length_) * element * sizeof(float));
  float* outcome = chirp_->inner.forward(run, elements, other);
  run.multiply(outcome, chirp_->spectrum.data(), padded);
  run.swap_parts(outcome, padded);
  outcome = chirp_->inner.forward(run, outcome, outcome == elements ? other : elements);
  run.swap_parts(outcome, length_);
  run.multiply(outcome, chirp_->factors.data(), length_);
  return outcome;
}

}  // namespace berth::signal
