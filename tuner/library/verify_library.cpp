#include "tuner/library/verify_library.h"

#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "tuner/library/generated_text.h"
#include "tuner/library/signature.h"

namespace halyard {
namespace {

absl::Status CheckFiles(const ShippedLibrary& library) {
  for (const auto& [file, digest] : library.files) {
    const auto bytes = ReadShippedFile(library.folder, file);
    if (!bytes.ok()) return bytes.status();
    if (Sha256Hex(*bytes) != digest) {
      return absl::DataLossError(
          fmt::format("'{}/{}' is not the file that the manifest is about: its SHA-256 is another",
                      library.folder, file));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<VerifiedLibrary> VerifyLibrary(const std::string& folder,
                                              const std::string& published_key) {
  const auto manifest = ReadShippedFile(folder, kManifestFile);
  if (!manifest.ok()) return manifest.status();
  if (!published_key.empty()) {
    const auto signature = ReadShippedFile(folder, kSignatureFile);
    if (!signature.ok()) return signature.status();
    if (auto s = CheckSignature(*manifest, *signature, published_key); !s.ok()) {
      if (!absl::IsDataLoss(s)) return s;
      return absl::DataLossError(
          fmt::format("'{}/{}' {}", folder, kManifestFile, std::string(s.message())));
    }
  }
  auto library = ParseManifest(folder, *manifest);
  if (!library.ok()) return library.status();
  if (auto s = CheckFiles(*library); !s.ok()) return s;
  return VerifiedLibrary{*std::move(library), !published_key.empty()};
}

}  // namespace halyard
