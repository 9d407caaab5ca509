// SPDX-License-Identifier: Apache-2.0
#include "cli/builtin_arguments.h"

#include "base/json.h"
#include "base/text.h"
#include "cli/options.h"

namespace berth::cli {

namespace {

namespace json = base::json;

constexpr const char* kRecipe = "How it learns";
constexpr const char* kKept = "What is kept";
constexpr const char* kPlaces = "Two stages";
constexpr const char* kUsual = "Options";  // as CLI11 calls them

// "crop=0.2": a field of `augment`; the daemon knows which there are.
void add_augment(CLI::App* verb, json::object& to) {
  verb->add_option_function<std::vector<std::string>>(
          "--augment",
          [&to](const std::vector<std::string>& words) {
            json::object augment;
            for (const std::string& word : words) {
              const auto equals = word.find('=');
              char* end = nullptr;
              const double number =
                  equals == std::string::npos ? 0 : std::strtod(word.c_str() + equals + 1, &end);
              if (end == nullptr || *end != '\0' || equals + 1 == word.size()) {
                throw CLI::ValidationError("--augment",
                                           "\"" + word + "\" is no NAME=NUMBER: write crop=0.2");
              }
              augment[word.substr(0, equals)] = number;
            }
            to["augment"] = std::move(augment);
          },
          "change images while learning: horizontal_flip=P\n"
          "vertical_flip=P crop=SHARE brightness=B contrast=C\n"
          "noise=DEVIATION erase=P; several with commas")
      ->delimiter(',')
      ->type_name("NAME=X")
      ->group(kRecipe);
}

void add_recipe(CLI::App* verb, json::object& to) {
  add_count(verb, "--gpus", "gpus", to, "train on so many GPUs together, 1 by default", kRecipe);
  add_count(verb, "--processes", "processes", to, "with --device cpu: in so many processes",
            kRecipe);
  add_word(verb, "--optimizer", "optimizer", to, "adam (by default), adamw or sgd", kRecipe);
  add_number(verb, "--weight-decay", "weight_decay", to, "0 by default, 0.01 with adamw", kRecipe);
  add_word(verb, "--schedule", "schedule", to,
           "of the learning rate: constant (by default), cosine,\nlinear or step", kRecipe);
  add_number(verb, "--warmup-epochs", "warmup_epochs", to,
             "the learning rate rises for so long at first", kRecipe);
  add_count(verb, "--accumulate", "accumulate_steps", to, "an update is made of so many batches",
            kRecipe);
  add_number(verb, "--clip-norm", "clip_norm", to, "greatest norm of the gradients", kRecipe);
  add_number(verb, "--label-smoothing", "label_smoothing", to, "0 by default", kRecipe);
  add_word(verb, "--class-weights", "class_weights", to, "balanced: every class counts the same",
           kRecipe);
  add_switch(verb, "--mixed-precision", "mixed_precision", to,
             "bf16 where the device has it, else fp16", kRecipe);
  add_switch(verb, "--ema,!--no-ema", "ema", to,
             "validate and save an average of the last steps' weights;\nso it is by default",
             kRecipe);
  add_augment(verb, to);
  add_count(verb, "--seed", "seed", to, "the same seed gives the same weights", kRecipe);
  add_switch(verb, "--deterministic", "deterministic", to, "on a GPU, too; slower there", kRecipe);
  add_count(verb, "--early-stop", "early_stop", to, "end after so many epochs without a better one",
            kRecipe);
  add_switch(verb, "--resume", "resume", to, "go on with what was stopped in --save", kRecipe);
  add_count(verb, "--save-every", "save_every", to, "weights of every so many epochs too", kKept);
  add_count(verb, "--keep", "keep_checkpoints", to, "of those only the newest", kKept);
  add_word(verb, "--format", "checkpoint_format", to,
           "safetensors (by default), pth (what PyTorch reads) or both", kKept);
}

}  // namespace

void add_train(CLI::App& app, TrainOptions& t, Invocation& result) {
  CLI::App* train_verb = app.add_subcommand(
      "train", "Trains an image classifier: one sub-directory of images per class.");
  train_verb->add_option("--model", t.model, "one that \"berth info\" lists; resnet18 by default")
      ->type_name("NAME");
  train_verb->add_option("--train", t.train, "images to learn from")->required()->type_name("DIR");
  train_verb->add_option("--val", t.val, "images to check with")->required()->type_name("DIR");
  train_verb->add_option("--save", t.save, "where weights and metrics go")
      ->required()
      ->type_name("DIR");
  train_verb->add_option("--epochs", t.epochs, "100 by default")
      ->check(range(1, 1000000))
      ->type_name("N");
  train_verb
      ->add_option("--batch-size", t.batch_size,
                   "images at a time, 8 by default; auto: as many as fit")
      ->check(CLI::Validator(
          [](const std::string& word) {
            const auto number = base::parse_number(word);
            return word == "auto" || (number && *number >= 1 && *number <= 1'000'000)
                       ? std::string()
                       : "\"" + word + "\" is no batch size: write a number from 1, or auto";
          },
          ""))
      ->type_name("N|auto");
  train_verb->add_option("--lr", t.learning_rate, "learning rate, 0.0001 by default")
      ->check(CLI::Validator(
          [](const std::string& word) {
            char* end = nullptr;
            const double rate = std::strtod(word.c_str(), &end);
            return end != word.c_str() && *end == '\0' && rate > 0
                       ? std::string()
                       : "\"" + word + "\" is no learning rate: write a number above 0";
          },
          ""))
      ->type_name("RATE");
  train_verb->add_option("--image-size", t.image_size, "in pixels, 224 by default")
      ->check(range(32, 16384))
      ->type_name("N");
  train_verb
      ->add_option("--num-classes", t.num_classes,
                   "the number of sub-directories of --train by default")
      ->check(range(1, 1000000))
      ->type_name("N");
  train_verb->add_option("--weights", t.weights, "begin with these instead of pretrained ones")
      ->type_name("FILE");
  train_verb->add_flag("--pretrained,!--no-pretrained", t.pretrained,
                       "begin with weights learnt on ImageNet where they are at hand");
  train_verb->add_flag("--shuffle,!--no-shuffle", t.shuffle,
                       "another order of images in each epoch");
  add_device(train_verb, &t.device, "cuda (the best GPU, the CPU without one), cuda:1, cpu");
  train_verb->add_option("--priority", t.priority, "1 (most urgent) to 10; 5 by default")
      ->check(range(1, 10))
      ->type_name("P");
  train_verb->add_option("--name", t.name, "a sub-directory of --save")->type_name("NAME");
  train_verb->add_option("--id", t.task_id, "the task's id, instead of a random one")
      ->type_name("ID");
  train_verb->add_flag("--detach", t.detach, "print the task's id and go");
  add_recipe(train_verb, t.more);
  train_verb->final_callback([&] { result.verb = [&t] { return train(t); }; });
}

namespace {

// What infer and benchmark both take, after their pictures.
void add_weights(CLI::App* verb, InferOptions& i) {
  verb->add_option("--cfg,--config", i.cfg, "model and classes, where the weights do not say")
      ->type_name("FILE");
  verb->add_option("--batch-size", i.batch_size, "images at a time, 32 by default")
      ->check(range(1, 4096))
      ->type_name("N");
  add_device(verb, &i.device, "cuda (the best GPU, the CPU without one), cuda:1, cpu");
  verb->add_option("--priority", i.priority, "1 (most urgent) to 10; 3 by default")
      ->check(range(1, 10))
      ->type_name("P");
  verb->add_option("--name", i.name, "shown in listings")->type_name("NAME");
  verb->add_option("--id", i.task_id, "the task's id, instead of a random one")->type_name("ID");
  verb->add_flag("--json", i.json, "the result as JSON");
  verb->add_flag("--detach", i.detach, "print the task's id and go");
}

void add_places(CLI::App* verb, InferOptions& i) {
  verb->add_option(
          "--boxes", i.boxes,
          "classify these places instead of whole images: a\nresult.json or COCO file with "
          "boxes, or a directory\nwith a .txt per image (class x y width height)")
      ->type_name("PATH")
      ->group(kPlaces);
  add_number(verb, "--min-score", "min_score", i.detector, "of the boxes; 0 by default", kPlaces);
  add_number(verb, "--margin", "margin", i.detector, "added on each side, as a share of the box",
             kPlaces);
  add_count(verb, "--max-boxes", "max_boxes", i.detector, "in an image; 1000 by default", kPlaces);
}

}  // namespace

void add_infer(CLI::App& app, InferOptions& i, Invocation& result) {
  CLI::App* verb = app.add_subcommand("infer", "Classifies images with trained weights.");
  verb->add_option("--weights", i.weights, "as berth train saved them, or PyTorch")
      ->type_name("FILE");
  verb->add_option("--source", i.source,
                   "an image, an IQ recording, a directory of them, or\na list (.txt)")
      ->required()
      ->type_name("PATH");
  verb->add_option("--save", i.save, "where result.json goes")->type_name("DIR");
  add_count(verb, "--top", "top_k", i.more, "most probable classes told, 5 by default", kUsual);
  add_switch(verb, "--annotate,!--no-annotate", "annotate", i.more,
             "also save the images with their classes on them; so\nit is by default", kUsual);
  add_weights(verb, i);
  add_places(verb, i);
  verb->final_callback([&] {
    if (i.weights.empty() && i.boxes.empty())
      throw CLI::RequiredError("--weights (or --boxes, which are then shown alone)");
    if (i.boxes.empty() && !i.detector.empty())
      throw CLI::ValidationError("--min-score, --margin and --max-boxes", "they go with --boxes");
    result.verb = [&i] { return infer(i); };
  });
}

void add_benchmark(CLI::App& app, InferOptions& i, Invocation& result) {
  CLI::App* verb = app.add_subcommand(
      "benchmark", "How good weights are at each signal-to-noise ratio and in each colormap.");
  verb->add_option("--weights", i.weights, "as berth train saved them")
      ->required()
      ->type_name("FILE");
  verb->add_option("--data", i.source, "images in RATIO/COLORMAP/CLASS/")
      ->required()
      ->type_name("DIR");
  verb->add_option("--save", i.save, "where benchmark.json goes")->type_name("DIR");
  add_weights(verb, i);
  verb->final_callback([&] { result.verb = [&i] { return benchmark(i); }; });
}

}  // namespace berth::cli
