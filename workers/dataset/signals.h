// SPDX-License-Identifier: Apache-2.0
// IQ samples of the kinds of radio signal that drones and their remote controls send, with noise.
// Frequencies are fractions of the sample rate (-0.5..0.5), times are in samples.
#pragma once

#include <complex>
#include <optional>
#include <string>
#include <vector>

#include "dataset/random.h"

namespace berth::dataset {

using Samples = std::vector<std::complex<float>>;

enum class SignalKind {
  kOfdmVideo,         ///< bursts of OFDM: QPSK on some hundred subcarriers, cyclic prefix
  kFrequencyHopping,  ///< GFSK bursts that hop over channels
  kChirp,             ///< linear sweeps, cyclically shifted by the data (as LoRa)
  kTelemetry,         ///< a continuous narrow GFSK carrier on one frequency
  kNoise,             ///< nothing but noise
};

/// "ofdm_video" and so on; nothing for an unknown name.
std::optional<SignalKind> signal_kind(const std::string& name);
/// All names, comma separated.
std::string signal_names();

/// `count` samples of a signal with randomly drawn parameters (bandwidth, centre, timing, data) in
/// complex white noise of power 1. `snr_db`: power of the signal while it is on, against the noise
/// over the whole band.
Samples make_samples(SignalKind kind, size_t count, double snr_db, Random* random);

}  // namespace berth::dataset
