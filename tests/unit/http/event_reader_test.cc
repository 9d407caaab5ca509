// SPDX-License-Identifier: Apache-2.0
#include "http/event_reader.h"

#include <gtest/gtest.h>

#include <vector>

#include "http/exchange.h"

namespace berth::http {
namespace {

constexpr std::string_view kStream =
    "\xEF\xBB\xBF: hello\n\ndata: one\n\nid: 7\nevent: log\ndata: a\ndata:b\ndata\n\n"
    "data: cr\r\rid\ndata: crlf\r\n\r\nevent: nothing\n\ndata: 任务结束\n\ndata: cut off";

std::vector<Event> read(std::string_view text, std::size_t piece) {
  std::vector<Event> events;
  EventReader reader([&](const Event& event) {
    events.push_back(event);
    return true;
  });
  for (std::size_t i = 0; i < text.size(); i += piece)
    EXPECT_TRUE(reader.feed(text.substr(i, piece)));
  EXPECT_EQ(reader.comments(), 1U);
  return events;
}

TEST(EventReader, ReadsTheSameHoweverTheBytesAreCut) {
  for (std::size_t piece = 1; piece <= kStream.size(); ++piece) {
    const auto events = read(kStream, piece);
    ASSERT_EQ(events.size(), 5U) << piece;
    EXPECT_EQ(events[0].data, "one");
    EXPECT_EQ(events[0].event, "message");
    EXPECT_EQ(events[0].id, "");
    EXPECT_EQ(events[1].data, "a\nb\n");
    EXPECT_EQ(events[1].event, "log");
    EXPECT_EQ(events[1].id, "7");
    EXPECT_EQ(events[2].data, "cr");
    EXPECT_EQ(events[2].id, "7");
    EXPECT_EQ(events[3].data, "crlf");
    EXPECT_EQ(events[3].id, "");
    EXPECT_EQ(events[4].data, "任务结束");
    EXPECT_EQ(events[4].event, "message");
  }
}

TEST(EventReader, StopsWhenToldTo) {
  int seen = 0;
  EventReader reader([&](const Event&) { return ++seen < 2; });
  EXPECT_FALSE(reader.feed("data: 1\n\ndata: 2\n\ndata: 3\n\n"));
  EXPECT_FALSE(reader.feed("data: 4\n\n"));
  EXPECT_EQ(seen, 2);
}

TEST(EventReader, ReadsWhatFormatEventWrites) {
  std::vector<Event> events;
  EventReader reader([&](const Event& event) {
    events.push_back(event);
    return true;
  });
  reader.feed(format_event("two\nlines", "12", "log"));
  reader.feed(format_event(""));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].data, "two\nlines");
  EXPECT_EQ(events[0].id, "12");
  EXPECT_EQ(events[0].event, "log");
  EXPECT_EQ(events[1].data, "");
  EXPECT_EQ(reader.last_event_id(), "12");
}

}  // namespace
}  // namespace berth::http
