// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "protocol/termination.h"
#include "signal/video.h"

extern char** environ;

namespace berth::signal {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;
using protocol::system_error;

/// Pictures go to ffmpeg's standard input. When this process ends early the pipe ends, and ffmpeg
/// with it.
class Mp4Video : public Video {
 public:
  explicit Mp4Video(std::string path) : path_(std::move(path)) {}

  ~Mp4Video() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      wait();
    }
    if (pipe_ >= 0) ::close(pipe_);
    if (words_ >= 0) ::close(words_);
    if (output_ >= 0) ::close(output_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    protocol::forget_temporary(slot_);
  }

  Status begin(int frames_per_second) {
    const protocol::TemporaryFile made = protocol::create_temporary(path_);
    if (made.fd < 0) return tl::unexpected<Error>(system_error("cannot create", path_, errno));
    temporary_ = made.path;
    slot_ = made.slot;
    output_ = made.fd;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      return tl::unexpected<Error>(system_error("cannot make a pipe for", path_, errno));
    }
    pipe_ = ends[1];
    words_ = ::memfd_create("ffmpeg", MFD_CLOEXEC);
    const int failure = spawn(ends[0], frames_per_second);
    ::close(ends[0]);
    if (failure == ENOENT || failure == EACCES) {
      return failed(ErrorCode::kBadRequest,
                    "the program ffmpeg, which makes .mp4 files, was not found in PATH: install it "
                    "(Debian: apt-get install ffmpeg) or choose an .avi file",
                    path_);
    }
    if (failure != 0) {
      return tl::unexpected<Error>(system_error("cannot start ffmpeg for", path_, failure));
    }
    return {};
  }

  Status add(const std::string& jpeg) override {
    const char* at = jpeg.data();
    size_t left = jpeg.size();
    while (left > 0) {
      const ssize_t n = ::write(pipe_, at, left);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return complain(wait());
      at += n;
      left -= static_cast<size_t>(n);
    }
    return {};
  }

  Status finish() override {
    ::close(pipe_);
    pipe_ = -1;
    if (const int status = wait(); status != 0) return complain(status);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return tl::unexpected<Error>(system_error("cannot put in place", path_, errno));
    }
    temporary_.clear();
    return {};
  }

 private:
  int spawn(int input, int frames_per_second) {
    const std::vector<std::string> words = {
        "ffmpeg", "-y", "-loglevel", "error", "-f", "mjpeg", "-framerate",
        std::to_string(frames_per_second), "-i", "pipe:0", "-an",
        // Most players want 4:2:0, and that wants even sides.
        "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-f", "mp4",
        // The open file, not its name: that may be removed before ffmpeg gets there.
        "file:/proc/self/fd/" + std::to_string(kOutput)};
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (words_ >= 0) posix_spawn_file_actions_adddup2(&actions, words_, STDERR_FILENO);
    // Last: the ones before may have this number.
    posix_spawn_file_actions_adddup2(&actions, output_, kOutput);
    const int failure =
        ::posix_spawnp(&child_, "ffmpeg", &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) child_ = -1;
    return failure;
  }

  /// Its wait status, 0 for success.
  int wait() {
    if (child_ < 0) return status_;
    while (::waitpid(child_, &status_, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    return status_;
  }

  Status complain(int status) const {
    char text[2000];
    const ssize_t n = words_ < 0 ? 0 : ::pread(words_, text, sizeof text, 0);
    std::string message = "ffmpeg could not make " + path_;
    if (WIFEXITED(status)) message += ", exit status " + std::to_string(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) message += ", ended by signal " + std::to_string(WTERMSIG(status));
    if (n > 0) message += ": " + std::string(text, static_cast<size_t>(n));
    while (!message.empty() && message.back() == '\n') message.pop_back();
    return failed(ErrorCode::kIoError, message, path_);
  }

  static constexpr int kOutput = 3;  // where ffmpeg finds its output

  std::string path_;
  std::string temporary_;
  int slot_ = -1;
  int output_ = -1;
  int pipe_ = -1;
  int words_ = -1;  // what ffmpeg says on its standard error
  pid_t child_ = -1;
  int status_ = 0;
};

}  // namespace

Result<std::unique_ptr<Video>> open_mp4(const std::string& path, const VideoFormat& format) {
  auto video = std::make_unique<Mp4Video>(path);
  if (auto begun = video->begin(format.frames_per_second); !begun) return forward_error(begun);
  return video;
}

}  // namespace berth::signal
