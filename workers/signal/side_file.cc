// SPDX-License-Identifier: Apache-2.0
#include "signal/side_file.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <pugixml.hpp>

#include "protocol/output_file.h"
#include "protocol/spec.h"
#include "protocol/text.h"

namespace berth::signal {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

constexpr uint64_t kMostBytes = 4u << 20;
constexpr double kMostHertz = 1e13;

struct FormatRow {
  SampleFormat format;
  const char* name;
};
constexpr FormatRow kFormats[] = {
    {SampleFormat::kFloat32, "cf32"}, {SampleFormat::kFloat64, "cf64"},
    {SampleFormat::kInt16, "ci16"},   {SampleFormat::kInt8, "ci8"},
    {SampleFormat::kUint8, "cu8"},
};

/// Takes `value` if it lies between `least` and `most`, else leaves a note.
void take(const char* name, double value, double least, double most, std::optional<double>* to,
          SideFile* side) {
  if (std::isfinite(value) && value >= least && value <= most) {
    *to = value;
  } else {
    side->notes.push_back(side->path + ": " + name + " is not plausible and was left out");
  }
}

void take_number(const char* name, const json::value* value, double least,
                 std::optional<double>* to, SideFile* side) {
  if (value == nullptr || value->is_null()) return;
  if (!value->is_number()) {
    side->notes.push_back(side->path + ": " + name + " is not a number and was left out");
    return;
  }
  take(name, value->to_number<double>(), least, kMostHertz, to, side);
}

/// Text of a child; elements are found whatever their namespace prefix.
const char* child_text(const pugi::xml_node& root, const char* name) {
  for (const pugi::xml_node& child : root.children()) {
    const std::string whole = child.name();
    const size_t colon = whole.find(':');
    if ((colon == std::string::npos ? whole : whole.substr(colon + 1)) == name) {
      return child.text().as_string();
    }
  }
  return "";
}

void take_text(const char* name, const pugi::xml_node& root, double least,
               std::optional<double>* to, SideFile* side) {
  const char* text = child_text(root, name);
  while (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r') ++text;
  if (*text == '\0') return;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  take(name, end == text ? NAN : value, least, kMostHertz, to, side);
}

std::optional<SampleFormat> format_of_data_type(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(letter));
  if (text.find("float") != std::string::npos) return SampleFormat::kFloat32;
  if (text.find("double") != std::string::npos) return SampleFormat::kFloat64;
  if (text.find("short") != std::string::npos) return SampleFormat::kInt16;
  return std::nullopt;
}

}  // namespace

const char* format_name(SampleFormat format) {
  for (const FormatRow& row : kFormats) {
    if (row.format == format) return row.name;
  }
  return "unknown";
}

std::optional<SampleFormat> format_named(const std::string& name) {
  for (const FormatRow& row : kFormats) {
    if (name == row.name || name == std::string(row.name) + "_le") return row.format;
  }
  return std::nullopt;
}

Result<SideFile> parse_sigmf(const std::string& text, const std::string& path) {
  auto whole = protocol::parse_object(text, path);
  if (!whole) return forward_error(whole);
  SideFile side;
  side.path = path;
  const json::value* global = whole->if_contains("global");
  if (global == nullptr || !global->is_object()) {
    return failed(ErrorCode::kBadRequest, path + ": SigMF needs an object \"global\"", path);
  }
  const json::value* type = global->get_object().if_contains("core:datatype");
  if (type != nullptr && type->is_string()) {
    const std::string name = type->get_string().c_str();
    side.format = format_named(name);
    if (!side.format) {
      return failed(ErrorCode::kBadRequest,
                    path + ": core:datatype is \"" + name +
                        "\"; readable are cf32_le, cf64_le, ci16_le, ci8 and cu8",
                    path);
    }
  }
  take_number("core:sample_rate", global->get_object().if_contains("core:sample_rate"), 1e-3,
              &side.sample_rate_hz, &side);
  const json::value* captures = whole->if_contains("captures");
  if (captures != nullptr && captures->is_array() && !captures->get_array().empty() &&
      captures->get_array()[0].is_object()) {
    take_number("core:frequency",
                captures->get_array()[0].get_object().if_contains("core:frequency"), 0,
                &side.centre_frequency_hz, &side);
  }
  return side;
}

Result<SideFile> parse_rfuav_xml(const std::string& text, const std::string& path) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(text.data(), text.size());
  const pugi::xml_node root = document.document_element();
  if (!parsed || !root) {
    return failed(ErrorCode::kBadRequest,
                  path + " is not XML: " + (parsed ? "no element" : parsed.description()) +
                      " at byte " + std::to_string(parsed.offset),
                  path);
  }
  SideFile side;
  side.path = path;
  side.drone = child_text(root, "Drone");
  const std::string type = child_text(root, "DataType");
  side.format = format_of_data_type(type);
  if (!type.empty() && !side.format) {
    side.notes.push_back(path + ": DataType \"" + type + "\" is not known and was left out");
  }
  take_text("SampleRate", root, 1e-3, &side.sample_rate_hz, &side);
  take_text("CenterFrequency", root, 0, &side.centre_frequency_hz, &side);
  take_text("IFBandwidth", root, 0, &side.bandwidth_hz, &side);
  take_text("ScaleFactor", root, -1000, &side.gain_db, &side);
  take_text("ReferenceSNRLevel", root, -1000, &side.reference_snr_db, &side);
  return side;
}

std::string find_side_file(const std::string& path) {
  const fs::path whole(path);
  const std::string stem = (whole.parent_path() / whole.stem()).string();
  std::vector<std::string> places = {stem + ".sigmf-meta", stem + ".xml"};
  // RFUAV cuts a pack into files of a second, all with the pack's XML file.
  const size_t dash = whole.stem().string().rfind('_');
  if (dash != std::string::npos && dash > 0) {
    places.push_back((whole.parent_path() / whole.stem().string().substr(0, dash)).string() +
                     ".xml");
  }
  std::error_code ignored;
  for (const std::string& place : places) {
    if (fs::is_regular_file(place, ignored)) return place;
  }
  return "";
}

Result<SideFile> read_side_file(const std::string& path) {
  auto text = protocol::read_file(path, kMostBytes);
  if (!text) return forward_error(text);
  if (protocol::ends_with(path, ".sigmf-meta")) return parse_sigmf(*text, path);
  return parse_rfuav_xml(*text, path);
}

}  // namespace berth::signal
