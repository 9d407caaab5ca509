// SPDX-License-Identifier: Apache-2.0
// How strong a signal stands out of the noise, and adding noise until it stands out less.
//
// The estimate: a Welch spectrum P (means of |Z|^2 over half-overlapping Hann windows of n = 1024
// samples, 8192 where the signal is narrow) sums up to the mean power of a sample.
//   1. First guess of the noise N0 in a bin: the 20th percentile of P.
//   2. The band: the run of bins, not wrapping around, with the largest sum of P - N0 (1 + 1.5 s),
//      s = sqrt(1.06 / windows) being the spread of a bin of noise (Welch 1967).
//   3. N0 again: the median of the bins beside the band, as many on each side as the band has (32
//   at
//      least), a few next to it left out. Steps 2 and 3 are repeated twice.
//   4. S = sum of P - N0 over the band. B, the occupied bandwidth: the bins between the points
//   where
//      half a percent of S lies below and above (99 % of the power, ITU-R SM.443).
//   5. SNR = S / (N0 B): powers within the occupied bandwidth, averaged over all samples.
// "No signal" is reported where S is less than 6 standard deviations of the noise in the band.
//
// Limits: one contiguous band (of several signals the strongest; a hopper whose channels leave gaps
// counts from end to end or in part), at least a quarter of the spectrum free of signals (tested to
// 60 % occupied), noise that is white near the band, power averaged over pauses. The ratio is
// within 1 dB for spectra with steep edges that are at least some 16 bins wide. Skirts count as far
// as they stand out: the bandwidth of a spectrum without edges depends on the noise, and so does
// its ratio, but not full_band_snr_db.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "protocol/result.h"
#include "signal/spectrogram.h"

namespace berth::signal {

struct SnrEstimate {
  bool found = false;           ///< if not, only total_power, noise_power and windows are meant
  double snr_db = 0;            ///< within the occupied bandwidth
  double full_band_snr_db = 0;  ///< signal against the noise of the whole band
  double signal_power = 0;      ///< mean of |x|^2 due to the signal
  double noise_power = 0;       ///< mean of |x|^2 due to noise, over the whole band
  double total_power = 0;
  double bandwidth = 0;  ///< occupied, as a fraction of the sample rate
  double centre = 0;     ///< of the band, -0.5 .. 0.5 of the sample rate
  uint64_t windows = 0;  ///< that the spectrum is the mean of
};

/// Errors: kBadRequest (fewer than 16 windows of 64 samples), those of the reader.
protocol::Result<SnrEstimate> estimate_snr(const Signal& signal, int threads);

/// Power of the noise (mean of |n|^2) to add so that the estimate becomes `snr_db`: the noise that
/// is there already counts. 0 or less: the signal is not that clean.
double noise_to_add(const SnrEstimate& estimate, double snr_db);

/// Adds complex white Gaussian noise of mean power `power` to samples [first, first + count) of a
/// signal. What a sample gets depends on its place and the seed alone. `first` must be a multiple
/// of kNoiseBlock.
inline constexpr size_t kNoiseBlock = 4096;
void add_noise(uint64_t first, size_t count, double power, uint64_t seed,
               std::complex<float>* samples);

/// Told how many samples are done.
using NoiseProgress = std::function<void(uint64_t samples)>;

/// Writes `signal` with noise added as float32 I/Q to `path`. Errors: those of the reader,
/// kNoSpace, kIoError.
protocol::Status write_with_noise(const Signal& signal, double power, uint64_t seed,
                                  const std::string& path, int threads,
                                  const NoiseProgress& progress);

}  // namespace berth::signal
