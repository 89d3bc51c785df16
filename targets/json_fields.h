// Reads the fields of one JSON object of a file that people write: what is missing, mistyped, out
// of range or unknown is an error that names file and field.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/status/status.h"

namespace halyard {

// Remembers the first thing wrong, and which fields somebody asked for. The objects it is given
// must outlive it. Not thread-safe.
class JsonFields {
 public:
  // `prefix` goes before each field's name in errors: "caches[1]." for the fields of a cache.
  // `kind` is what errors call such a file.
  JsonFields(const nlohmann::json& object, std::string file, std::string prefix,
             std::string kind = "a device file");

  // Each takes a field that must be there, and leaves `out` alone where it is wrong.
  void Text(const char* name, std::string* out);
  template <typename Int>
  void PositiveInt(const char* name, Int* out) {
    Integer(name, 1, out);
  }
  template <typename Int>
  void Integer(const char* name, int64_t least, Int* out) {
    int64_t value = 0;
    constexpr auto kMost = static_cast<int64_t>(std::numeric_limits<Int>::max());
    if (ReadInteger(name, least, kMost, &value)) *out = static_cast<Int>(value);
  }
  void PositiveNumber(const char* name, double* out);

  // These may be left out.
  void OptionalText(const char* name, std::string* out);
  void OptionalBool(const char* name, bool* out);
  void OptionalNumber(const char* name, double* out);  // positive
  template <typename Int>
  void OptionalInt(const char* name, Int* out) {
    if (Find(name) != nullptr) PositiveInt(name, out);
  }
  void Note(const char* name) { Find(name); }  // known, of any type

  const nlohmann::json* Required(const char* name);  // nullptr: missing, and that is noted
  const nlohmann::json* Find(const char* name);      // nullptr: not there
  void AsPositive(const std::string& field, const nlohmann::json& value, double* out);

  const std::string& file() const { return file_; }
  std::string FieldName(const std::string& name) const { return prefix_ + name; }
  // Notes what is wrong with a field, where nothing was before: "cores" "must be a positive
  // integer".
  void Fail(const std::string& name, const std::string& what);
  void Take(const absl::Status& status);  // of what an object inside was read with
  // InvalidArgument "FILE: FIELD WHAT": the first thing wrong, a field nobody asked for included.
  absl::Status Finish();

 private:
  bool ReadInteger(const char* name, int64_t least, int64_t most, int64_t* out);

  const nlohmann::json& object_;
  std::string file_;
  std::string prefix_;
  std::string kind_;
  std::set<std::string> known_;
  absl::Status status_;
};

}  // namespace halyard
