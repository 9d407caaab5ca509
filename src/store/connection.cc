// SPDX-License-Identifier: Apache-2.0
#include "store/connection.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

namespace berth::store {

namespace {
// No room is told apart from a failure: it passes, and what was to be written can be written then.
// Not where a flush said so: what it left on the disk is not known.
bool no_room(sqlite3* database) {
  const int code = sqlite3_extended_errcode(database);
  if ((code & 0xFF) == SQLITE_FULL) return true;
  const int reason = sqlite3_system_errno(database);
  return (code & 0xFF) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC &&
         code != SQLITE_IOERR_DIR_FSYNC && (reason == ENOSPC || reason == EDQUOT);
}

base::Error error_of(sqlite3* database, std::string_view what) {
  return {no_room(database) ? base::ErrorCode::kStorageFull : base::ErrorCode::kStoreError,
          std::string(what) + ": " + sqlite3_errmsg(database),
          {}};
}
}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      bind_error_(other.bind_error_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int parameter, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, parameter, value);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  const int code = sqlite3_bind_text64(statement_, parameter, text.data(), text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

base::Result<bool> Statement::step() {
  if (bind_error_ != 0) {
    return base::fail(base::ErrorCode::kStoreError,
                      std::string("cannot bind: ") + sqlite3_errstr(bind_error_));
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return base::fail(error_of(database_, "the store refused a statement"));
}

base::Status Statement::run() {
  const auto more = step();
  reset();
  if (!more) return base::fail(more.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_ = 0;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

base::Result<std::unique_ptr<Connection>> Connection::open(const std::string& path) {
  sqlite3* database = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &database,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Connection> connection(new Connection(database));
  if (code != SQLITE_OK) return base::fail(error_of(database, "cannot open " + path));
  sqlite3_busy_timeout(database, 5000);
  // Exclusive: nobody else may have the file open anyway, and the index of the log then needs no
  // file of its own, so that a full disk keeps nobody from reading.
  for (const char* pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL",
                             "PRAGMA synchronous=FULL", "PRAGMA cache_size=-2000"}) {
    if (auto status = connection->execute(pragma); !status) return base::fail(status.error());
  }
  return connection;
}

Connection::~Connection() { sqlite3_close_v2(database_); }

base::Status Connection::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return base::fail(error_of(database_, "the store refused a statement"));
  }
  return {};
}

base::Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK) {
    return base::fail(error_of(database_, "the store refused a statement"));
  }
  return Statement(database_, statement);
}

}  // namespace berth::store
