// SPDX-License-Identifier: Apache-2.0
#include "vision/boxes_file.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>

#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "protocol/spec.h"

namespace berth::vision {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;
using protocol::text_of;

constexpr uint64_t kMostBytes = uint64_t{1} << 30;
constexpr uint64_t kMostLabelBytes = uint64_t{16} << 20;

std::string where(const std::string& file, const char* list, size_t index) {
  return file + ": " + list + "[" + std::to_string(index) + "]";
}

std::optional<double> number_of(const json::object& entry, const char* name) {
  const json::value* value = entry.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double number = value->to_number<double>();
  return std::isfinite(number) ? std::optional<double>(number) : std::nullopt;
}

/// [x, y, width, height] in pixels.
std::optional<Box> box_of(const json::object& entry, const char* name) {
  const json::value* value = entry.if_contains(name);
  if (value == nullptr || !value->is_array() || value->get_array().size() != 4) return std::nullopt;
  double numbers[4];
  for (size_t i = 0; i < 4; ++i) {
    const json::value& number = value->get_array()[i];
    if (!number.is_number()) return std::nullopt;
    numbers[i] = number.to_number<double>();
    if (!std::isfinite(numbers[i])) return std::nullopt;
  }
  if (numbers[2] <= 0 || numbers[3] <= 0) return std::nullopt;
  Box box;
  box.x = numbers[0];
  box.y = numbers[1];
  box.width = numbers[2];
  box.height = numbers[3];
  return box;
}

const json::array* list_of(const json::object& content, const char* name) {
  const json::value* value = content.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

class BoxesFromFile : public Detector {
 public:
  /// Of a picture with this name or path.
  void add(const std::string& picture, Box box) {
    const std::string name = fs::path(picture).lexically_normal().string();
    auto& boxes = by_name_[name];
    if (boxes.empty()) ++names_[fs::path(name).filename().string()].first;
    names_[fs::path(name).filename().string()].second = name;
    boxes.push_back(std::move(box));
  }

  Result<std::vector<Box>> detect(const std::string& name,
                                  const image::Bitmap& /*picture*/) const override {
    auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      const auto alike = names_.find(fs::path(name).filename().string());
      if (alike != names_.end() && alike->second.first == 1)
        found = by_name_.find(alike->second.second);
    }
    return found == by_name_.end() ? std::vector<Box>() : found->second;
  }

 private:
  std::map<std::string, std::vector<Box>> by_name_;
  std::map<std::string, std::pair<int, std::string>> names_;  // file name: how many have it, one
};

Status read_predictions(const json::array& entries, const std::string& file, BoxesFromFile* to) {
  for (size_t i = 0; i < entries.size(); ++i) {
    const json::object* entry = entries[i].if_object();
    auto box = entry == nullptr ? std::nullopt : box_of(*entry, "box");
    const std::string path = entry == nullptr ? "" : text_of(*entry, "path");
    if (!box || path.empty()) {
      return failed(ErrorCode::kBadRequest,
                    where(file, "predictions", i) +
                        " must have a path and a box [x, y, width, height] in pixels",
                    file);
    }
    box->label = text_of(*entry, "class");
    box->score = number_of(*entry, "confidence").value_or(1);
    to->add(path, std::move(*box));
  }
  return {};
}

/// id: text of `name`.
std::map<int64_t, std::string> names_by_id(const json::array* entries, const char* name) {
  std::map<int64_t, std::string> names;
  if (entries == nullptr) return names;
  for (const json::value& value : *entries) {
    const json::object* entry = value.if_object();
    const auto id = entry == nullptr ? std::nullopt : number_of(*entry, "id");
    if (id) names[static_cast<int64_t>(*id)] = text_of(*entry, name);
  }
  return names;
}

Status read_coco(const json::object& content, const json::array& annotations,
                 const std::string& file, BoxesFromFile* to) {
  const auto pictures = names_by_id(list_of(content, "images"), "file_name");
  const auto categories = names_by_id(list_of(content, "categories"), "name");
  for (size_t i = 0; i < annotations.size(); ++i) {
    const json::object* entry = annotations[i].if_object();
    auto box = entry == nullptr ? std::nullopt : box_of(*entry, "bbox");
    const auto id = entry == nullptr ? std::nullopt : number_of(*entry, "image_id");
    const auto picture = id ? pictures.find(static_cast<int64_t>(*id)) : pictures.end();
    if (!box || picture == pictures.end() || picture->second.empty()) {
      return failed(ErrorCode::kBadRequest,
                    where(file, "annotations", i) +
                        " must have the image_id of one of the images, and a bbox [x, y, width, "
                        "height] in pixels",
                    file);
    }
    const auto category = number_of(*entry, "category_id");
    const auto named =
        category ? categories.find(static_cast<int64_t>(*category)) : categories.end();
    if (named != categories.end()) box->label = named->second;
    box->score = number_of(*entry, "score").value_or(1);
    to->add(picture->second, std::move(*box));
  }
  return {};
}

Result<std::unique_ptr<Detector>> read_json(const std::string& path) {
  auto text = protocol::read_file(path, kMostBytes);
  if (!text) return forward_error(text);
  auto content = protocol::parse_object(*text, path);
  if (!content) return forward_error(content);
  auto boxes = std::make_unique<BoxesFromFile>();
  const json::array* predictions = list_of(*content, "predictions");
  const json::array* annotations = list_of(*content, "annotations");
  Status read;
  if (predictions != nullptr) {
    read = read_predictions(*predictions, path, boxes.get());
  } else if (annotations != nullptr) {
    read = read_coco(*content, *annotations, path, boxes.get());
  } else {
    read = failed(ErrorCode::kBadRequest,
                  path +
                      " has neither predictions (as inference writes them) nor annotations "
                      "(COCO)",
                  path);
  }
  if (!read) return forward_error(read);
  return boxes;
}

/// A text file beside each picture, read when the picture is looked at: shares need its size.
class BoxesFromFolder : public Detector {
 public:
  explicit BoxesFromFolder(std::string folder) : folder_(std::move(folder)) {}

  Result<std::vector<Box>> detect(const std::string& name,
                                  const image::Bitmap& picture) const override {
    std::error_code missing;
    fs::path file = fs::path(folder_) / fs::path(name).replace_extension(".txt");
    if (!fs::exists(file, missing)) file = fs::path(folder_) / (fs::path(name).stem() += ".txt");
    if (!fs::exists(file, missing)) return std::vector<Box>();
    auto text = protocol::read_file(file.string(), kMostLabelBytes);
    if (!text) return forward_error(text);
    std::vector<Box> boxes;
    std::istringstream lines(*text);
    size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      auto box = read_line(line, picture);
      if (!box) {
        return failed(ErrorCode::kBadRequest,
                      file.string() + ":" + std::to_string(number) +
                          " must be \"class x y width height [score]\": the centre and the size "
                          "as shares of the picture",
                      file.string());
      }
      boxes.push_back(std::move(*box));
    }
    return boxes;
  }

 private:
  static std::optional<Box> read_line(const std::string& line, const image::Bitmap& picture) {
    std::istringstream words(line);
    Box box;
    double x = 0, y = 0, width = 0, height = 0;
    if (!(words >> box.label >> x >> y >> width >> height)) return std::nullopt;
    if (!(words >> box.score)) box.score = 1;
    if (!(width > 0 && height > 0 && width <= 2 && height <= 2 && x >= -1 && x <= 2 && y >= -1 &&
          y <= 2)) {
      return std::nullopt;
    }
    box.width = width * picture.width;
    box.height = height * picture.height;
    box.x = x * picture.width - box.width / 2;
    box.y = y * picture.height - box.height / 2;
    return box;
  }

  std::string folder_;
};

}  // namespace

Result<std::unique_ptr<Detector>> open_boxes(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) {
    return tl::unexpected<protocol::Error>(
        protocol::system_error("cannot read boxes_path", path, error.value()));
  }
  if (fs::is_directory(status)) return std::make_unique<BoxesFromFolder>(path);
  return read_json(path);
}

}  // namespace berth::vision
