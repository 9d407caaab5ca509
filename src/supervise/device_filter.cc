// SPDX-License-Identifier: Apache-2.0
#include "supervise/device_filter.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/fd.h"

namespace berth::supervise {

namespace {

using base::fail;

static_assert(sizeof(BpfInstruction) == sizeof(bpf_insn));

// Registers: 0 is the answer, 1 the context (struct bpf_cgroup_dev_ctx), 2 to 4 what is read of it.
enum : std::uint8_t { kAnswer, kContext, kType, kMajor, kMinor };

constexpr BpfInstruction load(std::uint8_t to, std::size_t offset) {
  return {BPF_LDX | BPF_MEM | BPF_W, static_cast<std::uint8_t>(to | kContext << 4U),
          static_cast<std::int16_t>(offset), 0};
}
constexpr BpfInstruction jump_unless(std::uint8_t what, unsigned is, std::size_t over) {
  return {BPF_JMP | BPF_JNE | BPF_K, what, static_cast<std::int16_t>(over),
          static_cast<std::int32_t>(is)};
}

void answer(std::vector<BpfInstruction>& program, int allow) {
  program.push_back({BPF_ALU64 | BPF_MOV | BPF_K, kAnswer, 0, allow});
  program.push_back({BPF_JMP | BPF_EXIT, 0, 0, 0});
}

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

base::Result<base::Fd> load_program(const std::vector<BpfInstruction>& program) {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
  attributes.license = reinterpret_cast<std::uintptr_t>("Apache-2.0");
  base::Fd fd(bpf(BPF_PROG_LOAD, attributes));
  if (!fd.valid()) {
    return fail(
        base::errno_error("the kernel does not take a device filter from this user", errno));
  }
  return fd;
}

}  // namespace

std::vector<BpfInstruction> device_filter(const std::vector<model::DeviceNode>& denied) {
  std::vector<BpfInstruction> program;
  program.push_back(load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)));
  program.push_back(load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)));
  program.push_back(load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)));
  // The kind of access stands in the upper half.
  program.push_back({BPF_ALU64 | BPF_AND | BPF_K, kType, 0, 0xffff});
  constexpr std::size_t kPerDevice = 4;
  program.push_back(jump_unless(kType, BPF_DEVCG_DEV_CHAR, kPerDevice * denied.size()));
  for (const auto& node : denied) {
    program.push_back(jump_unless(kMajor, node.major, 3));
    program.push_back(jump_unless(kMinor, node.minor, 2));
    answer(program, 0);
  }
  answer(program, 1);
  return program;
}

base::Status device_filter_supported() {
  const auto program = load_program(device_filter({}));
  if (program) return {};
  return fail(base::ErrorCode::kUnavailable, program.error().message);
}

base::Status deny_devices(const std::string& cgroup, const std::vector<model::DeviceNode>& denied) {
  const base::Fd directory(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail(base::errno_error("cannot open " + cgroup, errno));
  const auto program = load_program(device_filter(denied));
  if (!program) return fail(program.error());
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<std::uint32_t>(directory.get());
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program->get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attributes) != 0)
    return fail(base::errno_error("cannot attach a device filter to " + cgroup, errno));
  return {};
}

}  // namespace berth::supervise
