// SPDX-License-Identifier: Apache-2.0
// For tests/parity and bench, which compare the short-time Fourier transform with SciPy's:
//   worker_signal_parity stft IN OUT WINDOW symmetric|periodic LENGTH OVERLAP
//     complex floats from IN, transformed to OUT, row by row
//   worker_signal_parity time IN LENGTH THREADS REPEATS [portable|kissfft]
//     {"seconds": [...]}: half-overlapping Hamming windows, into memory that exists already
//   worker_signal_parity kernel
//     which variant of the inner loops runs
#include <kiss_fft.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "protocol/output_file.h"
#include "signal/iq_file.h"
#include "signal/stft.h"

namespace {

using berth::signal::IqFile;
using berth::signal::Stft;
using berth::signal::StftOptions;
using Complex = std::complex<float>;

bool load(const char* path, std::vector<Complex>* samples) {
  const auto file = IqFile::open(path);
  if (!file) return false;
  samples->resize(file->samples());
  return static_cast<bool>(file->read(0, samples->size(), samples->data()));
}

int transform(char** argv) {
  std::vector<Complex> samples;
  const auto window = berth::signal::window_named(argv[4]);
  if (!load(argv[2], &samples) || !window) return 1;
  StftOptions options;
  options.window = *window;
  options.periodic = std::string(argv[5]) == "periodic";
  options.length = std::strtoull(argv[6], nullptr, 10);
  options.overlap = std::strtoull(argv[7], nullptr, 10);
  const auto stft = Stft::create(options);
  if (!stft) return 1;
  std::vector<Complex> out(stft->rows(samples.size()) * stft->length());
  stft->transform_all(samples.data(), samples.size(), out.data(), 2);
  const std::string_view bytes(reinterpret_cast<const char*>(out.data()),
                               out.size() * sizeof(Complex));
  return berth::protocol::write_file(argv[3], bytes) ? 0 : 1;
}

/// The same with KissFFT, a window at a time, to see what the transforms side by side are worth.
void with_kissfft(const std::vector<Complex>& samples, const std::vector<double>& window,
                  size_t hop, size_t rows, Complex* out) {
  const size_t length = window.size();
  const std::unique_ptr<kiss_fft_state, decltype(&kiss_fft_free)> plan(
      kiss_fft_alloc(static_cast<int>(length), 0, nullptr, nullptr), &kiss_fft_free);
  std::vector<Complex> in(length);
  for (size_t row = 0; row + 2 < rows; ++row) {
    for (size_t i = 0; i < length; ++i) {
      in[i] = samples[row * hop + i] * static_cast<float>(window[i]);
    }
    kiss_fft(plan.get(), reinterpret_cast<const kiss_fft_cpx*>(in.data()),
             reinterpret_cast<kiss_fft_cpx*>(out + row * length));
  }
}

int measure(int argc, char** argv) {
  std::vector<Complex> samples;
  if (!load(argv[2], &samples)) return 1;
  StftOptions options;
  options.length = std::strtoull(argv[3], nullptr, 10);
  const std::string variant = argc > 6 ? argv[6] : "";
  options.portable = variant == "portable";
  const int threads = std::atoi(argv[4]), repeats = std::atoi(argv[5]);
  const auto stft = Stft::create(options);
  if (!stft) return 1;
  const size_t rows = stft->rows(samples.size());
  std::vector<Complex> out(rows * stft->length());
  const auto window = berth::signal::make_window(options.window, options.length, false);
  std::printf("{\"seconds\": [");
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (variant == "kissfft") {
      with_kissfft(samples, window, stft->hop(), rows, out.data());
    } else {
      stft->transform_all(samples.data(), samples.size(), out.data(), threads);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%s%.6f", i == 0 ? "" : ", ", took.count());
  }
  std::printf("]}\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "kernel") return std::puts(berth::signal::kernels().name) < 0;
  if (task == "stft" && argc == 8) return transform(argv);
  if (task == "time" && (argc == 6 || argc == 7)) return measure(argc, argv);
  return 2;
}
