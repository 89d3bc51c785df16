#include "rpc_farm/security/revocation_watch.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

class RevocationWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(CertificateAuthority::Create(dir_, {"localhost"}, "root", now_).ok());
    authority_pem_ = *ReadWholeFile(dir_ + "/ca.pem");
  }
  absl::StatusOr<std::shared_ptr<RevocationWatch>> Open() {
    return RevocationWatch::Open(list_, authority_pem_, [this] { return now_; });
  }
  void Revoke(const std::string& serial) {
    ASSERT_TRUE(CertificateAuthority::Open(dir_)->Revoke({serial}, now_).ok());
  }

  TemporaryFolder folder_;
  const std::string dir_ = folder_.path() + "/farm", list_ = dir_ + "/crl.pem";
  std::string authority_pem_;
  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
};

TEST_F(RevocationWatchTest, LooksOnceASecond) {
  const auto watch = Open();
  ASSERT_TRUE(watch.ok()) << watch.status();
  Revoke("abc");
  EXPECT_FALSE((*watch)->IsRevoked("abc"));
  now_ += absl::Milliseconds(999);
  EXPECT_FALSE((*watch)->IsRevoked("abc"));
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE((*watch)->IsRevoked("abc"));
  EXPECT_FALSE((*watch)->IsRevoked("abcd"));
  EXPECT_EQ((*watch)->changes(), 1u);
  // The date is set back by a day: it looks all the same.
  now_ -= absl::Hours(24);
  Revoke("def");
  EXPECT_TRUE((*watch)->IsRevoked("def"));
}

TEST_F(RevocationWatchTest, ABadListChangesNothing) {
  const std::string first = *ReadWholeFile(list_);
  Revoke("abc");
  const auto watch = Open();
  ASSERT_TRUE(watch.ok());
  const TemporaryFolder elsewhere;
  const std::string other = elsewhere.path() + "/farm";
  ASSERT_TRUE(CertificateAuthority::Create(other, {"localhost"}, "root", now_).ok());
  struct Row {
    std::string bytes, says;
  };
  uint64_t refused = 0;
  for (const Row& row :
       {Row{first, "older than the one in use"},
        Row{*ReadWholeFile(other + "/crl.pem"), "is not signed by this farm's authority"},
        Row{"", "is not a PEM revocation list"}, Row{authority_pem_, "is not a PEM"}}) {
    ASSERT_TRUE(WriteFileAtomically(list_, row.bytes, 0644).ok());
    now_ += absl::Seconds(1);
    EXPECT_TRUE((*watch)->IsRevoked("abc"));
    EXPECT_NE((*watch)->trouble().find(row.says), std::string::npos) << (*watch)->trouble();
    EXPECT_EQ((*watch)->refused(), ++refused);
  }
  std::filesystem::remove(list_);
  now_ += absl::Seconds(1);
  EXPECT_TRUE((*watch)->IsRevoked("abc"));
  EXPECT_EQ((*watch)->refused(), ++refused);
}

TEST_F(RevocationWatchTest, WithoutAListNobodyStarts) {
  ASSERT_TRUE(WriteFileAtomically(list_, "x", 0644).ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
  std::filesystem::remove(list_);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace halyard
