// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "image/draw.h"
#include "protocol/output_file.h"

#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#include <stb/stb_easy_font.h>
#include <stb/stb_truetype.h>

namespace berth::image {
namespace {

constexpr uint64_t kMostFontBytes = 64u << 20;
// Debian's places; the second one has Chinese.
constexpr const char* kFonts[] = {
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"};

struct Font {
  std::string bytes;
  stbtt_fontinfo info{};
};

std::unique_ptr<Font> open_font(const char* path) {
  auto bytes = protocol::read_file(path, kMostFontBytes);
  if (!bytes) return nullptr;
  auto font = std::make_unique<Font>();
  font->bytes = std::move(*bytes);
  const auto* data = reinterpret_cast<const unsigned char*>(font->bytes.data());
  const int offset = stbtt_GetFontOffsetForIndex(data, 0);
  if (offset < 0 || stbtt_InitFont(&font->info, data, offset) == 0) return nullptr;
  return font;
}

const std::vector<std::unique_ptr<Font>>& fonts() {
  static const auto all = [] {
    std::vector<std::unique_ptr<Font>> found;
    for (const char* path : kFonts) {
      if (auto font = open_font(path)) found.push_back(std::move(font));
    }
    return found;
  }();
  return all;
}

/// Bytes that are no UTF-8 become '?'.
std::vector<int> characters(const std::string& text) {
  std::vector<int> all;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    int value = first < 0x80 ? first : first & (0xFF >> (length + 1));
    bool fine = (first < 0x80 || first >= 0xC2) && first < 0xF5 && i + length <= text.size();
    for (size_t k = 1; fine && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      fine = (next & 0xC0) == 0x80;
      value = (value << 6) | (next & 0x3F);
    }
    all.push_back(fine ? value : '?');
    i += fine ? length : 1;
  }
  return all;
}

const Font* font_for(const std::vector<int>& text) {
  for (const auto& font : fonts()) {
    const bool has_all = std::all_of(text.begin(), text.end(), [&](int character) {
      return stbtt_FindGlyphIndex(&font->info, character) != 0;
    });
    if (has_all) return font.get();
  }
  return nullptr;
}

void stamp(Bitmap* picture, int x, int y, int width, int height, const uint8_t* cover,
           Colour colour) {
  const uint8_t parts[3] = {colour.red, colour.green, colour.blue};
  for (int row = std::max(0, -y); row < std::min(height, picture->height - y); ++row) {
    for (int column = std::max(0, -x); column < std::min(width, picture->width - x); ++column) {
      const int share = cover[row * width + column];
      uint8_t* pixel = picture->pixels.data() +
                       3 * (static_cast<size_t>(y + row) * static_cast<size_t>(picture->width) +
                            static_cast<size_t>(x + column));
      for (int i = 0; i < 3; ++i)
        pixel[i] = static_cast<uint8_t>(pixel[i] + (parts[i] - pixel[i]) * share / 255);
    }
  }
}

/// Draws unless `picture` is null; the width in both cases.
int with_font(const Font& font, Bitmap* picture, int x, int y, int size,
              const std::vector<int>& text, Colour colour) {
  const float scale = stbtt_ScaleForPixelHeight(&font.info, static_cast<float>(size));
  int ascent = 0;
  stbtt_GetFontVMetrics(&font.info, &ascent, nullptr, nullptr);
  const int baseline = y + static_cast<int>(std::lround(static_cast<float>(ascent) * scale));
  double at = x;
  for (size_t i = 0; i < text.size(); ++i) {
    int advance = 0, bearing = 0;
    stbtt_GetCodepointHMetrics(&font.info, text[i], &advance, &bearing);
    if (picture != nullptr) {
      int width = 0, height = 0, left = 0, top = 0;
      unsigned char* cover =
          stbtt_GetCodepointBitmap(&font.info, 0, scale, text[i], &width, &height, &left, &top);
      if (cover != nullptr) {
        stamp(picture, static_cast<int>(std::lround(at)) + left, baseline + top, width, height,
              cover, colour);
        stbtt_FreeBitmap(cover, nullptr);
      }
    }
    at += scale * static_cast<float>(advance);
    if (i + 1 < text.size()) {
      at += scale *
            static_cast<float>(stbtt_GetCodepointKernAdvance(&font.info, text[i], text[i + 1]));
    }
  }
  return static_cast<int>(std::ceil(at - x));
}

/// The built-in one: boxes on a grid whose lines are 12 units high.
int without_font(Bitmap* picture, int x, int y, int size, const std::vector<int>& text,
                 Colour colour) {
  std::string ascii;
  for (const int character : text)
    ascii += character >= 32 && character < 127 ? static_cast<char>(character) : '?';
  struct Corner {
    float x, y, z;
    unsigned char colour[4];
  };
  std::vector<Corner> corners(ascii.size() * 68 + 4);  // 270 bytes a character, as its header says
  const double unit = size / 12.0;
  const int quads = stb_easy_font_print(0, 0, ascii.data(), nullptr, corners.data(),
                                        static_cast<int>(corners.size() * sizeof(Corner)));
  for (int i = 0; picture != nullptr && i < quads; ++i) {
    const Corner& from = corners[static_cast<size_t>(4 * i)];
    const Corner& to = corners[static_cast<size_t>(4 * i + 2)];
    const int left = static_cast<int>(std::lround(from.x * unit));
    const int top = static_cast<int>(std::lround(from.y * unit));
    fill(picture, x + left, y + top, std::max(1, static_cast<int>(std::lround(to.x * unit)) - left),
         std::max(1, static_cast<int>(std::lround(to.y * unit)) - top), colour);
  }
  return static_cast<int>(std::ceil(stb_easy_font_width(ascii.data()) * unit));
}

int write(Bitmap* picture, int x, int y, int size, const std::string& text, Colour colour) {
  const std::vector<int> letters = characters(text);
  const Font* font = font_for(letters);
  return font != nullptr ? with_font(*font, picture, x, y, size, letters, colour)
                         : without_font(picture, x, y, size, letters, colour);
}

}  // namespace

int draw_text(Bitmap* picture, int x, int y, int size, const std::string& text, Colour colour) {
  return write(picture, x, y, size, text, colour);
}

int text_width(int size, const std::string& text) { return write(nullptr, 0, 0, size, text, {}); }

}  // namespace berth::image
