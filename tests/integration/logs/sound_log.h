// What must hold for a log after anything has happened to its writer.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

namespace halyard {

// REQUIRES: nobody has the log open.
inline void ExpectIntegrity(const std::string& path) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  std::string verdict;
  const auto keep = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) += values[0];
    return 0;
  };
  sqlite3_exec(db, "PRAGMA integrity_check", keep, &verdict, nullptr);
  EXPECT_EQ(verdict, "ok");
  sqlite3_close(db);
}

}  // namespace halyard
