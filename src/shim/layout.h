// SPDX-License-Identifier: Apache-2.0
// The files of one attempt, shared by berth-shim (which writes them) and supervise/ (which reads
// them). Constants only: the shim links nothing but libc.
//
// ATTEMPT_DIR/
//   claim         kIdentityBytes bytes about the shim, then kExitRecordBytes bytes of exit record;
//                 both padded with line feeds. There in one step and only once, so that exactly one
//                 shim gets it. The shim holds flock(LOCK_EX) on it until the attempt has ended:
//                 a claim that can be locked and says nothing of an end belongs to a shim that is
//                 gone. The lock is there before the name is, so there is no moment in between.
//                 About the shim: "key=value" lines pid, boot_id, started_ms, cgroup, and where
//                 there are no locks start_time (field 22 of /proc/PID/stat); the line child_pid
//                 is added in place once there is one.
//                 The exit record: line feeds until the end, then overwritten with one pwrite(2);
//                 its blocks are there before the claim, so that a full disk cannot lose it. One
//                 file for all of it, since for a short task files are what costs most.
//                 A symbolic link to kRevokedClaim instead: the daemon has given the attempt up
//                 before a shim claimed it, and none can any more.
//   events        what the task appends to (BERTH_EVENTS). Where that is not the shim's own user it
//                 is made empty for him, who could not make it; else it is there once it is
//                 written.
//   limits        where limits of device memory were to be set: a line "GPU MIB STATUS" each, with
//   what
//                 the driver's program exited with (0: the limit holds).
//   stdout        raw bytes of the current generation, from the first one on; stderr likewise.
//   stdout.1      the generation before, once the current one was full.
//   stdout.start  kStartRecordBytes bytes, there before the first output: "INODE START\n" for the
//                 older and
//                 for the current generation, padded with line feeds. START is the logical offset
//                 of that inode's first byte. It is written before the renames of a rotation, so a
//                 reader that looks up the inode of the file it opened has the right offset at
//                 every moment. A file whose inode is not listed is read again from the start.
//
// Keys of the exit record: version=1, exit_code or signal, cause (exited | cancelled | timeout |
// memory_limit | launch_failed), started_ms, ended_ms (Unix time), user_us, system_us, max_rss_kb
// (of all processes of the task), dropped (output bytes that could not be stored), message (one
// line), sum=<FNV-1a of everything before "sum=", 16 hex digits>. A record without a correct sum is
// none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace berth::shim {

inline constexpr char kClaimFile[] = "claim";
inline constexpr char kRevokedClaim[] = "revoked";
inline constexpr char kEventsFile[] = "events";
inline constexpr char kLimitsFile[] = "limits";
inline constexpr char kStdoutFile[] = "stdout";
inline constexpr char kStderrFile[] = "stderr";
inline constexpr char kOlderSuffix[] = ".1";
inline constexpr char kStartSuffix[] = ".start";

inline constexpr std::size_t kIdentityBytes = 8192;
inline constexpr std::size_t kExitRecordBytes = 4096;
inline constexpr std::size_t kStartRecordBytes = 128;
inline constexpr std::int64_t kDefaultMaxOutputBytes = 64LL << 20;
inline constexpr std::int64_t kDefaultGraceMs = 10'000;

// What the shim itself exits with.
inline constexpr int kExitRecorded = 0;  // the exit record says what happened
inline constexpr int kExitUsage = 64;    // wrong command line
inline constexpr int kExitCannotStart =
    71;                                  // no claim made, nothing started (disk full, no directory)
inline constexpr int kExitClaimed = 75;  // another shim has the attempt, nothing started
inline constexpr int kExitNotWanted = 76;  // told to wait for the word to go, which did not come

// What the task's main process exits with when its program did not start, as shells do.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/).
inline std::uint64_t fnv1a(const char* bytes, std::size_t count) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (std::size_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<unsigned char>(bytes[i])) * 1099511628211ULL;
  }
  return hash;
}

}  // namespace berth::shim
