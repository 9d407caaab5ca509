// SPDX-License-Identifier: Apache-2.0
#include "dataset/signals.h"

#include <kiss_fft.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace berth::dataset {
namespace {

using Complex = std::complex<float>;
static_assert(sizeof(kiss_fft_cpx) == sizeof(Complex), "kissfft must be built for float");

struct KindRow {
  SignalKind kind;
  const char* name;
};
constexpr KindRow kKinds[] = {
    {SignalKind::kOfdmVideo, "ofdm_video"}, {SignalKind::kFrequencyHopping, "frequency_hopping"},
    {SignalKind::kChirp, "chirp"},          {SignalKind::kTelemetry, "telemetry"},
    {SignalKind::kNoise, "noise"},
};

Complex unit(double phase) {
  return Complex(static_cast<float>(std::cos(phase)), static_cast<float>(std::sin(phase)));
}

void add_ofdm(Samples* samples, Random* random) {
  constexpr int kCarriers = 256, kPrefix = 32;
  const int used = random->integer(64, 150);
  const int first = random->integer(-120, 120 - used);
  const int burst = random->integer(12, 36), pause = random->integer(3, 14);  // symbols
  const std::unique_ptr<kiss_fft_state, decltype(&kiss_fft_free)> inverse(
      kiss_fft_alloc(kCarriers, 1, nullptr, nullptr), &kiss_fft_free);
  std::vector<Complex> carriers(kCarriers), symbol(kCarriers);
  int place = random->integer(0, burst + pause - 1);
  size_t at = 0;
  while (at < samples->size()) {
    const bool on = place % (burst + pause) < burst;
    ++place;
    if (on) {
      std::fill(carriers.begin(), carriers.end(), Complex(0, 0));
      for (int k = first; k < first + used; ++k) {
        const uint64_t bits = random->next();
        carriers[static_cast<size_t>((k + kCarriers) % kCarriers)] =
            Complex((bits & 1) != 0 ? 1.0f : -1.0f, (bits & 2) != 0 ? 1.0f : -1.0f);
      }
      kiss_fft(inverse.get(), reinterpret_cast<const kiss_fft_cpx*>(carriers.data()),
               reinterpret_cast<kiss_fft_cpx*>(symbol.data()));
    }
    for (int i = 0; i < kCarriers + kPrefix && at < samples->size(); ++i, ++at) {
      if (on) (*samples)[at] = symbol[static_cast<size_t>((i + kCarriers - kPrefix) % kCarriers)];
    }
  }
}

/// A GFSK burst from `begin`, `length` samples long, around `centre`. Modulation index 0.5..1, the
/// Gaussian filter (BT about 0.5) as two running means over half a symbol each.
void add_gfsk(Samples* samples, size_t begin, size_t length, double centre, int symbol,
              double deviation, Random* random) {
  const size_t end = std::min(samples->size(), begin + length);
  const int half = std::max(1, symbol / 2);
  const size_t count = end > begin ? end - begin : 0;
  std::vector<double> level(count);
  double bit = 1;
  for (size_t i = 0; i < count; ++i) {
    if (i % static_cast<size_t>(symbol) == 0) bit = random->uniform() < 0.5 ? -1 : 1;
    level[i] = bit;
  }
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<double> smooth(count);
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      sum += level[i];
      if (i >= static_cast<size_t>(half)) sum -= level[i - static_cast<size_t>(half)];
      smooth[i] = sum / half;
    }
    level.swap(smooth);
  }
  double phase = random->uniform(0, 2 * M_PI);
  for (size_t i = 0; i < count; ++i) {
    (*samples)[begin + i] += unit(phase);
    phase += 2 * M_PI * (centre + deviation * level[i]);
  }
}

void add_hopping(Samples* samples, Random* random) {
  const int channels = random->integer(12, 40);
  const double width = random->uniform(0.6, 0.9) / channels;
  const int symbol = std::max(6, static_cast<int>(0.7 / width));
  const double deviation = random->uniform(0.15, 0.25) / symbol * 2;
  const auto dwell = static_cast<size_t>(random->integer(900, 2600));
  const auto period = static_cast<size_t>(static_cast<double>(dwell) * random->uniform(1.1, 1.6));
  const auto offset = static_cast<size_t>(random->integer(0, static_cast<int>(period)));
  for (size_t at = 0; at < samples->size() + period; at += period) {
    const int channel = random->integer(0, channels - 1);
    const double centre = (channel + 0.5 - channels / 2.0) * width;
    const size_t begin = at >= offset ? at - offset : 0;
    const size_t length = at >= offset ? dwell : dwell > offset - at ? dwell - (offset - at) : 0;
    if (begin < samples->size()) {
      add_gfsk(samples, begin, length, centre, symbol, deviation, random);
    }
  }
}

void add_chirps(Samples* samples, Random* random) {
  const double width = random->uniform(0.15, 0.5);
  const double centre = random->uniform(-0.45 + width / 2, 0.45 - width / 2);
  const auto sweep = static_cast<size_t>(random->integer(1500, 6000));
  const double direction = random->uniform() < 0.5 ? -1 : 1;
  const int preamble = random->integer(2, 6);
  double phase = 0, start = 0;
  const auto offset = static_cast<size_t>(random->integer(0, static_cast<int>(sweep)));
  int sweeps = 0;
  for (size_t i = 0; i < samples->size(); ++i) {
    const size_t place = (i + offset) % sweep;
    if (place == 0) start = ++sweeps <= preamble ? 0 : random->uniform();
    double part = start + static_cast<double>(place) / static_cast<double>(sweep);
    part -= std::floor(part);
    phase += 2 * M_PI * (centre + direction * width * (part - 0.5));
    (*samples)[i] = unit(phase);
  }
}

void add_telemetry(Samples* samples, Random* random) {
  const int symbol = random->integer(24, 64);
  add_gfsk(samples, 0, samples->size(), random->uniform(-0.42, 0.42), symbol,
           random->uniform(0.3, 0.5) / symbol, random);
}

/// Mean power of the samples that are not silent.
double power_while_on(const Samples& samples) {
  double sum = 0, count = 0;
  for (const Complex& sample : samples) {
    const double power = std::norm(sample);
    sum += power;
    count += power > 0;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

std::optional<SignalKind> signal_kind(const std::string& name) {
  for (const KindRow& row : kKinds) {
    if (name == row.name) return row.kind;
  }
  return std::nullopt;
}

std::string signal_names() {
  std::string names;
  for (const KindRow& row : kKinds) names += std::string(names.empty() ? "" : ",") + row.name;
  return names;
}

Samples make_samples(SignalKind kind, size_t count, double snr_db, Random* random) {
  Samples samples(count, Complex(0, 0));
  switch (kind) {
    case SignalKind::kOfdmVideo:
      add_ofdm(&samples, random);
      break;
    case SignalKind::kFrequencyHopping:
      add_hopping(&samples, random);
      break;
    case SignalKind::kChirp:
      add_chirps(&samples, random);
      break;
    case SignalKind::kTelemetry:
      add_telemetry(&samples, random);
      break;
    case SignalKind::kNoise:
      break;
  }
  const double power = power_while_on(samples);
  const float gain =
      power > 0 ? static_cast<float>(std::sqrt(std::pow(10.0, snr_db / 10) / power)) : 0.0f;
  const float half = static_cast<float>(std::sqrt(0.5));
  for (Complex& sample : samples) {
    float real = 0, imaginary = 0;
    random->gaussian_pair(&real, &imaginary);
    sample = sample * gain + Complex(real * half, imaginary * half);
  }
  return samples;
}

}  // namespace berth::dataset
