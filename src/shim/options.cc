// SPDX-License-Identifier: Apache-2.0
#include "shim/options.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace berth::shim {
namespace {

bool parse_count(const char* text, std::int64_t least, std::int64_t* count) {
  char* end = nullptr;
  errno = 0;
  const long long number = std::strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || number < least) return false;
  *count = number;
  return true;
}

bool parse_user(const char* text, Options* options) {
  char* end = nullptr;
  options->uid = static_cast<uid_t>(std::strtoul(text, &end, 10));
  if (end == text || *end != ':') return false;
  const char* next = end + 1;
  options->gid = static_cast<gid_t>(std::strtoul(next, &end, 10));
  if (end == next) return false;
  while (*end != '\0') {
    next = end + 1;
    if (*next == '\0') break;
    if (options->group_count == kMaxGroups) return false;
    options->groups[options->group_count++] = static_cast<gid_t>(std::strtoul(next, &end, 10));
    if (end == next) return false;
  }
  options->has_user = true;
  return true;
}

bool parse_limit(char* text, Options* options) {
  char* equals = std::strchr(text, '=');
  if (equals == nullptr || options->limit_count == kMaxLimits) return false;
  *equals = '\0';
  GpuLimit& limit = options->limits[options->limit_count++];
  limit.gpu = text;
  return parse_count(equals + 1, 1, &limit.mib);
}

bool parse_resource_limit(const char* text, Options* options) {
  if (options->resource_limit_count == kMaxResourceLimits) return false;
  ResourceLimit& limit = options->resource_limits[options->resource_limit_count++];
  char* end = nullptr;
  limit.resource = static_cast<int>(std::strtol(text, &end, 10));
  if (end == text || *end != ':') return false;
  const char* next = end + 1;
  limit.soft = std::strtoull(next, &end, 10);
  if (end == next || *end != ':') return false;
  next = end + 1;
  limit.hard = std::strtoull(next, &end, 10);
  return end != next && *end == '\0';
}

bool set_option(const char* name, char* value, Options* options) {
  const auto is = [name](const char* other) { return std::strcmp(name, other) == 0; };
  if (is("--dir"))
    options->dir = value;
  else if (is("--cwd"))
    options->cwd = value;
  else if (is("--cgroup"))
    options->cgroup = value;
  else if (is("--grace-ms"))
    return parse_count(value, 0, &options->grace_ms);
  else if (is("--timeout-ms"))
    return parse_count(value, 0, &options->timeout_ms);
  else if (is("--max-output-bytes"))
    return parse_count(value, 1, &options->max_output_bytes);
  else if (is("--limits-program"))
    options->limits_program = value;
  else if (is("--limit"))
    return parse_limit(value, options);
  else if (is("--user"))
    return parse_user(value, options);
  else if (is("--keep-cgroup"))
    options->keep_cgroup = std::strcmp(value, "1") == 0;
  else if (is("--nice"))
    options->nice = std::atoi(value);
  else if (is("--rlimit"))
    return parse_resource_limit(value, options);
  else
    return false;
  return true;
}

}  // namespace

bool parse_options(int argc, char** argv, Options* options) {
  static_cast<OptionValues&>(*options) = OptionValues{};
  int i = 1;
  for (; i < argc && std::strcmp(argv[i], "--") != 0; i += 2) {
    if (i + 1 >= argc || !set_option(argv[i], argv[i + 1], options)) {
      std::fprintf(stderr, "berth-shim: cannot use the option %s %s\n", argv[i],
                   i + 1 < argc ? argv[i + 1] : "(no value)");
      return false;
    }
  }
  if (options->dir == nullptr || i + 1 >= argc) {
    std::fputs(
        "usage: berth-shim --dir ATTEMPT_DIR [--cwd DIR] [--grace-ms N] [--timeout-ms N]\n"
        "         [--max-output-bytes N] [--cgroup PATH] [--limits-program PATH] [--limit "
        "GPU=MIB]...\n"
        "         [--keep-cgroup 0|1] [--user UID:GID[:GROUP,...]] [--rlimit "
        "RESOURCE:SOFT:HARD]... "
        "[--nice N] -- "
        "ARGV...\n",
        stderr);
    return false;
  }
  options->argv = argv + i + 1;
  return true;
}

}  // namespace berth::shim
