// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "protocol/output_file.h"
#include "signal/video.h"

namespace berth::signal {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::OutputFile;
using protocol::Result;
using protocol::Status;

constexpr uint32_t kHasIndex = 0x10, kKeyFrame = 0x10;
constexpr size_t kIndexEntry = 16;

void put(std::string* to, uint32_t value, int bytes = 4) {
  for (int i = 0; i < bytes; ++i) to->push_back(static_cast<char>(value >> (8 * i)));
}

/// Name, size, content.
std::string chunk(const char* name, const std::string& content) {
  std::string text = name;
  put(&text, static_cast<uint32_t>(content.size()));
  return text + content;
}

struct Totals {
  uint32_t frames = 0;
  uint32_t largest = 0;     ///< bytes of the largest frame
  uint32_t movi_bytes = 0;  ///< with the word "movi"
};

/// Everything before the first frame, always of the same size.
std::string header(const VideoFormat& format, const Totals& totals) {
  const auto fps = static_cast<uint32_t>(format.frames_per_second);
  const auto width = static_cast<uint32_t>(format.width);
  const auto height = static_cast<uint32_t>(format.height);
  std::string avih;
  put(&avih, 1000000 / fps);
  put(&avih, totals.largest * fps);
  put(&avih, 0);
  put(&avih, kHasIndex);
  put(&avih, totals.frames);
  put(&avih, 0);
  put(&avih, 1);  // streams
  put(&avih, totals.largest);
  put(&avih, width);
  put(&avih, height);
  avih.append(16, '\0');
  std::string strh = "vidsMJPG";
  strh.append(12, '\0');
  put(&strh, 1);  // frames per second as a fraction: rate / scale
  put(&strh, fps);
  put(&strh, 0);
  put(&strh, totals.frames);
  put(&strh, totals.largest);
  put(&strh, 0xFFFFFFFF);  // quality: not said
  put(&strh, 0);
  put(&strh, 0, 2);
  put(&strh, 0, 2);
  put(&strh, width, 2);
  put(&strh, height, 2);
  std::string strf;
  put(&strf, 40);
  put(&strf, width);
  put(&strf, height);
  put(&strf, 1, 2);   // planes
  put(&strf, 24, 2);  // bits of a pixel
  strf += "MJPG";
  put(&strf, width * height * 3);
  strf.append(16, '\0');
  const std::string strl = chunk("LIST", "strl" + chunk("strh", strh) + chunk("strf", strf));
  const std::string hdrl = chunk("LIST", "hdrl" + chunk("avih", avih) + strl);
  const auto index_bytes = static_cast<uint32_t>(8 + kIndexEntry * totals.frames);
  std::string whole = "RIFF";
  put(&whole, static_cast<uint32_t>(4 + hdrl.size() + 8) + totals.movi_bytes + index_bytes);
  whole += "AVI " + hdrl + "LIST";
  put(&whole, totals.movi_bytes);
  return whole + "movi";
}

class AviVideo : public Video {
 public:
  AviVideo(OutputFile file, std::string path, const VideoFormat& format, uint64_t limit)
      : file_(std::move(file)), path_(std::move(path)), format_(format), limit_(limit) {}

  Status begin() {
    totals_.movi_bytes = 4;
    const std::string text = header(format_, totals_);
    header_bytes_ = text.size();
    return file_.write(text.data(), text.size());
  }

  Status add(const std::string& jpeg) override {
    const size_t padded = jpeg.size() + jpeg.size() % 2;
    const uint64_t after =
        header_bytes_ + totals_.movi_bytes + 8 + padded + index_.size() + 2 * kIndexEntry;
    if (after > limit_) {
      return failed(ErrorCode::kBadRequest,
                    path_ + " would pass " + std::to_string(limit_) +
                        " bytes, the most an AVI file can hold, at frame " +
                        std::to_string(totals_.frames) +
                        ": make smaller or fewer frames, or an .mp4 file",
                    path_);
    }
    index_ += "00dc";
    put(&index_, kKeyFrame);
    put(&index_, totals_.movi_bytes);  // from the word "movi"
    put(&index_, static_cast<uint32_t>(jpeg.size()));
    std::string frame = chunk("00dc", jpeg);
    if (jpeg.size() % 2 != 0) frame.push_back('\0');
    totals_.movi_bytes += static_cast<uint32_t>(frame.size());
    totals_.largest = std::max(totals_.largest, static_cast<uint32_t>(jpeg.size()));
    ++totals_.frames;
    return file_.write(frame.data(), frame.size());
  }

  Status finish() override {
    const std::string index = chunk("idx1", index_);
    if (auto written = file_.write(index.data(), index.size()); !written) return written;
    const std::string text = header(format_, totals_);
    if (auto written = file_.rewrite(0, text.data(), text.size()); !written) return written;
    return file_.commit();
  }

 private:
  OutputFile file_;
  std::string path_;
  VideoFormat format_;
  uint64_t limit_;
  uint64_t header_bytes_ = 0;
  Totals totals_;
  std::string index_;
};

}  // namespace

Result<std::unique_ptr<Video>> open_avi(const std::string& path, const VideoFormat& format,
                                        uint64_t limit) {
  auto file = OutputFile::create(path, 0);
  if (!file) return forward_error(file);
  auto video = std::make_unique<AviVideo>(std::move(*file), path, format, limit);
  if (auto begun = video->begin(); !begun) return forward_error(begun);
  return video;
}

Result<std::unique_ptr<Video>> open_video(const std::string& path, const VideoFormat& format) {
  if (format.frames_per_second < 1 || format.frames_per_second > 1000) {
    return failed(ErrorCode::kBadRequest, std::to_string(format.frames_per_second) +
                                              " frames per second: it must be from 1 to 1000");
  }
  const std::string ending = path.size() > 4 ? path.substr(path.size() - 4) : "";
  if (ending == ".avi") return open_avi(path, format);
  if (ending == ".mp4") return open_mp4(path, format);
  return failed(ErrorCode::kBadRequest, path + ": a film's name must end in .avi or .mp4", path);
}

}  // namespace berth::signal
