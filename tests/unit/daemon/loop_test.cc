// SPDX-License-Identifier: Apache-2.0
#include "daemon/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

#include "base/fd.h"

namespace berth::daemon {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    read = base::Fd(ends[0]);
    write = base::Fd(ends[1]);
  }
  void make_readable() const { EXPECT_EQ(::write(write.get(), "x", 1), 1); }
  base::Fd read, write;
};

// The first to be called takes the others' descriptors away and watches new ones, of the same
// numbers, on which nothing has happened.
TEST(Loop, ADescriptorIsReadableOnlyWhenItIs) {
  int early = 0;
  for (int round = 0; round < 50; ++round) {
    Loop loop;
    std::vector<std::optional<Pipe>> old(8);
    std::vector<Loop::Handle> handles(old.size());
    std::vector<std::optional<Pipe>> fresh(old.size());
    std::vector<Loop::Handle> watched;
    bool replaced = false;
    for (std::size_t i = 0; i < old.size(); ++i) {
      old[i].emplace();
      handles[i] = loop.on_readable(old[i]->read.get(), [&, i] {
        if (replaced) return;
        replaced = true;
        for (std::size_t other = 0; other < old.size(); ++other) {
          if (other == i) continue;
          handles[other].reset();
          old[other].reset();
          fresh[other].emplace();
          watched.push_back(loop.on_readable(fresh[other]->read.get(), [&] { ++early; }));
        }
        loop.post([&] { loop.post([&] { loop.stop(); }); });
      });
    }
    for (const auto& pipe : old) pipe->make_readable();
    loop.run();
  }
  EXPECT_EQ(early, 0);
}

}  // namespace
}  // namespace berth::daemon
