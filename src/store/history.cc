// SPDX-License-Identifier: Apache-2.0
#include "store/history.h"

#include <cmath>
#include <cstdio>

namespace berth::store {

namespace {

constexpr std::int64_t kVersion = 1;
// Two decimals of everything, as whole numbers: SQLite stores small ones in few bytes.
constexpr double kScale = 100;

constexpr const char* kTables =
    "PRAGMA synchronous=OFF;"
    "CREATE TABLE IF NOT EXISTS devices(number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL);"
    "CREATE TABLE IF NOT EXISTS points(step INTEGER, device INTEGER, at INTEGER, seconds INTEGER,"
    " m0, x0, m1, x1, m2, x2, m3, x3, m4, x4, PRIMARY KEY(step, device, at)) WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

std::int64_t scaled(double number) { return std::llround(number * kScale); }

}  // namespace

base::Status History::prepare() {
  auto version = connection_->prepare("PRAGMA user_version");
  if (!version) return base::fail(version.error());
  const auto row = version->step();
  if (!row) return base::fail(row.error());
  const std::int64_t found = version->integer(0);
  version->reset();
  if (found != 0 && found != kVersion)
    return base::fail(base::ErrorCode::kStoreError, "another version of the file");
  return connection_->execute(kTables);
}

base::Result<std::unique_ptr<History>> History::open(const std::string& path) {
  base::Error why{base::ErrorCode::kStoreError, "", {}};
  for (int i = 0; i < 2; ++i) {
    auto connection = Connection::open(path);
    if (connection) {
      std::unique_ptr<History> history(new History(std::move(*connection)));
      auto ready = history->prepare();
      if (ready) return history;
      why = ready.error();
    } else {
      why = connection.error();
    }
    if (why.code == base::ErrorCode::kStorageFull) break;
    std::rename(path.c_str(), (path + ".damaged").c_str());
    std::remove((path + "-wal").c_str());
  }
  return base::fail(why);
}

base::Status History::add(const std::vector<Addition>& additions) {
  if (additions.empty()) return {};
  if (auto begun = connection_->execute("BEGIN IMMEDIATE"); !begun) return begun;
  const auto give_up = [this](const base::Error& error) {
    static_cast<void>(connection_->execute("ROLLBACK"));
    return base::fail(error);
  };
  auto device = connection_->prepare("INSERT OR IGNORE INTO devices(id) VALUES(?1)");
  auto point = connection_->prepare(
      "INSERT OR REPLACE INTO points VALUES(?1, (SELECT number FROM devices WHERE id = ?2), ?3, "
      "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
  if (!device) return give_up(device.error());
  if (!point) return give_up(point.error());
  for (const Addition& addition : additions) {
    if (auto done = device->bind(1, addition.device).run(); !done) return give_up(done.error());
    point->bind(1, addition.point.step)
        .bind(2, addition.device)
        .bind(3, addition.point.at)
        .bind(4, std::int64_t{addition.point.seconds});
    int parameter = 5;
    for (const auto& value : addition.point.values) {
      if (value) {
        point->bind(parameter, scaled(value->mean));
        point->bind(parameter + 1, scaled(value->most));
      }
      parameter += 2;  // what is not bound is null
    }
    if (auto done = point->run(); !done) return give_up(done.error());
  }
  if (auto done = connection_->execute("COMMIT"); !done) return give_up(done.error());
  return {};
}

namespace {

constexpr const char* kValues = "at, seconds, m0, x0, m1, x1, m2, x2, m3, x3, m4, x4";

/// Of the columns kValues, the first of which is `column`.
model::HistoryPoint point_of(const Statement& row, std::int64_t step, int column) {
  model::HistoryPoint point{
      row.integer(column), step, static_cast<int>(row.integer(column + 1)), {}};
  column += 2;
  for (auto& value : point.values) {
    if (!row.is_null(column)) {
      value = model::HistoryPoint::Value{static_cast<double>(row.integer(column)) / kScale,
                                         static_cast<double>(row.integer(column + 1)) / kScale};
    }
    column += 2;
  }
  return point;
}

}  // namespace

base::Result<std::vector<History::Addition>> History::current(std::int64_t now) {
  std::vector<Addition> found;
  auto query = connection_->prepare(std::string("SELECT id, ") + kValues +
                                    " FROM devices JOIN points ON device = number WHERE step = ?1 "
                                    "AND at = ?2");
  if (!query) return base::fail(query.error());
  for (const model::HistoryStep& step : model::kHistorySteps) {
    if (step.seconds == 1) continue;
    query->bind(1, step.seconds).bind(2, now - now % step.seconds);
    for (;;) {
      const auto row = query->step();
      if (!row) return base::fail(row.error());
      if (!*row) break;
      found.push_back({query->text(0), point_of(*query, step.seconds, 1)});
    }
    query->reset();
  }
  return found;
}

base::Result<std::vector<model::HistoryPoint>> History::read(const std::string& device,
                                                             std::int64_t step, std::int64_t from,
                                                             std::int64_t to) {
  auto query = connection_->prepare(
      std::string("SELECT ") + kValues +
      " FROM points WHERE step = ?1 AND device = (SELECT number FROM devices WHERE id = ?2) AND "
      "at >= ?3 AND at < ?4 ORDER BY at");
  if (!query) return base::fail(query.error());
  query->bind(1, step).bind(2, device).bind(3, from).bind(4, to);
  std::vector<model::HistoryPoint> points;
  for (;;) {
    const auto row = query->step();
    if (!row) return base::fail(row.error());
    if (!*row) return points;
    points.push_back(point_of(*query, step, 0));
  }
}

base::Status History::forget(std::int64_t now) {
  auto old = connection_->prepare(
      "DELETE FROM points WHERE step = ?1 AND device IN (SELECT number FROM devices) AND at < ?2");
  if (!old) return base::fail(old.error());
  for (const model::HistoryStep& step : model::kHistorySteps) {
    if (auto done = old->bind(1, step.seconds).bind(2, now - step.keep).run(); !done) return done;
  }
  return connection_->execute(
      "DELETE FROM devices WHERE NOT EXISTS (SELECT 1 FROM points WHERE step IN (1, 60, 900) AND "
      "device = number)");
}

}  // namespace berth::store
