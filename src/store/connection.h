// SPDX-License-Identifier: Apache-2.0
// A thin wrapper of the SQLite C API: one connection, prepared statements, no exceptions.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace berth::store {

class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Parameters count from 1. A failed bind is reported by the next step().
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view text);

  /// True: a row is there. False: done. The statement can be bound and stepped again after done().
  base::Result<bool> step();
  /// For statements without rows: steps to the end and resets.
  base::Status run();
  void reset();

  /// Columns count from 0.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Connection;
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bind_error_ = 0;
};

class Connection {
 public:
  /// Opens (and makes) the database. WAL, exclusive, synchronous=FULL, foreign keys off, busy
  /// time-out 5 s. Errors: kStorageFull when there is no room, else kStoreError.
  static base::Result<std::unique_ptr<Connection>> open(const std::string& path);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  base::Status execute(const char* sql);
  base::Result<Statement> prepare(std::string_view sql);

 private:
  explicit Connection(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

}  // namespace berth::store
