#include "targets/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace halyard {

using nlohmann::json;

JsonFields::JsonFields(const json& object, std::string file, std::string prefix, std::string kind)
    : object_(object), file_(std::move(file)), prefix_(std::move(prefix)), kind_(std::move(kind)) {
  if (object_.is_object()) return;
  // "caches[1]." names the object's fields; the object itself goes without the dot.
  std::string name = prefix_.empty() ? "the file" : prefix_.substr(0, prefix_.size() - 1);
  prefix_.clear();
  Fail(name, "must be an object");
}

const json* JsonFields::Find(const char* name) {
  known_.insert(name);
  if (!object_.is_object()) return nullptr;
  const auto it = object_.find(name);
  return it == object_.end() ? nullptr : &*it;
}

const json* JsonFields::Required(const char* name) {
  const json* value = Find(name);
  if (value == nullptr) Fail(name, "is missing");
  return value;
}

void JsonFields::Text(const char* name, std::string* out) {
  if (Required(name) != nullptr) OptionalText(name, out);
}

void JsonFields::OptionalText(const char* name, std::string* out) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_string() || value->get<std::string>().empty()) {
    return Fail(name, "must be a non-empty string");
  }
  *out = value->get<std::string>();
}

bool JsonFields::ReadInteger(const char* name, int64_t least, int64_t most, int64_t* out) {
  const json* value = Required(name);
  if (value == nullptr) return false;
  // An unsigned value above int64_t's would turn negative in the comparison.
  const bool fits = value->is_number_integer() && value->get<int64_t>() >= least &&
                    value->get<int64_t>() <= most &&
                    (!value->is_number_unsigned() || value->get<uint64_t>() <= INT64_MAX);
  if (!fits) {
    Fail(name, least == 1 ? "must be a positive integer"
                          : fmt::format("must be an integer of at least {}", least));
    return false;
  }
  *out = value->get<int64_t>();
  return true;
}

void JsonFields::PositiveNumber(const char* name, double* out) {
  const json* value = Required(name);
  if (value != nullptr) AsPositive(name, *value, out);
}

void JsonFields::OptionalNumber(const char* name, double* out) {
  const json* value = Find(name);
  if (value != nullptr) AsPositive(name, *value, out);
}

void JsonFields::OptionalBool(const char* name, bool* out) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_boolean()) return Fail(name, "must be true or false");
  *out = value->get<bool>();
}

void JsonFields::AsPositive(const std::string& field, const json& value, double* out) {
  if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() <= 0) {
    return Fail(field, "must be a positive number");
  }
  *out = value.get<double>();
}

void JsonFields::Fail(const std::string& name, const std::string& what) {
  std::string line = fmt::format("{}: {}{} {}", file_, prefix_, name, what);
  // Names and values are the file's, which may hold anything; an error is one line.
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
  Take(absl::InvalidArgumentError(line));
}

void JsonFields::Take(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

absl::Status JsonFields::Finish() {
  if (object_.is_object()) {
    for (const auto& [name, value] : object_.items()) {
      if (known_.count(name) == 0) Fail(name, "is not a field of " + kind_);
    }
  }
  return status_;
}

}  // namespace halyard
