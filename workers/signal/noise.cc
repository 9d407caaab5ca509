// SPDX-License-Identifier: Apache-2.0
#include "signal/noise.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "protocol/output_file.h"
#include "signal/parallel.h"

namespace berth::signal {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

using Spectrum = std::vector<double>;

constexpr size_t kLeastWindows = 16;
constexpr double kOutside = 0.005;   // of the power, below and above the occupied bandwidth
constexpr double kSignificance = 6;  // standard deviations
constexpr size_t kLeastBeside = 32;  // bins
constexpr size_t kNarrow = 64;       // bins of a band that deserves a closer look

struct Welch {
  Spectrum power;  // lowest frequency first; sums up to the mean power of a sample
  uint64_t windows = 0;
};

Result<Welch> welch(const Signal& signal, size_t length, int threads) {
  StftOptions options;
  options.window = WindowKind::kHann;
  options.periodic = true;
  options.length = length;
  options.extended = false;
  auto stft = Stft::create(options);
  if (!stft) return forward_error(stft);
  const size_t rows = stft->rows(signal.samples);
  Welch result;
  result.power.assign(length, 0);
  result.windows = rows;
  std::mutex mutex;  // guards result and outcome
  Status outcome;
  // Sums of fixed blocks, added in order: the outcome does not depend on the number of threads.
  constexpr size_t kBlockRows = 256;
  const size_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  std::vector<Spectrum> sums(blocks);
  in_parallel(blocks, threads, [&](size_t from, size_t to) {
    Stft::Workspace work(*stft);
    std::vector<std::complex<float>> samples, z(std::min(rows, size_t{8}) * length);
    for (size_t block = from; block < to; ++block) {
      Spectrum sum(length);
      const size_t end = std::min(rows, (block + 1) * kBlockRows);
      for (size_t row = block * kBlockRows; row < end; row += 8) {
        const size_t count = std::min<size_t>(8, end - row);
        samples.resize((count - 1) * stft->hop() + length);
        const int64_t first = stft->first_sample(row);
        if (auto read = signal.read(first, samples.size(), samples.data()); !read) {
          const std::lock_guard<std::mutex> lock(mutex);
          if (outcome) outcome = std::move(read);
          return;
        }
        stft->transform({samples.data(), first, samples.size()}, row, count, z.data(), &work);
        for (size_t i = 0; i < count; ++i) {
          for (size_t k = 0; k < length; ++k) sum[k] += std::norm(z[i * length + k]);
        }
      }
      sums[block] = std::move(sum);
    }
  });
  if (!outcome) return forward_error(outcome);
  for (const Spectrum& sum : sums) {
    for (size_t k = 0; k < length; ++k) result.power[k] += sum[k];
  }
  // |Z|^2 is scaled by the window's sum; its energy makes it the power that falls into a bin.
  const auto window = make_window(options.window, length, options.periodic);
  double sum = 0, energy = 0;
  for (const double weight : window) {
    sum += weight;
    energy += weight * weight;
  }
  const double scale = sum * sum / energy / static_cast<double>(length) / static_cast<double>(rows);
  for (double& value : result.power) value *= scale;
  return result;
}

double percentile(Spectrum values, double part) {
  const auto place = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<size_t>(place)];
}

struct Band {
  size_t first = 0, end = 0;
  size_t size() const { return end - first; }
};

/// The run of bins with the largest sum of P - threshold.
Band strongest_run(const Spectrum& power, double threshold) {
  Band best;
  double best_sum = 0, sum = 0;
  size_t begin = 0;
  for (size_t k = 0; k < power.size(); ++k) {
    if (sum <= 0) {
      sum = 0;
      begin = k;
    }
    sum += power[k] - threshold;
    if (sum > best_sum) {
      best_sum = sum;
      best = {begin, k + 1};
    }
  }
  return best;
}

/// The median of the bins beside the band; nothing if there are too few.
std::optional<double> noise_beside(const Spectrum& power, const Band& band) {
  const size_t guard = std::max<size_t>(3, band.size() / 20);
  const size_t wanted = std::max(kLeastBeside, band.size());
  Spectrum beside;
  const size_t left = band.first > guard ? band.first - guard : 0;
  for (size_t k = left > wanted ? left - wanted : 0; k < left; ++k) beside.push_back(power[k]);
  for (size_t k = band.end + guard; k < std::min(power.size(), band.end + guard + wanted); ++k) {
    beside.push_back(power[k]);
  }
  if (beside.size() < kLeastBeside / 2) return std::nullopt;
  return percentile(std::move(beside), 0.5);
}

/// Between the points where half a percent of the band's excess power lies outside, in bins; parts
/// of bins count.
std::pair<double, double> occupied(const Spectrum& power, const Band& band, double noise,
                                   double excess) {
  const auto reach = [&](double share) {
    double sum = 0;
    for (size_t k = band.first; k < band.end; ++k) {
      const double part = power[k] - noise;
      if (sum + part >= share * excess && part > 0) {
        return static_cast<double>(k) + std::max(0.0, share * excess - sum) / part;
      }
      sum += part;
    }
    return static_cast<double>(band.end);
  };
  return {reach(kOutside), reach(1 - kOutside)};
}

struct Finding {
  SnrEstimate estimate;
  double bins = 0;  // of the occupied bandwidth
};

Finding judge(const Welch& welch) {
  const Spectrum& power = welch.power;
  const auto length = static_cast<double>(power.size());
  const double spread = std::sqrt(1.06 / static_cast<double>(welch.windows));
  Finding finding;
  SnrEstimate& estimate = finding.estimate;
  estimate.windows = welch.windows;
  for (const double value : power) estimate.total_power += value;
  double noise = percentile(power, 0.2);
  Band band;
  for (int round = 0; round < 3; ++round) {
    band = strongest_run(power, noise * (1 + 1.5 * spread));
    if (band.size() == 0) break;
    if (const auto beside = noise_beside(power, band)) noise = *beside;
  }
  estimate.noise_power = noise * length;
  double excess = 0;
  for (size_t k = band.first; k < band.end; ++k) excess += power[k] - noise;
  // Neighbouring bins of a Hann window go together (4/9 and 1/36 of their variance is common).
  constexpr double kTogether = 1 + 2 * (4.0 / 9 + 1.0 / 36);
  const double doubt = noise * spread * std::sqrt(kTogether * static_cast<double>(band.size()));
  if (band.size() == 0 || !(excess > kSignificance * doubt)) return finding;
  const auto [low, high] = occupied(power, band, noise, excess);
  finding.bins = std::max(high - low, 1.0);
  estimate.found = true;
  estimate.signal_power = excess;
  estimate.bandwidth = finding.bins / length;
  estimate.centre = ((low + high) / 2 - 0.5 - std::floor(length / 2)) / length;
  // Digital silence between the signal's bins has no noise to compare with.
  const double least = excess * 1e-15;
  estimate.snr_db = 10 * std::log10(excess / std::max(noise * finding.bins, least));
  estimate.full_band_snr_db = 10 * std::log10(excess / std::max(noise * length, least));
  return finding;
}

/// SplitMix64's step, as a hash.
uint64_t mixed(uint64_t value) {
  value += 0x9E3779B97F4A7C15ull;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
  return value ^ (value >> 31);
}

}  // namespace

Result<SnrEstimate> estimate_snr(const Signal& signal, int threads) {
  size_t length = 1024;
  while (length > 64 && signal.samples < length * kLeastWindows) length /= 2;
  if (signal.samples < length * kLeastWindows) {
    return failed(ErrorCode::kBadRequest, std::to_string(signal.samples) +
                                              " samples are too few to tell a signal from noise: " +
                                              std::to_string(length * kLeastWindows) +
                                              " are needed");
  }
  auto coarse = welch(signal, length, threads);
  if (!coarse) return forward_error(coarse);
  const Finding first = judge(*coarse);
  constexpr size_t kFine = 8192;
  if (!first.estimate.found || first.bins >= kNarrow || signal.samples < kFine * 64) {
    return first.estimate;
  }
  auto fine = welch(signal, kFine, threads);
  if (!fine) return forward_error(fine);
  const Finding second = judge(*fine);
  return second.estimate.found ? second.estimate : first.estimate;
}

double noise_to_add(const SnrEstimate& estimate, double snr_db) {
  const double wanted = estimate.signal_power / estimate.bandwidth / std::pow(10.0, snr_db / 10);
  return wanted - estimate.noise_power;
}

void add_noise(uint64_t first, size_t count, double power, uint64_t seed,
               std::complex<float>* samples) {
  // |n|^2 has an exponential distribution and the phase is even (Box and Muller).
  for (size_t at = 0; at < count; at += kNoiseBlock) {
    uint64_t state = mixed(seed ^ mixed((first + at) / kNoiseBlock));
    const size_t end = std::min(count, at + kNoiseBlock);
    for (size_t i = at; i < end; ++i) {
      const uint64_t bits = mixed(state);
      state += 0x9E3779B97F4A7C15ull;
      constexpr float kStep = 0x1p-32f;
      const float even = (static_cast<float>(bits >> 32) + 0.5f) * kStep;
      const float phase = static_cast<float>(bits & 0xFFFFFFFFu) * kStep * 6.283185307f;
      const float size = std::sqrt(-static_cast<float>(power) * std::log(std::min(even, 1.0f)));
      samples[i] += std::complex<float>(size * std::cos(phase), size * std::sin(phase));
    }
  }
}

Status write_with_noise(const Signal& signal, double power, uint64_t seed, const std::string& path,
                        int threads, const NoiseProgress& progress) {
  auto file = protocol::OutputFile::create(path, signal.samples * sizeof(std::complex<float>));
  if (!file) return forward_error(file);
  constexpr uint64_t kPiece = kNoiseBlock * 256;
  std::vector<std::complex<float>> piece(
      static_cast<size_t>(std::min<uint64_t>(kPiece, signal.samples)));
  for (uint64_t at = 0; at < signal.samples; at += kPiece) {
    const auto count = static_cast<size_t>(std::min(kPiece, signal.samples - at));
    if (auto read = signal.read(static_cast<int64_t>(at), count, piece.data()); !read) return read;
    const size_t blocks = (count + kNoiseBlock - 1) / kNoiseBlock;
    in_parallel(blocks, threads, [&](size_t from, size_t to) {
      const size_t begin = from * kNoiseBlock, end = std::min(count, to * kNoiseBlock);
      add_noise(at + begin, end - begin, power, seed, piece.data() + begin);
    });
    if (auto written = file->write(piece.data(), count * sizeof(std::complex<float>)); !written) {
      return written;
    }
    progress(at + count);
  }
  return file->commit();
}

}  // namespace berth::signal
