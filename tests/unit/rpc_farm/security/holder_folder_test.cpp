#include "rpc_farm/security/holder_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class HolderFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(CertificateAuthority::Create(dir_, {"localhost"}, "root", kNow).ok());
    Enroll(dir_, ann_, {FarmRole::kClient, "ann"});
  }
  static void Enroll(const std::string& dir, const std::string& folder,
                     const FarmIdentity& identity) {
    auto authority = CertificateAuthority::Open(dir);
    const auto made = authority->Issue(identity, {}, {kNow, kNow + absl::Hours(1)}, kNow);
    ASSERT_TRUE(made.ok()) << made.status();
    ASSERT_TRUE(WriteHolderFolder(folder, *made).ok());
  }
  void ExpectWrong(absl::StatusCode code, const std::string& says, absl::Time now = kNow) const {
    const auto read = ReadHolderFolder(ann_, now);
    EXPECT_EQ(read.status().code(), code) << read.status();
    EXPECT_NE(read.status().message().find(says), std::string::npos) << read.status();
  }
  void Write(const char* file, const std::string& bytes, mode_t mode = 0600) const {
    ASSERT_TRUE(WriteFileAtomically(ann_ + "/" + file, bytes, mode).ok());
  }

  TemporaryFolder folder_;
  const std::string dir_ = folder_.path() + "/farm", ann_ = folder_.path() + "/ann";
};

TEST_F(HolderFolderTest, SaysWhatIsWrong) {
  const auto precondition = absl::StatusCode::kFailedPrecondition;
  ASSERT_TRUE(ReadHolderFolder(ann_, kNow).ok());
  ExpectWrong(precondition, "expired on 2027-01-15 09:00 UTC; enroll ann again",
              kNow + absl::Hours(1));
  ExpectWrong(precondition, "is valid only from", kNow - absl::Seconds(1));
  chmod((ann_ + "/key.pem").c_str(), 0640);
  ExpectWrong(absl::StatusCode::kPermissionDenied, "can be read by others (mode 0640)");
  Write("key.pem", *ReadWholeFile(dir_ + "/admin/key.pem"));
  ExpectWrong(precondition, "key.pem' is not the key of cert.pem");
  Write("cert.pem", *ReadWholeFile(dir_ + "/ca.pem"));
  Write("key.pem", *ReadWholeFile(dir_ + "/ca_key.pem"));
  ExpectWrong(precondition, "names no role");
  const std::string other = folder_.path() + "/other";
  ASSERT_TRUE(CertificateAuthority::Create(other, {"localhost"}, "root", kNow).ok());
  Write("ca.pem", *ReadWholeFile(other + "/ca.pem"));
  ExpectWrong(precondition, "is not of the farm of");
  Write("ca.pem", "damaged");
  ExpectWrong(precondition, "ca.pem' holds no certificate");
  std::filesystem::remove(ann_ + "/cert.pem");
  ExpectWrong(absl::StatusCode::kNotFound, "cert.pem'; give a folder that tune farm enroll made");
}

// Only the same holder's certificate of the same farm is replaced.
TEST_F(HolderFolderTest, ReplacesNobodyElses) {
  const std::string own = *ReadWholeFile(dir_ + "/ca.pem");
  const FarmIdentity ann{FarmRole::kClient, "ann"};
  EXPECT_TRUE(CheckHolderFolder(ann_, ann, own).ok());
  EXPECT_TRUE(CheckHolderFolder(folder_.path() + "/none", ann, own).ok());
  const auto says = [](const absl::Status& s, const std::string& text) {
    EXPECT_EQ(s.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(s.message().find(text), std::string::npos) << s;
  };
  says(CheckHolderFolder(ann_, {FarmRole::kClient, "bob"}, own), "certificate of ann (client)");
  says(CheckHolderFolder(ann_, {FarmRole::kAdmin, "ann"}, own), "certificate of ann (client)");
  says(CheckHolderFolder(ann_, ann, "another"), "is of another farm");
  says(CheckHolderFolder(dir_, ann, own), "is an authority's own folder");
}

}  // namespace
}  // namespace halyard
