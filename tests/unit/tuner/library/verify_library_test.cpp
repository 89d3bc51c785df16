// A library on disk, as it was shipped and as somebody may have changed it on the way.
#include "tuner/library/verify_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "rpc_farm/sha256.h"
#include "tests/unit/tuner/library/shipped_folder.h"
#include "tuner/library/signature.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class VerifyLibraryTest : public testing::Test {
 protected:
  void SetUp() override {
    key_ = MakeSigningKey((folder_ / "keys").string()).value();
    Write("libx.a", std::string(1000, 'a'));
    Write("lib/x.cmake", "config");
    manifest_ = ManifestOf("softmax:64x300:f32");
    manifest_["files"] = {{"libx.a", Sha256Hex(std::string(1000, 'a'))},
                          {"lib/x.cmake", Sha256Hex("config")}};
    WriteManifest();
  }

  void Write(const std::string& file, const std::string& text) { shipped_.Write(file, text); }
  std::string Read(const std::string& file) {
    std::ifstream in(folder_ / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void WriteManifest() {
    const std::string text = manifest_.dump(2);
    Write("manifest.json", text);
    Write("manifest.sig", SignatureOf(text, key_.secret).value() + "\n");
  }
  absl::StatusOr<VerifiedLibrary> Verify(bool with_key = true) {
    return VerifyLibrary(folder_.string(), with_key ? key_.published : "");
  }

  const ShippedFolder shipped_{"verify"};
  const fs::path& folder_ = shipped_.path();
  SigningKeyFiles key_;
  nlohmann::json manifest_;
};

TEST_F(VerifyLibraryTest, WhatWasShippedIsGood) {
  const auto library = Verify();
  ASSERT_TRUE(library.ok()) << library.status();
  EXPECT_EQ(library->library.name, "tuned_rpi4");
  EXPECT_EQ(library->library.files.size(), 2u);
  EXPECT_EQ(library->library.variants.size(), 1u);
  EXPECT_TRUE(library->is_signed);
  EXPECT_FALSE(Verify(false)->is_signed);
}

TEST_F(VerifyLibraryTest, AnyFlippedBitIsSeen) {
  for (const std::string file : {"libx.a", "lib/x.cmake", "manifest.json"}) {
    const std::string good = Read(file);
    for (size_t bit = 0; bit < good.size() * 8; bit += 37) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      Write(file, bad);
      const auto library = Verify();
      ASSERT_EQ(library.status().code(), absl::StatusCode::kDataLoss) << file << " bit " << bit;
      ASSERT_THAT(std::string(library.status().message()), HasSubstr("/" + file));
    }
    Write(file, good);
  }
  EXPECT_TRUE(Verify().ok());
}

TEST_F(VerifyLibraryTest, AFlippedBitOfTheSignatureIsSeen) {
  const std::string good = Read("manifest.sig");
  ASSERT_EQ(good.size(), 89u);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    Write("manifest.sig", bad);
    ASSERT_EQ(Verify().status().code(), absl::StatusCode::kDataLoss) << bit;
  }
  Write("manifest.sig", good.substr(0, good.size() - 1));
  EXPECT_TRUE(Verify().ok()) << "without the end of the line";
}

TEST_F(VerifyLibraryTest, AnotherKeyIsNotTheSignersOne) {
  const auto other = MakeSigningKey((folder_ / "other").string()).value();
  const auto library = VerifyLibrary(folder_.string(), other.published);
  EXPECT_EQ(library.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(library.status().message()), HasSubstr("another key"));
}

TEST_F(VerifyLibraryTest, WhatIsMissingIsNamed) {
  fs::remove(folder_ / "lib/x.cmake");
  EXPECT_THAT(std::string(Verify().status().message()), HasSubstr("lib/x.cmake"));
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kNotFound);
  Write("lib/x.cmake", "config");
  fs::remove(folder_ / "manifest.sig");
  EXPECT_THAT(std::string(Verify().status().message()), HasSubstr("manifest.sig"));
  EXPECT_TRUE(Verify(false).ok());
  fs::remove(folder_ / "manifest.json");
  EXPECT_THAT(std::string(Verify(false).status().message()), HasSubstr("manifest.json"));
}

TEST_F(VerifyLibraryTest, AManifestThatIsNoneIsRefusedInOneLine) {
  for (const std::string text : {"", "[]", "{\"name\": 3}", "{\"name\":\"x\",\"files\":[]}"}) {
    Write("manifest.json", text);
    const auto library = Verify(false);
    EXPECT_EQ(library.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(library.status().message().find('\n'), std::string::npos);
  }
}

TEST_F(VerifyLibraryTest, KeysAreKeptSecretAndNeverOverwritten) {
  struct stat secret {};
  ASSERT_EQ(stat(key_.secret.c_str(), &secret), 0);
  EXPECT_EQ(secret.st_mode & 0777, 0600u);
  const std::string before = Read("keys/signing_key.pem");
  EXPECT_EQ(MakeSigningKey((folder_ / "keys").string()).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Read("keys/signing_key.pem"), before);
}

TEST_F(VerifyLibraryTest, AFileThatHasNoKeyIsNamed) {
  Write("none.pem", "no key");
  const std::string none = (folder_ / "none.pem").string();
  for (const absl::Status& s :
       {SignatureOf("text", none).status(), CheckSignature("text", "", none),
        SignatureOf("text", key_.published).status(), CheckSignature("text", "", key_.secret)}) {
    EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument) << s;
    EXPECT_THAT(std::string(s.message()), HasSubstr("tune package key"));
  }
  EXPECT_EQ(SignatureOf("text", none + "x").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace halyard
