#include "tuner/library/verify_library.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "tuner/library/generated_text.h"
#include "tuner/library/signature.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::string> ReadShipped(const std::string& folder, const std::string& file) {
  const std::string path = folder + "/" + file;
  std::ifstream in(path, std::ios::binary);
  if (!in || !fs::is_regular_file(path)) {
    return absl::NotFoundError(fmt::format("there is no file '{}'", path));
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A manifest may come from anybody: no name in it leads out of its folder.
bool IsInside(const std::string& file) {
  const fs::path path(file);
  return !file.empty() && path.is_relative() && path.lexically_normal() == path &&
         *path.begin() != "..";
}

absl::Status CheckFiles(const std::string& folder, const nlohmann::json& files) {
  for (const auto& [file, digest] : files.get_ref<const nlohmann::json::object_t&>()) {
    if (!IsInside(file)) {
      return absl::InvalidArgumentError(
          fmt::format("'{}/{}' names '{}', which is no file of it", folder, kManifestFile, file));
    }
    const auto bytes = ReadShipped(folder, file);
    if (!bytes.ok()) return bytes.status();
    if (Sha256Hex(*bytes) != digest.get_ref<const std::string&>()) {
      return absl::DataLossError(
          fmt::format("'{}/{}' is not the file that the manifest is about: its SHA-256 is another",
                      folder, file));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<VerifiedLibrary> VerifyLibrary(const std::string& folder,
                                              const std::string& published_key) {
  const auto manifest = ReadShipped(folder, kManifestFile);
  if (!manifest.ok()) return manifest.status();
  VerifiedLibrary library;
  if (!published_key.empty()) {
    const auto signature = ReadShipped(folder, kSignatureFile);
    if (!signature.ok()) return signature.status();
    if (auto s = CheckSignature(*manifest, *signature, published_key); !s.ok()) {
      if (!absl::IsDataLoss(s)) return s;
      return absl::DataLossError(
          fmt::format("'{}/{}' {}", folder, kManifestFile, std::string(s.message())));
    }
    library.is_signed = true;
  }
  try {
    const auto json = nlohmann::json::parse(*manifest);
    json.at("name").get_to(library.name);
    json.at("device").at("id").get_to(library.device);
    json.at("commit").get_to(library.commit);
    library.variants = static_cast<int>(json.at("variants").size());
    library.files = static_cast<int>(json.at("files").size());
    if (auto s = CheckFiles(folder, json.at("files")); !s.ok()) return s;
  } catch (const nlohmann::json::exception& e) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}/{}' is no manifest of this version's libraries: {}", folder, kManifestFile, e.what()));
  }
  return library;
}

}  // namespace halyard
