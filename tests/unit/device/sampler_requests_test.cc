// SPDX-License-Identifier: Apache-2.0
#include "device/sampler_requests.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string_view>

#include "base/fd.h"

namespace berth::device {
namespace {

class Requests : public ::testing::Test {
 protected:
  Requests() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read_ = base::Fd(ends[0]);
    write_ = base::Fd(ends[1]);
    requests_ = std::make_unique<SamplerRequests>(read_.get());
  }
  void say(std::string_view text) {
    EXPECT_EQ(::write(write_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  base::Fd read_, write_;
  std::unique_ptr<SamplerRequests> requests_;
};

TEST_F(Requests, ComeOneByOneAsTheyWereAskedFor) {
  EXPECT_FALSE(requests_->next());
  say("{\"look\":1,\"devices\":[\"GPU-a\",\"GPU-b\"]}\n{\"look\":2,\"devices\":[]}\n");
  const auto first = requests_->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->number, 1U);
  EXPECT_EQ(first->devices, (std::set{model::DeviceId("GPU-a"), model::DeviceId("GPU-b")}));
  const auto second = requests_->next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->number, 2U);
  EXPECT_FALSE(requests_->next());
}

TEST_F(Requests, AHalfLineWaitsForItsEnd) {
  say("{\"look\":3,\"dev");
  EXPECT_FALSE(requests_->next());
  say("ices\":[\"GPU-a\"]}\n");
  const auto look = requests_->next();
  ASSERT_TRUE(look);
  EXPECT_EQ(look->number, 3U);
}

TEST_F(Requests, NonsenseIsPassedOver) {
  say("\nhello\n[1]\n{\"look\":4}\n{\"devices\":[]}\n{\"look\":5,\"devices\":[7,\"GPU-a\"]}\n");
  const auto look = requests_->next();
  ASSERT_TRUE(look);
  EXPECT_EQ(look->number, 5U);
  EXPECT_EQ(look->devices.size(), 1U);
  EXPECT_FALSE(requests_->next());
}

TEST_F(Requests, WhenNobodyCanAskAnyMoreThereIsNothingToWaitOn) {
  say("{\"look\":6,\"devices\":[]}\n");
  write_.reset();
  const auto look = requests_->next();
  ASSERT_TRUE(look);
  EXPECT_EQ(look->number, 6U);
  EXPECT_FALSE(requests_->next());
  EXPECT_EQ(requests_->fd(), -1);
}

}  // namespace
}  // namespace berth::device
