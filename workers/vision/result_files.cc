// SPDX-License-Identifier: Apache-2.0
#include "vision/result_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "protocol/event_writer.h"
#include "protocol/json_text.h"
#include "vision/metrics.h"

namespace berth::vision {
namespace {

using protocol::finite_or_null;
using protocol::json_text;
using protocol::OutputFile;
using protocol::Result;
using protocol::Status;

constexpr size_t kMostProbabilities = 1000;  // per prediction in result.json
constexpr size_t kMostInEvent = 1000;        // predictions
constexpr size_t kMostFailures = 1000;       // in the event
constexpr size_t kFlushBytes = 1 << 18;

/// The shortest text that reads back as the same float.
std::string shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

/// A float as a double with the same short decimal text (0.9f gives 0.9, not 0.89999998).
double rounded(float value) { return std::stod(shortest(value)); }

std::string quoted(const std::string& text) { return json_text(boost::json::value(text)); }

/// RFC 4180: quotes around what holds a comma, quote or line end.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field.append(c == '"' ? 2 : 1, c);
  return field + "\"";
}

boost::json::array top_classes(const std::vector<float>& probabilities,
                               const std::vector<std::string>& names, size_t most) {
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t count = std::min(most, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
      [&](size_t a, size_t b) {
        return probabilities[a] != probabilities[b] ? probabilities[a] > probabilities[b] : a < b;
      });
  boost::json::array top;
  for (size_t i = 0; i < count; ++i) {
    top.push_back({{"class", names[order[i]]}, {"confidence", rounded(probabilities[order[i]])}});
  }
  return top;
}

double hundredths(double pixels) { return std::round(pixels * 100) / 100; }

boost::json::array box_numbers(const Box& box) {
  return {hundredths(box.x), hundredths(box.y), hundredths(box.width), hundredths(box.height)};
}

boost::json::object detected(const Box& box) {
  return {{"class", box.label}, {"confidence", rounded(static_cast<float>(box.score))}};
}

std::string csv_box(const Box& box) {
  std::string text;
  for (const double number : {box.x, box.y, box.width, box.height})
    text += "," + json_text(boost::json::value(hundredths(number)));
  return text + "," + csv_field(box.label) + "," + shortest(static_cast<float>(box.score));
}

}  // namespace

ResultFiles::ResultFiles(OutputFile json, OutputFile csv)
    : json_(std::move(json)), csv_(std::move(csv)) {}

Result<ResultFiles> ResultFiles::create(const std::string& folder, const std::string& model,
                                        const std::string& weights,
                                        std::vector<std::string> class_names, size_t top_k,
                                        bool boxes) {
  auto json = OutputFile::create(folder + "/result.json", 0);
  if (!json) return forward_error(json);
  auto csv = OutputFile::create(folder + "/result.csv", 0);
  if (!csv) return forward_error(csv);
  ResultFiles files(std::move(*json), std::move(*csv));
  files.folder_ = folder;
  files.model_ = model;
  files.top_k_ = top_k;
  files.weights_ = weights;
  files.class_names_ = std::move(class_names);
  files.json_text_ =
      "{\"model\":" + quoted(model) + ",\"weights\":" + quoted(weights) + ",\"class_names\":[";
  for (size_t i = 0; i < files.class_names_.size(); ++i) {
    files.json_text_ += (i == 0 ? "" : ",") + quoted(files.class_names_[i]);
  }
  files.json_text_ += "],\"predictions\":[";
  files.boxes_ = boxes;
  files.csv_text_ = "path,index,class,confidence";
  if (boxes) files.csv_text_ += ",x,y,width,height,detected,score";
  files.csv_text_ += "\r\n";
  return files;
}

Status ResultFiles::add(const Prediction& prediction) {
  const bool classified = !prediction.probabilities.empty();
  const size_t best =
      classified ? arg_max(prediction.probabilities.data(), prediction.probabilities.size()) : 0;
  const std::string& name = classified ? class_names_[best] : prediction.box->label;
  const std::string confidence = classified ? shortest(prediction.probabilities[best])
                                            : shortest(static_cast<float>(prediction.box->score));
  const std::string index = classified ? std::to_string(best) : "";
  json_text_ +=
      std::string(predictions_ == 0 ? "\n" : ",\n") + "{\"path\":" + quoted(prediction.path);
  if (prediction.box) {
    json_text_ += ",\"box\":" + json_text(box_numbers(*prediction.box)) +
                  ",\"detected\":" + json_text(detected(*prediction.box));
  }
  if (classified) json_text_ += ",\"index\":" + index;
  json_text_ += ",\"class\":" + quoted(name) + ",\"confidence\":" + confidence;
  if (classified && class_names_.size() <= kMostProbabilities) {
    json_text_ += ",\"probabilities\":[";
    for (size_t i = 0; i < prediction.probabilities.size(); ++i) {
      if (i > 0) json_text_ += ',';
      json_text_ += shortest(prediction.probabilities[i]);
    }
    json_text_ += ']';
  }
  json_text_ += '}';
  csv_text_ += csv_field(prediction.path) + "," + index + "," + csv_field(name) + "," + confidence;
  if (boxes_) csv_text_ += csv_box(*prediction.box);
  csv_text_ += "\r\n";
  if (predictions_ < kMostInEvent) {
    boost::json::object event{
        {"path", prediction.path}, {"class", name}, {"confidence", std::stod(confidence)}};
    if (classified) {
      event["index"] = best;
      event["top"] = top_classes(prediction.probabilities, class_names_, top_k_);
    }
    if (prediction.box) {
      event["box"] = box_numbers(*prediction.box);
      event["detected"] = detected(*prediction.box);
    }
    event_predictions_.push_back(std::move(event));
  }
  ++predictions_;
  return flush(/*all=*/false);
}

void ResultFiles::add_failure(const std::string& path, const std::string& reason) {
  if (failed_.size() < kMostFailures) event_failed_.push_back({{"path", path}, {"reason", reason}});
  failed_.push_back({{"path", path}, {"reason", reason}});
}

Status ResultFiles::flush(bool all) {
  if (all || json_text_.size() >= kFlushBytes) {
    if (auto written = json_.write(json_text_.data(), json_text_.size()); !written) return written;
    json_text_.clear();
  }
  if (all || csv_text_.size() >= kFlushBytes) {
    if (auto written = csv_.write(csv_text_.data(), csv_text_.size()); !written) return written;
    csv_text_.clear();
  }
  return {};
}

Result<boost::json::object> ResultFiles::commit(double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(predictions_) / seconds : 0;
  json_text_ += "\n]";
  for (const auto& item : notes_)
    json_text_ += "," + quoted(std::string(item.key())) + ":" + json_text(item.value());
  json_text_ += ",\"failed\":" + json_text(failed_) +
                ",\"images\":" + std::to_string(predictions_) +
                ",\"seconds\":" + json_text(finite_or_null(seconds)) +
                ",\"images_per_second\":" + json_text(finite_or_null(rate)) + "}\n";
  if (auto written = flush(/*all=*/true); !written) return forward_error(written);
  if (auto placed = csv_.commit(); !placed) return forward_error(placed);
  if (auto placed = json_.commit(); !placed) return forward_error(placed);
  boost::json::object event{
      {"model", model_},
      {"weights", weights_},
      {"class_names", boost::json::array(class_names_.begin(), class_names_.end())},
      {"predictions", std::move(event_predictions_)},
      {"failed", std::move(event_failed_)},
      {"images", predictions_},
      {"seconds", finite_or_null(seconds)},
      {"images_per_second", finite_or_null(rate)},
      {"result_path", folder_ + "/result.json"},
      {"truncated", predictions_ > kMostInEvent || failed_.size() > kMostFailures},
  };
  for (const auto& item : notes_) event[item.key()] = item.value();
  return event;
}

}  // namespace berth::vision
