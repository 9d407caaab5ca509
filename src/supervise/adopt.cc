// SPDX-License-Identifier: Apache-2.0
#include "supervise/adopt.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <map>
#include <optional>

#include "base/phrase.h"
#include "base/text.h"
#include "model/task_words.h"
#include "shim/layout.h"

namespace berth::supervise {

using base::ErrorCode;
using base::fail;

namespace {

// Where flock does not work, a claim that says nothing is given this long.
constexpr std::int64_t kYoungSeconds = 10;

using Fields = std::map<std::string, std::string, std::less<>>;

Fields parse_fields(std::string_view text) {
  Fields fields;
  for (const auto& line : base::split(text, '\n')) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) fields[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return fields;
}

std::string text_of(const Fields& fields, std::string_view key) {
  const auto field = fields.find(key);
  return field == fields.end() ? std::string() : field->second;
}

std::optional<std::int64_t> number_of(const Fields& fields, std::string_view key) {
  return base::parse_number(text_of(fields, key));
}

std::optional<int> small_number_of(const Fields& fields, std::string_view key) {
  const auto number = number_of(fields, key);
  return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}

// The bytes of an open claim from `at` on.
std::string read_part(int claim, std::size_t at, std::size_t size) {
  std::string text(size, '\0');
  const ssize_t got = ::pread(claim, text.data(), size, static_cast<off_t>(at));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::optional<Ended> read_exit(int claim) {
  const std::string text = read_part(claim, shim::kIdentityBytes, shim::kExitRecordBytes);
  const auto sum_at = text.find("\nsum=");
  if (sum_at == std::string::npos) return std::nullopt;
  std::uint64_t sum = 0;
  const std::string_view digits = std::string_view(text).substr(sum_at + 5, 16);
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), sum, 16);
  if (code != std::errc{} || end != digits.data() + 16 ||
      sum != shim::fnv1a(text.data(), sum_at + 1)) {
    return std::nullopt;
  }
  const Fields fields = parse_fields(std::string_view(text).substr(0, sum_at));
  Ended ended;
  ended.exit.exit_code = small_number_of(fields, "exit_code");
  ended.exit.signal = small_number_of(fields, "signal");
  ended.exit.cause = text_of(fields, "cause");
  ended.started = base::from_ms(number_of(fields, "started_ms").value_or(0));
  ended.ended = base::from_ms(number_of(fields, "ended_ms").value_or(0));
  ended.user = base::Duration{number_of(fields, "user_us").value_or(0) / 1000};
  ended.system = base::Duration{number_of(fields, "system_us").value_or(0) / 1000};
  ended.max_rss = base::Bytes{number_of(fields, "max_rss_kb").value_or(0) * 1024};
  ended.dropped_output_bytes = number_of(fields, "dropped").value_or(0);
  ended.message = base::to_utf8(text_of(fields, "message"));
  return ended;
}

struct Shim {
  ProcessIdentity identity;
  int child_pid = 0;
  std::string cgroup;
  base::Time started{};
};

std::optional<Shim> read_shim(int claim) {
  const std::string text = read_part(claim, 0, shim::kIdentityBytes);
  const auto padding = text.find("\n\n");  // thousands of empty lines
  const Fields fields = parse_fields(std::string_view(text).substr(
      0, (padding == std::string::npos ? text.rfind('\n') : padding) + 1));
  if (fields.empty()) return std::nullopt;
  Shim file;
  file.identity.pid = small_number_of(fields, "pid").value_or(0);
  file.identity.start_time =
      static_cast<std::uint64_t>(number_of(fields, "start_time").value_or(0));
  file.identity.boot_id = text_of(fields, "boot_id");
  file.child_pid = small_number_of(fields, "child_pid").value_or(0);
  file.cgroup = text_of(fields, "cgroup");
  file.started = base::from_ms(number_of(fields, "started_ms").value_or(0));
  return file;
}

enum class Lock : std::uint8_t { kHeld, kFree, kUnknown };

Lock probe(int claim) {
  if (::flock(claim, LOCK_SH | LOCK_NB) == 0) return Lock::kFree;
  return errno == EWOULDBLOCK ? Lock::kHeld : Lock::kUnknown;
}

bool is_revoked(const std::string& claim_path) {
  char target[sizeof shim::kRevokedClaim];
  const ssize_t size = ::readlink(claim_path.c_str(), target, sizeof target);
  return size > 0 &&
         std::string_view(target, static_cast<std::size_t>(size)) == shim::kRevokedClaim;
}

bool is_young(int claim) {
  struct stat info{};
  return ::fstat(claim, &info) == 0 && ::time(nullptr) - info.st_mtim.tv_sec < kYoungSeconds;
}

// Finds and pins the process that the claim names; false when it is gone. A claim without a start
// time is held by the process itself: when the lock is held after the process was pinned, it is
// that one that was pinned.
base::Result<bool> pin(Shim& shim, int claim, Lock lock, base::Fd& pidfd) {
  const bool by_lock = shim.identity.start_time == 0;
  if (by_lock) {
    if (shim.identity.boot_id != boot_id() || lock != Lock::kHeld) return false;
    auto identity = identity_of(shim.identity.pid);
    if (!identity) return false;
    shim.identity = std::move(*identity);
  }
  auto opened = open_pidfd(shim.identity);
  if (!opened && opened.error().code == ErrorCode::kNotFound) return false;
  if (!opened) return fail(opened.error());
  if (has_ended(opened->get()) || (by_lock && probe(claim) != Lock::kHeld)) return false;
  pidfd = std::move(*opened);
  return true;
}

std::string loss(const std::optional<Shim>& shim) {
  if (!shim) return std::string(model::words::kShimKilledEarly);
  if (shim->identity.boot_id != boot_id()) return std::string(model::words::kRestarted);
  return base::fill(model::words::kShimKilled, {std::to_string(shim->identity.pid)});
}

}  // namespace

base::Result<Adoption> adopt(const std::string& attempt_directory) {
  Adoption adoption;
  const std::string claim_path = attempt_directory + "/" + shim::kClaimFile;
  const base::Fd claim(::open(claim_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!claim.valid()) {
    const int saved = errno;
    if (saved == ENOENT) return adoption;
    if (saved != ELOOP || !is_revoked(claim_path))
      return fail(base::errno_error("cannot open " + claim_path, saved));
    adoption.phase = Adoption::Phase::kRevoked;
    return adoption;
  }
  auto ended = read_exit(claim.get());
  const Lock lock = ended ? Lock::kUnknown : probe(claim.get());
  auto shim = ended ? std::nullopt : read_shim(claim.get());
  if (shim) {
    // Locks that cannot be asked about now say neither that it is alive nor that it is dead.
    if (lock == Lock::kUnknown && shim->identity.start_time == 0 &&
        shim->identity.boot_id == boot_id()) {
      adoption.phase = Adoption::Phase::kStarting;
      return adoption;
    }
    auto alive = pin(*shim, claim.get(), lock, adoption.pidfd);
    if (!alive) return fail(alive.error());
    if (*alive) adoption.phase = Adoption::Phase::kRunning;
    adoption.shim = shim->identity;
    adoption.child_pid = shim->child_pid;
    adoption.cgroup = shim->cgroup;
    // Again: a shim found dead has written its record already if it ever will.
    ended = read_exit(claim.get());
  }
  if (ended) {
    adoption.phase = Adoption::Phase::kEnded;
    adoption.ended = std::move(*ended);
    adoption.pidfd.reset();
    return adoption;
  }
  if (adoption.phase == Adoption::Phase::kRunning) return adoption;
  const bool starting = lock == Lock::kHeld || (lock == Lock::kUnknown && is_young(claim.get()));
  if (!shim && starting) {
    adoption.phase = Adoption::Phase::kStarting;
    return adoption;
  }
  adoption.phase = Adoption::Phase::kVanished;
  adoption.ended.exit.cause = "lost";
  adoption.ended.message = loss(shim);
  if (shim) adoption.ended.started = shim->started;
  return adoption;
}

// A symbolic link, because it is there in one step, content and all, and needs no block of the
// disk.
base::Result<bool> revoke(const std::string& attempt_directory) {
  const std::string claim_path = attempt_directory + "/" + shim::kClaimFile;
  if (::symlink(shim::kRevokedClaim, claim_path.c_str()) == 0) return true;
  if (errno == ENOENT) return true;  // no directory: no shim was ever started
  if (errno == EEXIST) return is_revoked(claim_path);
  return fail(base::errno_error("cannot revoke " + claim_path, errno));
}

}  // namespace berth::supervise
