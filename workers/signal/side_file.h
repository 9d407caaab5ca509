// SPDX-License-Identifier: Apache-2.0
// What is known about a recording beside its samples: a SigMF description (sigmf.org, version 1) or
// the XML file of RFUAV's raw packs. Both readers are tolerant: fields that are absent, of another
// type or not plausible are left out and named in `notes`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::signal {

enum class SampleFormat { kFloat32, kFloat64, kInt16, kInt8, kUint8 };

/// "cf32" and so on, as SigMF writes it without the byte order.
const char* format_name(SampleFormat format);
/// Understands cf32, cf64, ci16, ci8 and cu8, with or without "_le"; nothing for others.
std::optional<SampleFormat> format_named(const std::string& name);

struct SideFile {
  std::string path;
  std::optional<SampleFormat> format;
  std::optional<double> sample_rate_hz;
  std::optional<double> centre_frequency_hz;
  std::optional<double> bandwidth_hz;
  std::optional<double> gain_db;  ///< RFUAV's ScaleFactor: the receiver's gain. Not applied.
  std::optional<double> reference_snr_db;
  std::string drone;
  std::vector<std::string> notes;
};

/// Errors: kBadRequest (not a JSON object, not SigMF, big-endian or real samples).
protocol::Result<SideFile> parse_sigmf(const std::string& text, const std::string& path);

/// Any root element; the fields may be its children. Error: kBadRequest (not XML).
protocol::Result<SideFile> parse_rfuav_xml(const std::string& text, const std::string& path);

/// The side file of the samples at `path`, or "" if there is none. In this order, for
/// "pack1_0-1s.iq": pack1_0-1s.sigmf-meta, pack1_0-1s.xml, pack1.xml.
std::string find_side_file(const std::string& path);

/// Reads and parses by the ending of the name. Errors: those above, kIoError.
protocol::Result<SideFile> read_side_file(const std::string& path);

}  // namespace berth::signal
