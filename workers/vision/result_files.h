// SPDX-License-Identifier: Apache-2.0
// The machine-readable outcome of an inference: result.json and result.csv, written as the
// predictions come so that memory stays small, in place only when complete.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/output_file.h"
#include "protocol/result.h"
#include "vision/detector.h"

namespace berth::vision {

struct Prediction {
  std::string path;                  ///< relative to the source
  std::vector<float> probabilities;  ///< in class order; empty: the box says it all
  std::optional<Box> box;            ///< what of the picture it is about
};

class ResultFiles {
 public:
  /// `boxes`: every prediction has one.
  static protocol::Result<ResultFiles> create(const std::string& folder, const std::string& model,
                                              const std::string& weights,
                                              std::vector<std::string> class_names,
                                              size_t top_k = 5, bool boxes = false);

  /// Further fields for both, after the predictions.
  void note(const std::string& name, boost::json::value value) { notes_[name] = std::move(value); }

  /// Predictions must come in the order of their paths. Errors: kNoSpace, kIoError.
  protocol::Status add(const Prediction& prediction);
  void add_failure(const std::string& path, const std::string& reason);

  size_t predictions() const { return predictions_; }
  size_t failures() const { return failed_.size(); }

  /// Puts both files in place and returns what the result event carries: the same, with the
  /// `top_k` most probable classes ("top") instead of all probabilities, at most 1000 predictions
  /// and failures ("truncated" tells), and result_path. Errors: kNoSpace, kIoError.
  protocol::Result<boost::json::object> commit(double seconds);

 private:
  ResultFiles(protocol::OutputFile json, protocol::OutputFile csv);
  protocol::Status flush(bool all);

  protocol::OutputFile json_, csv_;
  std::string json_text_, csv_text_;  // not yet written
  std::string folder_, model_, weights_;
  std::vector<std::string> class_names_;
  size_t predictions_ = 0, top_k_ = 5;
  bool boxes_ = false;
  boost::json::object notes_;
  boost::json::array event_predictions_, event_failed_, failed_;
};

}  // namespace berth::vision
