// SPDX-License-Identifier: Apache-2.0
#include "cli/data_arguments.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/signal_arguments.h"

namespace berth::cli {

namespace {

constexpr int kMostPixels = 1'000'000'000;

CLI::Validator share(double least, double most) {
  return CLI::Validator(CLI::Range(least, most)).description("");
}

void add_seed(CLI::App* verb, DataOptions& to) {
  verb->add_option("--seed", to.seed, "for other random numbers; 0 by default")
      ->check(CLI::Validator(CLI::NonNegativeNumber).description(""))
      ->type_name("N");
}

void add_split(CLI::App* data, DataOptions& to) {
  CLI::App* verb = data->add_subcommand(
      "split", "Splits images, one sub-directory per class, into train, valid and test.");
  verb->add_option("--input", to.input, "one sub-directory of images per class")
      ->required()
      ->type_name("DIR");
  verb->add_option("--output", to.output, "where train, valid and test go")
      ->required()
      ->type_name("DIR");
  verb->add_option("--train-ratio", to.train_ratio, "0.1 to 0.9; 0.8 by default")
      ->check(share(0.1, 0.9))
      ->type_name("R");
  verb->add_option("--val-ratio", to.val_ratio,
                   "0.05 to 0.5, the rest is for testing; by default\n"
                   "all that is not for training")
      ->check(share(0.05, 0.5))
      ->type_name("R");
  add_seed(verb, to);
  verb->add_flag("--overwrite", to.overwrite, "replace an earlier split in --output");
  verb->add_flag("--link", to.link, "hard links instead of copies");
  add_common_of_data(verb, to);
  verb->parse_complete_callback([&to] { to.work = DataWork::kSplit; });
}

void add_augment(CLI::App* data, DataOptions& to) {
  CLI::App* verb = data->add_subcommand(
      "augment", "Makes further training images out of those in train and valid.");
  verb->add_option("--input", to.input,
                   "a data set: train, valid, with one sub-directory per class")
      ->required()
      ->type_name("DIR");
  verb->add_option("--output", to.output, "where the larger data set goes")
      ->required()
      ->type_name("DIR");
  verb->add_option("--methods", to.methods,
                   "of AdvancedBlur, CLAHE, ColorJitter, GaussNoise,\n"
                   "ISONoise, Sharpen; all by default")
      ->delimiter(',')
      ->type_name("NAME,...");
  add_seed(verb, to);
  add_common_of_data(verb, to);
  verb->parse_complete_callback([&to] { to.work = DataWork::kAugment; });
}

void add_crop(CLI::App* data, DataOptions& to) {
  CLI::App* verb = data->add_subcommand("crop", "Cuts the same rectangle out of images.");
  verb->add_option("--input", to.input, "an image or a directory of images")
      ->required()
      ->type_name("PATH");
  verb->add_option("--output", to.output, "where they go, in the same sub-directories")
      ->required()
      ->type_name("DIR");
  verb->add_option("--x", to.x, "left edge, in pixels")
      ->required()
      ->check(range(0, kMostPixels))
      ->type_name("N");
  verb->add_option("--y", to.y, "upper edge")
      ->required()
      ->check(range(0, kMostPixels))
      ->type_name("N");
  verb->add_option("--width", to.width, "in pixels")
      ->required()
      ->check(range(1, kMostPixels))
      ->type_name("N");
  verb->add_option("--height", to.height, "in pixels")
      ->required()
      ->check(range(1, kMostPixels))
      ->type_name("N");
  add_common_of_data(verb, to);
  verb->parse_complete_callback([&to] { to.work = DataWork::kCrop; });
}

}  // namespace

void add_common_of_data(CLI::App* verb, DataOptions& to) {
  verb->add_option("--priority", to.priority, "1 (most urgent) to 10; 5 by default")
      ->check(range(1, 10))
      ->type_name("P");
  verb->add_option("--name", to.name, "shown in listings")->type_name("NAME");
  verb->add_option("--id", to.task_id, "the task's id, instead of a random one")->type_name("ID");
  verb->add_flag("--json", to.json, "what was done as JSON");
  verb->add_flag("--detach", to.detach, "print the task's id and go");
}

void add_data(CLI::App& app, DataOptions& to, Invocation& result) {
  CLI::App* verb =
      app.add_subcommand("data", "Prepares data sets, of images and of recordings, on the CPU.");
  add_split(verb, to);
  add_augment(verb, to);
  add_crop(verb, to);
  add_signals(verb, to);
  verb->require_subcommand(1);
  verb->final_callback([&] { result.verb = [&to] { return data(to); }; });
}

}  // namespace berth::cli
