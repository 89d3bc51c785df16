#include "cost_model/base_model.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "cost_model/dataset.h"
#include "cost_model/features.h"
#include "cost_model/tree_training.h"
#include "fmt/format.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "halyard base model\n";
// What to do about a model that cannot be used.
constexpr const char* kRetrain = "train one with tune model train, or give --model none";

uint64_t Checksum(std::string_view bytes) {
  // FNV-1a: notices accidents, not intentions.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

json KnownJson(const std::vector<KnownTask>& known) {
  json all = json::array();
  for (const KnownTask& k : known) {
    all.push_back(
        {{"workload", k.workload.ToText()}, {"device", k.device}, {"configs", k.configs}});
  }
  return all;
}

// A workload that this program does not know is of no use, and no error.
std::vector<KnownTask> KnownOf(const json& all) {
  std::vector<KnownTask> known;
  for (const json& k : all) {
    auto workload = ParseWorkload(k.at("workload").get<std::string>());
    if (!workload.ok()) continue;
    known.push_back({*std::move(workload), k.at("device").get<std::string>(),
                     k.at("configs").get<std::vector<std::string>>()});
  }
  return known;
}

json HeaderOf(const BaseModel& model, std::string_view body) {
  const BaseModel::Provenance& p = model.provenance;
  return {{"file_version", kModelFileVersion},
          {"feature_version", kFeatureVersion},
          {"features", fmt::format("{:016x}", FeatureSchemaHash())},
          {"records", p.records},
          {"tasks", p.tasks},
          {"tasks_by_operator", p.tasks_by_operator},
          {"devices", p.devices},
          {"date", p.date},
          {"metrics", p.metrics},
          {"bytes", body.size()},
          {"checksum", fmt::format("{:016x}", Checksum(body))}};
}

}  // namespace

absl::StatusOr<BaseModel> TrainBaseModel(std::span<const MeasuredTask> tasks, uint64_t seed) {
  TreeOptions options;
  options.seed = seed;
  auto trees = TrainTrees(BuildDataset(tasks), options);
  if (!trees.ok()) return trees.status();
  BaseModel model;
  model.trees = *std::move(trees);
  BaseModel::Provenance& p = model.provenance;
  p.tasks = static_cast<int64_t>(tasks.size());
  std::set<std::string> devices;
  for (const MeasuredTask& t : tasks) {
    p.tasks_by_operator[t.task->workload.op]++;
    devices.insert(t.task->device.id);
    model.known.push_back(KnownTaskOf(t));
  }
  p.devices.assign(devices.begin(), devices.end());
  return model;
}

std::string ShippedModelPath() { return DataPath("cost_model/base_model.bin"); }

absl::Status SaveBaseModel(const BaseModel& model, const std::string& path) {
  const std::string body = KnownJson(model.known).dump() + "\n" + model.trees.Serialize();
  const std::string bytes = std::string(kMagic) + HeaderOf(model, body).dump() + "\n" + body;
  // Beside the target, so that renaming is atomic: a reader sees the old file or the new one.
  const std::string unfinished = path + ".new";
  std::ofstream out(unfinished, std::ios::binary);
  if (!out) {
    return absl::PermissionDeniedError(
        fmt::format("'{}' cannot be written: {}; give another file", path, std::strerror(errno)));
  }
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::remove(unfinished.c_str());
    return absl::ResourceExhaustedError(
        fmt::format("'{}' could not be written whole: {}", path, why));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const BaseModel>> LoadBaseModel(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return absl::NotFoundError(fmt::format("no model '{}' that can be read; {}", path, kRetrain));
  }
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto damaged = [&](const std::string& what) {
    return absl::DataLossError(fmt::format("model '{}' {}; {}", path, what, kRetrain));
  };
  if (!bytes.starts_with(kMagic)) return damaged("is not a base model");
  const size_t end = bytes.find('\n', kMagic.size());
  if (end == std::string::npos) return damaged("is cut short");
  const std::string_view body = std::string_view(bytes).substr(end + 1);
  auto model = std::make_shared<BaseModel>();
  try {
    const json header = json::parse(bytes.begin() + static_cast<std::ptrdiff_t>(kMagic.size()),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(end));
    if (const int version = header.at("file_version"); version != kModelFileVersion) {
      return absl::FailedPreconditionError(
          fmt::format("model '{}' is of file version {}, this program reads {}; {}", path, version,
                      kModelFileVersion, kRetrain));
    }
    const std::string features = fmt::format("{:016x}", FeatureSchemaHash());
    if (const int version = header.at("feature_version");
        version != kFeatureVersion || header.at("features") != features) {
      return absl::FailedPreconditionError(fmt::format(
          "model '{}' is of features version {} ({}), this program computes version {} ({}); {}",
          path, version, header.at("features").get<std::string>(), kFeatureVersion, features,
          kRetrain));
    }
    if (header.at("bytes") != body.size()) return damaged("is cut short");
    if (header.at("checksum") != fmt::format("{:016x}", Checksum(body))) {
      return damaged("is damaged: its checksum differs");
    }
    model->known = KnownOf(json::parse(body.substr(0, body.find('\n'))));
    BaseModel::Provenance& p = model->provenance;
    header.at("records").get_to(p.records);
    header.at("tasks").get_to(p.tasks);
    header.at("tasks_by_operator").get_to(p.tasks_by_operator);
    header.at("devices").get_to(p.devices);
    header.at("date").get_to(p.date);
    header.at("metrics").get_to(p.metrics);
  } catch (const json::exception&) {
    return damaged("has a header that is not its own");
  }
  absl::StatusOr<TreeEnsemble> parsed = TreeEnsemble::Parse(body.substr(body.find('\n') + 1));
  if (!parsed.ok()) return damaged("has " + std::string(parsed.status().message()));
  if (parsed->columns() != kFeatureCount || parsed->members() == 0) {
    return damaged("has no trees over this program's features");
  }
  model->trees = *std::move(parsed);
  return model;
}

}  // namespace halyard
