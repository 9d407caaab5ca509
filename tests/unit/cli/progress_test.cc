// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include "cli/builtin_text.h"
#include "cli/samples.h"
#include "cli/when.h"
#include "cli/width.h"

namespace berth::cli {
namespace {

using namespace test;

TEST(Progress, a_bar_shows_what_is_used_and_what_is_promised) {
  EXPECT_EQ(bar(0.5, 0.75, 8, Tone::kGood, kPipe), "━━━━╍╍──");
  EXPECT_EQ(bar(0, 0, 4, Tone::kGood, kPipe), "────");
  EXPECT_EQ(bar(0.001, 0, 4, Tone::kGood, kPipe), "━───") << "something is never shown as nothing";
  EXPECT_EQ(bar(1.7, 9, 4, Tone::kGood, kPipe), "━━━━");
  EXPECT_EQ(bar(0.5, 0, 4, Tone::kBad, kColor), "\x1b[31m━━\x1b[0m\x1b[2m──\x1b[0m");
}

constexpr std::string_view kTraining =
    R"({"task_id": "t", "task_type": "training", "status": "running", "progress": 30,
  "device": "cuda:0", "current_epoch": 4, "total_epochs": 10, "started_at": "2026-01-02T03:04:05Z",
  "latest_metrics": {"epoch": 3, "total_epochs": 10, "train_loss": 0.412, "train_acc": 87.5, "val_loss": 0.5011,
                     "val_acc": 86.1, "best_acc": 88.0, "macro_f1": null}})";

TEST(Progress, the_line_of_a_data_set_counts_its_files) {
  const auto task = json_object(
      R"({"task_id": "t", "task_type": "image_crop", "status": "running", "progress": 40, "device": "cpu",
          "items_done": 40, "items_total": 100})");
  Screen screen;
  screen.width = 80;
  EXPECT_NE(progress_line(task, base::Time{}, screen).find("40 of 100 files"), std::string::npos);
}

TEST(Progress, the_line_of_a_training) {
  const auto now = *parse_iso8601("2026-01-02T03:04:35Z");
  EXPECT_EQ(progress_line(json_object(kTraining), now, kWide),
            "━━━━━━━───────────────── "
            " 30%  epoch  4/10  loss 0.4120  acc 86.1%  best 88.0%  cuda:0  1m 10s left");
  for (const int width : {20, 40, 60, 80}) {
    EXPECT_LT(display_width(progress_line(json_object(kTraining), now, Screen{width, true, true})),
              std::max(width, 24));
  }
  EXPECT_EQ(progress_line(json_object(R"({"status": "queued", "message": "waiting"})"), now, kWide),
            "queued: waiting");
}

TEST(Progress, in_chinese) {
  const InChinese spoken;
  const auto now = *parse_iso8601("2026-01-02T03:04:35Z");
  EXPECT_EQ(progress_line(json_object(kTraining), now, kWide),
            "━━━━━━━───────────────── "
            " 30%  第  4/10 轮  损失 0.4120  准确率 86.1%  最佳 88.0%  cuda:0  剩余 1分10秒");
  EXPECT_EQ(epoch_line(json_object(kTraining)),
            "第  3/10 轮  损失 0.4120，验证 0.5011  准确率 87.50%，验证 86.10%  最佳 88.00%");
}

TEST(Progress, one_line_per_finished_epoch) {
  EXPECT_EQ(epoch_line(json_object(kTraining)),
            "epoch  3/10  loss 0.4120, val 0.5011  acc 87.50%, val 86.10%  best 88.00%");
  EXPECT_EQ(epoch_line(json_object(R"({"latest_metrics": {"epoch": 1, "train_loss": 0.5}})")), "");
  EXPECT_EQ(epoch_line(json_object(R"({"latest_metrics": null})")), "");
}

TEST(Progress, predictions_are_limited_and_summed_up) {
  const auto result = json_object(
      R"({"model": "resnet18", "images": 3, "seconds": 0.5, "images_per_second": 6.0, "failed": [{"path": "x.txt", "reason": "no image"}],
    "predictions": [{"path": "a/1.jpg", "class": "DJI", "confidence": 0.987}, {"path": "a/2.jpg", "class": "DJI", "confidence": 0.61},
                    {"path": "b/1.jpg", "class": "FLYSKY", "confidence": 0.3}]})");
  EXPECT_EQ(render_predictions(result, "/out/result.json", 2, kPipe),
            "IMAGE    CLASS  CONFIDENCE\n"
            "a/1.jpg  DJI         98.7%\n"
            "a/2.jpg  DJI         61.0%\n"
            "2 of 3 shown\n"
            "\n"
            "images   3 in 0.50 s (6.0 per second)\n"
            "classes  DJI 2, FLYSKY 1\n"
            "failed   1, the first x.txt: no image\n"
            "model    resnet18\n"
            "result   /out/result.json\n");
}

}  // namespace
}  // namespace berth::cli
