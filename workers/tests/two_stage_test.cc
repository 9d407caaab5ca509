// SPDX-License-Identifier: Apache-2.0
// Places that a detector has found, and what inference makes of them.
#include "vision/boxes_file.h"
#include "worker_run.h"

namespace berth {
namespace {

using boost::json::object;
using tests::parsed;
using tests::TemporaryFolder;
using tests::text_of;
using tests::WorkerRun;
using vision::Box;
using vision::open_boxes;

const image::Bitmap kPicture{200, 100, {}};

std::vector<Box> boxes_of(const std::string& path, const std::string& name) {
  auto detector = open_boxes(path);
  if (!detector) return {{0, 0, 0, 0, detector.error().message, 0}};
  auto found = (*detector)->detect(name, kPicture);
  if (!found) return {{0, 0, 0, 0, found.error().message, 0}};
  return *found;
}

std::string text_of(const std::vector<Box>& boxes) {
  std::string text;
  for (const Box& box : boxes) {
    char line[256];
    std::snprintf(line, sizeof line, "%s %g (%g %g %g %g); ", box.label.c_str(), box.score, box.x,
                  box.y, box.width, box.height);
    text += line;
  }
  return text;
}

TEST(BoxesFile, ReadsWhatInferenceWrites) {
  const TemporaryFolder folder;
  const std::string path = folder.write("boxes.json", R"({"predictions": [
    {"path": "a/x.jpg", "box": [1, 2, 30, 40], "class": "drone", "confidence": 0.75},
    {"path": "a/x.jpg", "box": [5.5, 6, 7, 8]},
    {"path": "./b/y.jpg", "box": [0, 0, 1, 1]}, {"path": "c/y.jpg", "box": [0, 0, 2, 2]}]})");
  EXPECT_EQ(text_of(boxes_of(path, "a/x.jpg")), "drone 0.75 (1 2 30 40);  1 (5.5 6 7 8); ");
  EXPECT_EQ(text_of(boxes_of(path, "elsewhere/x.jpg")), text_of(boxes_of(path, "a/x.jpg")))
      << "the only picture of that name";
  EXPECT_EQ(text_of(boxes_of(path, "b/y.jpg")), " 1 (0 0 1 1); ");
  EXPECT_EQ(text_of(boxes_of(path, "y.jpg")), "") << "two have that name: neither is guessed";
}

TEST(BoxesFile, ReadsCoco) {
  const TemporaryFolder folder;
  const std::string path = folder.write("coco.json", R"({
    "images": [{"id": 7, "file_name": "x.jpg"}],
    "categories": [{"id": 3, "name": "drone"}],
    "annotations": [{"image_id": 7, "bbox": [1, 2, 3, 4], "category_id": 3, "score": 0.5},
                    {"image_id": 7, "bbox": [5, 6, 7, 8]}]})");
  EXPECT_EQ(text_of(boxes_of(path, "x.jpg")), "drone 0.5 (1 2 3 4);  1 (5 6 7 8); ");
}

TEST(BoxesFile, ReadsAFolderOfLabels) {
  const TemporaryFolder folder;
  folder.write("labels/a/x.txt", "0 0.5 0.5 0.5 0.2 0.9\n\ndrone 0.1 0.1 0.2 0.2\r\n");
  folder.write("labels/y.txt", "1 0.5 0.5 1 1\n");
  folder.write("labels/z.txt", "1 0.5 0.5 1 1\n1 0.5\n");
  const std::string labels = folder.path() + "/labels";
  EXPECT_EQ(text_of(boxes_of(labels, "a/x.jpg")), "0 0.9 (50 40 100 20); drone 1 (0 0 40 20); ");
  EXPECT_EQ(text_of(boxes_of(labels, "b/y.png")), "1 1 (0 0 200 100); ");
  EXPECT_EQ(text_of(boxes_of(labels, "none.png")), "");
  EXPECT_NE(text_of(boxes_of(labels, "z.png")).find("z.txt:2 must be"), std::string::npos)
      << text_of(boxes_of(labels, "z.png"));
}

TEST(BoxesFile, NamesWhatIsWrong) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& text) {
    auto detector = open_boxes(folder.write("f.json", text));
    return detector ? "" : detector.error().message;
  };
  EXPECT_NE(message("[1]").find("f.json"), std::string::npos);
  EXPECT_NE(message("{}").find("neither predictions"), std::string::npos);
  for (const char* box : {"[1,2,3]", "[1,2,0,4]", "[1,2,-3,4]", "[1,2,\"3\",4]", "null"}) {
    const std::string entry = std::string(R"({"path": "a", "box": )") + box + "}";
    EXPECT_NE(message(R"({"predictions": [{"path": "a", "box": [1,2,3,4]}, )" + entry + "]}")
                  .find("predictions[1] must have a path and a box"),
              std::string::npos)
        << box;
  }
  EXPECT_NE(message(R"({"annotations": [{"image_id": 1, "bbox": [1,2,3,4]}]})")
                .find("annotations[0] must have the image_id"),
            std::string::npos);
  EXPECT_NE(open_boxes(folder.path() + "/none").error().message.find("cannot read boxes_path"),
            std::string::npos);
}

/// The part [x, x + width) x [y, y + height) of it.
image::Bitmap part_of(const image::Bitmap& picture, int x, int y, int width, int height) {
  image::Bitmap part{width, height, {}};
  for (int row = y; row < y + height; ++row) {
    const auto* begin = picture.pixels.data() + 3 * (row * picture.width + x);
    part.pixels.insert(part.pixels.end(), begin, begin + 3 * width);
  }
  return part;
}

std::vector<double> numbers_of(const boost::json::value& list) {
  std::vector<double> numbers;
  for (const auto& number : list.as_array()) numbers.push_back(number.to_number<double>());
  return numbers;
}

TEST(TwoStages, ClassifyTheBoxesAndSayWhereTheyAre) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 8, 2);
  ASSERT_EQ(run.run("train", run.train_spec(1)), 0);
  const image::Bitmap picture = tests::patterned(96, 48);
  run.folder.write("pictures/a.png", tests::png(picture));
  run.folder.write("pictures/b.png", tests::png(picture));
  run.folder.write("pictures/broken.png", "not a picture");
  run.folder.write("boxes.json", R"({"predictions": [
    {"path": "a.png", "box": [2, 2, 40, 40], "class": "thing", "confidence": 0.9},
    {"path": "a.png", "box": [52, 2, 400, 40], "class": "thing", "confidence": 0.8},
    {"path": "a.png", "box": [52, 2, 40, 40], "class": "thing", "confidence": 0.1},
    {"path": "a.png", "box": [900, 2, 40, 40], "confidence": 0.9}]})");
  object spec = run.infer_spec();
  spec["source_path"] = run.folder.path() + "/pictures";
  spec["batch_size"] = 1;
  spec["detector"] = {{"boxes_path", run.folder.path() + "/boxes.json"}, {"min_score", 0.5}};
  ASSERT_EQ(run.run("infer", spec), 0) << TemporaryFolder::read(run.folder.path() + "/err");
  const std::string results = run.folder.path() + "/results";
  const object written = parsed(TemporaryFolder::read(results + "/result.json"));
  const auto& predictions = written.at("predictions").as_array();
  ASSERT_EQ(predictions.size(), 2u) << "one is too unsure, one lies outside";
  EXPECT_EQ(numbers_of(predictions[0].at("box")), (std::vector<double>{2, 2, 40, 40}));
  EXPECT_EQ(numbers_of(predictions[1].at("box")), (std::vector<double>{52, 2, 44, 40}))
      << "cut at the edge";
  EXPECT_EQ(predictions[0].at("detected").at("class"), "thing");
  EXPECT_EQ(predictions[0].at("probabilities").as_array().size(), 2u);
  EXPECT_EQ(written.at("pictures"), 3);
  EXPECT_EQ(written.at("without_boxes"), 1);
  EXPECT_EQ(written.at("failed").as_array().size(), 1u);
  const std::string csv = TemporaryFolder::read(results + "/result.csv");
  EXPECT_EQ(csv.rfind("path,index,class,confidence,x,y,width,height,detected,score\r\n", 0), 0u);
  EXPECT_NE(csv.find(",2.0,2.0,40.0,40.0,thing,0.9\r\n"), std::string::npos) << csv;
  EXPECT_TRUE(std::filesystem::exists(results + "/a.png.jpg"));
  const object event = run.events("result").at(0).at("data").as_object();
  EXPECT_EQ(event.at("predictions").at(0).at("top").as_array().size(), 2u);

  // They are classified as if each were a picture of its own.
  run.folder.write("parts/0.png", tests::png(part_of(picture, 2, 2, 40, 40)));
  run.folder.write("parts/1.png", tests::png(part_of(picture, 52, 2, 44, 40)));
  object parts = run.infer_spec();
  parts["source_path"] = run.folder.path() + "/parts";
  parts["save_path"] = run.folder.path() + "/results_of_parts";
  parts["batch_size"] = 1;
  ASSERT_EQ(run.run("infer", parts), 0);
  const object apart =
      parsed(TemporaryFolder::read(run.folder.path() + "/results_of_parts/result.json"));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(numbers_of(apart.at("predictions").at(i).at("probabilities")),
              numbers_of(predictions[i].at("probabilities")));
  }

  // What came out can go in again, and a detector may stand alone.
  spec["detector"] = {{"boxes_path", results + "/result.json"}};
  spec["weight_path"] = "";
  spec["save_path"] = run.folder.path() + "/alone";
  ASSERT_EQ(run.run("infer", spec), 0) << TemporaryFolder::read(run.folder.path() + "/err");
  const object alone = parsed(TemporaryFolder::read(run.folder.path() + "/alone/result.json"));
  ASSERT_EQ(alone.at("predictions").as_array().size(), 2u);
  EXPECT_EQ(alone.at("predictions").at(0).at("class"), predictions[0].at("class"));
  EXPECT_EQ(alone.at("predictions").at(0).at("confidence"), predictions[0].at("confidence"));
  EXPECT_FALSE(alone.at("predictions").at(0).as_object().contains("probabilities"));
}

TEST(TwoStages, WrongFieldsAreRefused) {
  WorkerRun run;
  object spec = run.infer_spec();
  spec["detector"] = {{"min_score", 0.5}};
  EXPECT_EQ(run.run("infer", spec), 1);
  EXPECT_EQ(run.failure(), "bad_request");
  EXPECT_NE(TemporaryFolder::read(run.folder.path() + "/err").find("boxes_path"),
            std::string::npos);
  spec["detector"] = {{"boxes_path", "x"}, {"margin", -1}};
  EXPECT_EQ(run.run("infer", spec), 1);
  EXPECT_NE(TemporaryFolder::read(run.folder.path() + "/err").find("margin"), std::string::npos);
}

}  // namespace
}  // namespace berth
