#include "tuner/suite/night.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "fmt/format.h"

namespace halyard {
namespace {

using nlohmann::json;

absl::StatusOr<NightState> Parse(const std::string& path, const std::string& text) {
  try {
    const json j = json::parse(text);
    NightState state;
    j.at("suite_sha256").get_to(state.suite_sha256);
    j.at("begun_unix_ms").get_to(state.begun_unix_ms);
    j.at("deadline_unix_ms").get_to(state.deadline_unix_ms);
    j.at("seconds").get_to(state.seconds);
    j.at("board_seconds").get_to(state.board_seconds);
    j.at("shipped").get_to(state.shipped);
    return state;
  } catch (const json::exception& e) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' does not tell how far a suite is ({}); remove it, and the suite begins "
                    "its budget anew",
                    path, e.what()));
  }
}

}  // namespace

absl::StatusOr<Night> Night::Begin(const std::string& path, const NightState& fresh) {
  if (std::ifstream in(path, std::ios::binary); in) {
    auto state = Parse(path, std::string(std::istreambuf_iterator<char>(in), {}));
    if (!state.ok()) return state.status();
    const bool over =
        state->deadline_unix_ms != 0 && state->deadline_unix_ms <= fresh.begun_unix_ms;
    if (state->suite_sha256 == fresh.suite_sha256 && !over) {
      return Night(path, *std::move(state), true);
    }
  }
  Night night(path, fresh, false);
  if (auto s = night.Save(); !s.ok()) return s;
  return night;
}

absl::Status Night::Use(double seconds, double board_seconds) {
  state_.seconds = before_.seconds + seconds;
  state_.board_seconds = before_.board_seconds + board_seconds;
  return Save();
}

absl::Status Night::Ship(const std::string& device) {
  state_.shipped.insert(device);
  return Save();
}

absl::Status Night::End() {
  std::error_code error;
  std::filesystem::remove(path_, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("'{}' cannot be removed: {}", path_, error.message()));
}

// Whole or not at all, so that a kill leaves one that can be read.
absl::Status Night::Save() const {
  const json j = {
      {"suite_sha256", state_.suite_sha256},         {"begun_unix_ms", state_.begun_unix_ms},
      {"deadline_unix_ms", state_.deadline_unix_ms}, {"seconds", state_.seconds},
      {"board_seconds", state_.board_seconds},       {"shipped", state_.shipped}};
  const std::string part = path_ + ".part";
  bool written = false;
  if (std::ofstream out(part, std::ios::binary); out) {
    out << j.dump(2) << "\n";
    out.close();
    written = !out.fail();
  }
  if (written && std::rename(part.c_str(), path_.c_str()) == 0) return absl::OkStatus();
  const std::string why = std::strerror(errno);
  std::remove(part.c_str());
  return absl::UnavailableError(fmt::format("'{}' cannot be written: {}", path_, why));
}

}  // namespace halyard
