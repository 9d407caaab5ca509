// SPDX-License-Identifier: Apache-2.0
#include "vision/result_files.h"

#include <algorithm>
#include <charconv>
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

}  // namespace

ResultFiles::ResultFiles(OutputFile json, OutputFile csv)
    : json_(std::move(json)), csv_(std::move(csv)) {}

Result<ResultFiles> ResultFiles::create(const std::string& folder, const std::string& model,
                                        const std::string& weights,
                                        std::vector<std::string> class_names, size_t top_k) {
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
  files.csv_text_ = "path,index,class,confidence\r\n";
  return files;
}

Status ResultFiles::add(const Prediction& prediction) {
  const size_t best = arg_max(prediction.probabilities.data(), prediction.probabilities.size());
  const std::string confidence = shortest(prediction.probabilities[best]);
  const std::string index = std::to_string(best);
  json_text_ += std::string(predictions_ == 0 ? "\n" : ",\n") +
                "{\"path\":" + quoted(prediction.path) + ",\"index\":" + index +
                ",\"class\":" + quoted(class_names_[best]) + ",\"confidence\":" + confidence;
  if (class_names_.size() <= kMostProbabilities) {
    json_text_ += ",\"probabilities\":[";
    for (size_t i = 0; i < prediction.probabilities.size(); ++i) {
      if (i > 0) json_text_ += ',';
      json_text_ += shortest(prediction.probabilities[i]);
    }
    json_text_ += ']';
  }
  json_text_ += '}';
  csv_text_ += csv_field(prediction.path) + "," + index + "," + csv_field(class_names_[best]) +
               "," + confidence + "\r\n";
  if (predictions_ < kMostInEvent) {
    event_predictions_.push_back(
        {{"path", prediction.path},
         {"index", best},
         {"class", class_names_[best]},
         {"confidence", rounded(prediction.probabilities[best])},
         {"top", top_classes(prediction.probabilities, class_names_, top_k_)}});
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
  json_text_ += "\n],\"failed\":" + json_text(failed_) +
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
  return event;
}

}  // namespace berth::vision
