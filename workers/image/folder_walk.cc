// SPDX-License-Identifier: Apache-2.0
#include "image/folder_walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace berth::image {
namespace {

namespace fs = std::filesystem;

/// The folders from the first one to the one that is walked through.
class Ancestors {
 public:
  explicit Ancestors(const std::string& root) { enter(root, 0); }

  /// False for one that lies in itself. `depth`: 0 is the first one.
  bool enter(const fs::path& folder, size_t depth) {
    struct stat status{};
    if (::stat(folder.c_str(), &status) != 0) return true;  // which listing it will tell
    const std::pair id(status.st_dev, status.st_ino);
    ids_.resize(std::min(ids_.size(), depth));
    if (std::find(ids_.begin(), ids_.end(), id) != ids_.end()) return false;
    ids_.resize(depth, id);
    ids_.push_back(id);
    return true;
  }

 private:
  std::vector<std::pair<dev_t, ino_t>> ids_;
};

}  // namespace

bool is_hidden(const fs::path& path) { return path.filename().native().rfind('.', 0) == 0; }

protocol::Status walk_files(const std::string& folder,
                            const std::function<void(const fs::directory_entry&)>& visit) {
  std::error_code error;
  Ancestors ancestors(folder);
  fs::recursive_directory_iterator entries(folder, fs::directory_options::follow_directory_symlink,
                                           error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (is_hidden(entries->path())) {
      entries.disable_recursion_pending();
    } else if (!entries->is_directory(ignored)) {
      visit(*entries);
    } else if (!ancestors.enter(entries->path(), static_cast<size_t>(entries.depth()) + 1)) {
      entries.disable_recursion_pending();
    }
  }
  if (!error) return {};
  return tl::unexpected<protocol::Error>(
      protocol::system_error("cannot list the folder", folder, error.value()));
}

bool may_be_read(const fs::directory_entry& entry) {
  std::error_code ignored;
  if (entry.is_regular_file(ignored)) return true;  // mostly known from the listing
  const fs::file_type type = entry.status(ignored).type();
  return type == fs::file_type::regular || type == fs::file_type::not_found;
}

}  // namespace berth::image
