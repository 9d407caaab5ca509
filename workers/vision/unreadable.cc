// SPDX-License-Identifier: Apache-2.0
#include "vision/unreadable.h"

namespace berth::vision {
namespace {

using protocol::Error;
using protocol::ErrorCode;

constexpr size_t kMostNamed = 100;

}  // namespace

protocol::Status UnreadablePictures::note(const image::Batch& batch) {
  for (const image::FailedPicture& picture : batch.failed) {
    if (picture.error.code == ErrorCode::kOutOfMemory) return tl::unexpected<Error>(picture.error);
    if (!paths_.insert(picture.error.file).second) continue;
    if (!first_) first_ = picture.error;
    if (paths_.size() <= kMostNamed) events_.warning(picture.error.message);
  }
  return {};
}

protocol::Status UnreadablePictures::share(const std::vector<std::string>& pictures,
                                           runtime::ProcessGroup* group) {
  if (group == nullptr) return {};
  std::vector<double> number{static_cast<double>(paths_.size())};
  if (auto summed = group->sum(&number); !summed) return summed;
  if (number.front() == 0) return {};
  std::vector<float> found;
  for (const std::string& path : pictures) found.push_back(paths_.count(path) > 0 ? 1 : 0);
  if (auto summed = group->sum(&found); !summed) return summed;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (found[i] > 0) paths_.insert(pictures[i]);
  }
  return {};
}

protocol::Status UnreadablePictures::check(const image::ImageFolder& folder) {
  if (paths_.size() <= told_) return {};
  told_ = paths_.size();
  std::vector<size_t> readable(folder.class_names.size());
  size_t lost = 0;
  for (size_t i = 0; i < folder.paths.size(); ++i) {
    if (paths_.count(folder.paths[i]) > 0) {
      ++lost;
    } else {
      ++readable[static_cast<size_t>(folder.labels[i])];
    }
  }
  for (size_t i = 0; i < readable.size(); ++i) {
    if (readable[i] > 0) continue;
    return protocol::failed(ErrorCode::kBadImage,
                            "none of the pictures of the class " + folder.class_names[i] +
                                " could be read" +
                                (first_ ? "; the first: " + first_->message : ""),
                            first_ ? first_->file : std::string());
  }
  if (lost > 0) {
    events_.warning(std::to_string(lost) + " of " + std::to_string(folder.paths.size()) +
                    " pictures to train with could not be read and are left out");
  }
  return {};
}

tl::unexpected<Error> UnreadablePictures::all(const std::string& folder) const {
  const std::string first = first_ ? "; the first: " + first_->message : "";
  return protocol::failed(ErrorCode::kBadImage,
                          "none of the pictures in " + folder + " could be read" + first,
                          first_ ? first_->file : folder);
}

}  // namespace berth::vision
