// SPDX-License-Identifier: Apache-2.0
// For bench: how fast pictures are read.
//   worker_load_speed FOLDER SIZE BATCH THREADS   prints {"images", "seconds"}: one pass, nothing
//   kept
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "image/batch_loader.h"
#include "image/image_folder.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: worker_load_speed FOLDER SIZE BATCH THREADS\n", stderr);
    return 2;
  }
  const auto paths = berth::image::list_pictures(argv[1]);
  if (!paths) {
    std::fprintf(stderr, "%s\n", paths.error().message.c_str());
    return 1;
  }
  berth::image::LoaderOptions options;
  options.image_size = std::atoi(argv[2]);
  options.threads = std::atoi(argv[4]);
  const auto batch_size = static_cast<size_t>(std::atoi(argv[3]));
  const auto begin = std::chrono::steady_clock::now();
  berth::image::BatchLoader loader(*paths, options);
  loader.start(berth::image::make_batches(paths->size(), batch_size, true, 0, false));
  size_t images = 0;
  while (auto batch = loader.next()) images += batch->indices.size();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("{\"images\": %zu, \"seconds\": %.6f}\n", images, took.count());
  return 0;
}
