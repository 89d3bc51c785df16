#include "rpc_farm/security/certificate_authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>

#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Every file below `folder` with its bytes and mode.
std::map<std::string, std::string> Everything(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == ".lock") continue;
    files[entry.path().string()] = *ReadWholeFile(entry.path().string());
  }
  return files;
}

unsigned ModeOf(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777;
}

class CertificateAuthorityTest : public testing::Test {
 protected:
  absl::Status Create() {
    return CertificateAuthority::Create(dir_, {"tracker.example", "10.0.0.7", "::1"}, "root", kNow);
  }
  static Validity Days(int days) { return {kNow - kClockAllowance, kNow + absl::Hours(24 * days)}; }

  TemporaryFolder folder_;
  const std::string dir_ = folder_.path() + "/config/farm";
};

TEST_F(CertificateAuthorityTest, MakesAFolderThatOthersCannotRead) {
  const mode_t before = umask(0);
  const absl::Status made = Create();
  umask(before);
  ASSERT_TRUE(made.ok()) << made;
  for (const std::string folder : {"", "/tracker", "/admin", "/issued"}) {
    EXPECT_EQ(ModeOf(dir_ + folder), 0700u) << folder;
  }
  for (const std::string key : {"/ca_key.pem", "/tracker/key.pem", "/admin/key.pem"}) {
    EXPECT_EQ(ModeOf(dir_ + key), 0600u) << key;
  }
  const auto tracker = ReadHolderFolder(dir_ + "/tracker", kNow);
  ASSERT_TRUE(tracker.ok()) << tracker.status();
  EXPECT_EQ(tracker->identity.role, FarmRole::kTracker);
  EXPECT_EQ(ReadCertificate(tracker->certificate_pem)->hosts,
            (std::vector<std::string>{"tracker.example", "10.0.0.7", "::1"}));
  const auto admin = ReadHolderFolder(dir_ + "/admin", kNow);
  ASSERT_TRUE(admin.ok()) << admin.status();
  EXPECT_EQ(admin->identity, (FarmIdentity{FarmRole::kAdmin, "root"}));
  EXPECT_GT(admin->not_after, kNow + absl::Hours(24 * 3650));
  EXPECT_TRUE(fs::exists(dir_ + "/tracker/crl.pem"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path() + "/config"), {}), 1)
      << "nothing is left beside it";
}

TEST_F(CertificateAuthorityTest, ASecondTimeRefusesAndLosesNothing) {
  ASSERT_TRUE(Create().ok());
  const auto before = Everything(dir_);
  const absl::Status again = Create();
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(again.message().find("has a farm's certificates already"), std::string::npos) << again;
  EXPECT_EQ(Everything(dir_), before);
}

TEST_F(CertificateAuthorityTest, AFolderWithOtherThingsIsLeftAlone) {
  fs::create_directories(dir_);
  ASSERT_TRUE(WriteFileAtomically(dir_ + "/mine", "x", 0644).ok());
  EXPECT_EQ(Create().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Everything(dir_).size(), 1u);
  fs::remove(dir_ + "/mine");
  EXPECT_TRUE(Create().ok()) << "an empty one is taken";
}

// Several at once: one makes it, the others are told; what is there is whole.
TEST_F(CertificateAuthorityTest, OneOfManyAtOnceWins) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; i++) {
    const pid_t child = fork();
    if (child == 0) {
      const absl::Status made = Create();
      _exit(made.ok() ? 0 : absl::IsAlreadyExists(made) ? 1 : 2);
    }
    children.push_back(child);
  }
  std::map<int, int> codes;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    codes[WIFEXITED(status) ? WEXITSTATUS(status) : -1]++;
  }
  EXPECT_EQ(codes, (std::map<int, int>{{0, 1}, {1, 7}}));
  EXPECT_TRUE(ReadHolderFolder(dir_ + "/tracker", kNow).ok());
}

// Two processes that enroll at once make two certificates, both remembered.
TEST_F(CertificateAuthorityTest, ManyAtOnceTakeTurns) {
  ASSERT_TRUE(Create().ok());
  std::vector<pid_t> children;
  for (int i = 0; i < 6; i++) {
    const pid_t child = fork();
    if (child == 0) {
      auto authority = CertificateAuthority::Open(dir_);
      if (!authority.ok()) _exit(1);
      const auto made = authority->Issue({FarmRole::kClient, "ann"}, {}, Days(1), kNow);
      if (!made.ok()) _exit(2);
      _exit(authority->Revoke({made->serial}, kNow).ok() ? 0 : 3);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto issued = CertificateAuthority::Open(dir_)->Issued();
  ASSERT_TRUE(issued.ok()) << issued.status();
  std::set<std::string> revoked;
  for (const auto& c : *issued) {
    if (c.revoked) revoked.insert(c.serial);
  }
  EXPECT_EQ(issued->size(), 8u);
  EXPECT_EQ(revoked.size(), 6u);
}

TEST_F(CertificateAuthorityTest, IssuesWhatWasAsked) {
  ASSERT_TRUE(Create().ok());
  auto authority = CertificateAuthority::Open(dir_);
  ASSERT_TRUE(authority.ok());
  const auto made = authority->Issue({FarmRole::kAgent, "rack1"}, {}, Days(30), kNow);
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE(WriteHolderFolder(folder_.path() + "/rack1", *made).ok());
  const auto holder = ReadHolderFolder(folder_.path() + "/rack1", kNow);
  ASSERT_TRUE(holder.ok()) << holder.status();
  EXPECT_EQ(holder->identity, (FarmIdentity{FarmRole::kAgent, "rack1"}));
  EXPECT_EQ(holder->not_before, kNow - absl::Hours(1));
  EXPECT_EQ(holder->not_after, kNow + absl::Hours(24 * 30));
  EXPECT_EQ(holder->serial, made->serial);
  // Later than the authority nothing lasts.
  const auto longest = authority->Issue({FarmRole::kAgent, "rack1"}, {}, Days(9999), kNow);
  EXPECT_EQ(longest->not_after, authority->not_after());
  const auto issued = authority->Issued();
  ASSERT_TRUE(issued.ok());
  ASSERT_EQ(issued->size(), 4u);
  EXPECT_EQ((*issued)[0].identity.role, FarmRole::kTracker);
  EXPECT_EQ((*issued)[2].serial, made->serial);
  EXPECT_EQ((*issued)[3].serial, longest->serial);
}

TEST_F(CertificateAuthorityTest, RefusesWhatItCannotIssue) {
  ASSERT_TRUE(Create().ok());
  auto authority = CertificateAuthority::Open(dir_);
  const auto before = Everything(dir_);
  const auto code = [&](const FarmIdentity& who, const std::vector<std::string>& hosts) {
    return authority->Issue(who, hosts, Days(1), kNow).status().code();
  };
  const auto bad = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code({FarmRole::kClient, "a/b"}, {}), bad);
  EXPECT_EQ(code({FarmRole::kClient, ""}, {}), bad);
  EXPECT_EQ(code({FarmRole::kTracker, "t"}, {}), bad);
  for (const std::string host : {"", "a b", "a,IP:1.2.3.4", "-a", "a.", "a..b", "10.0.0.300",
                                 "host:80", "*.example", "[::1]"}) {
    EXPECT_EQ(code({FarmRole::kTracker, "t"}, {host}), bad) << host;
  }
  EXPECT_EQ(code({FarmRole::kTracker, "t"}, {std::string(300, 'a')}), bad);
  EXPECT_EQ(Everything(dir_), before);
  const auto late = authority->Issue({FarmRole::kClient, "ann"}, {}, Days(1),
                                     kNow + kAuthorityLifetime + absl::Hours(1));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(late.status().message().find("expired on 20"), std::string::npos) << late.status();
}

TEST_F(CertificateAuthorityTest, RevokesAndRemembersSinceWhen) {
  ASSERT_TRUE(Create().ok());
  auto authority = CertificateAuthority::Open(dir_);
  const auto one = authority->Issue({FarmRole::kClient, "ann"}, {}, Days(1), kNow);
  const auto two = authority->Issue({FarmRole::kClient, "ann"}, {}, Days(1), kNow);
  ASSERT_TRUE(authority->Revoke({one->serial}, kNow).ok());
  ASSERT_TRUE(authority->Revoke({two->serial, one->serial}, kNow + absl::Hours(1)).ok());
  const auto pem = ReadWholeFile(dir_ + "/tracker/crl.pem");
  ASSERT_TRUE(pem.ok());
  const auto own = ParseCertificate(*ReadWholeFile(dir_ + "/ca.pem"));
  const auto list = ReadRevocations(*pem, own->get());
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->number, 3u);
  EXPECT_EQ(list->serials, (std::map<std::string, absl::Time>{
                               {one->serial, kNow}, {two->serial, kNow + absl::Hours(1)}}));
}

TEST_F(CertificateAuthorityTest, SaysWhatIsWrongWithItsFolder) {
  EXPECT_EQ(CertificateAuthority::Open(dir_).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Create().ok());
  const std::string list = *ReadWholeFile(dir_ + "/crl.pem");
  ASSERT_TRUE(WriteFileAtomically(dir_ + "/crl.pem", "", 0644).ok());
  {
    auto authority = CertificateAuthority::Open(dir_);
    ASSERT_TRUE(authority.ok());
    // A new list in place of the lost one would let everybody in again.
    EXPECT_EQ(authority->Revoke({"1"}, kNow).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(*ReadWholeFile(dir_ + "/crl.pem"), "");
  }
  ASSERT_TRUE(
      WriteFileAtomically(dir_ + "/ca_key.pem", *ReadWholeFile(dir_ + "/admin/key.pem"), 0600)
          .ok());
  EXPECT_EQ(CertificateAuthority::Open(dir_).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace halyard
