// Bad input of tune farm's commands about certificates, and what they make of good input.

#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/error/bad_input.h"

namespace halyard {
namespace {

class FarmBadInput : public BadInput {
 protected:
  void SetUp() override {
    BadInput::SetUp();
    setenv("XDG_CONFIG_HOME", (folder_ / "config").c_str(), 1);
  }
  static void ExpectDone(const std::vector<std::string>& args, const std::string& says) {
    const ChildResult r = Run(args);
    EXPECT_EQ(r.exit_code, 0) << r.err;
    EXPECT_EQ(r.err, "");
    EXPECT_NE(r.out.find(says), std::string::npos) << r.out;
  }
  // The states of the certificates, in the order they were made.
  static std::vector<std::string> States() {
    const auto list = nlohmann::json::parse(Run({"farm", "list", "--json"}).out);
    std::vector<std::string> states;
    for (const auto& c : list["certificates"]) {
      states.push_back(c["role"].get<std::string>() + "/" + c["name"].get<std::string>() + " " +
                       c["state"].get<std::string>());
    }
    return states;
  }
};

TEST_F(FarmBadInput, Commands) {
  ExpectRefused({"farm"}, "tune farm is missing which; give init, enroll, revoke, list");
  ExpectRefused({"farm", "burn"}, "'farm burn' is not a command; give init,");
  ExpectRefused({"farm", "init", "--frobnicate"},
                "--frobnicate is not an option of tune farm init");
  ExpectRefused({"farm", "init", "stray"}, "");
  ExpectRefused({"farm", "init", "--dir", ""}, "dir");
  ExpectRefused({"farm", "init", "--name", "a b"}, "'a b' is not a host");
  ExpectRefused({"farm", "init", "--name", "tracker:7879"}, "'tracker:7879' is not a host");
  ExpectRefused({"farm", "init", "--name", "10.0.0.300"}, "'10.0.0.300' is not a host");
}

TEST_F(FarmBadInput, WithoutAnAuthority) {
  const std::string none = "no farm's certificates in '" + (folder_ / "config").string();
  ExpectRefused({"farm", "list"}, none);
  ExpectRefused({"farm", "enroll", "--role", "agent", "rack1"}, none);
  ExpectRefused({"farm", "revoke", "ann"}, none);
  ExpectRefused({"farm", "list", "--dir", "no/such"}, "'no/such'");
  unsetenv("XDG_CONFIG_HOME");
  const std::string home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  unsetenv("HOME");
  ExpectRefused({"farm", "list"}, "neither HOME nor XDG_CONFIG_HOME is set; give --dir");
  setenv("HOME", home.c_str(), 1);
}

TEST_F(FarmBadInput, Enroll) {
  ExpectDone({"farm", "init"}, "config/halyard/farm/tracker");
  ExpectRefused({"farm", "init"}, "has a farm's certificates already; nothing was changed");
  ExpectRefused({"farm", "enroll", "rack1"}, "--role is missing");
  ExpectRefused({"farm", "enroll", "--role", "king", "rack1"}, "--role: 'king' is not a role");
  ExpectRefused({"farm", "enroll", "--role", "agent"}, "is missing whom");
  ExpectRefused({"farm", "enroll", "--role", "agent", "a/b"}, "'a/b' is not a name");
  ExpectRefused({"farm", "enroll", "--role", "agent", "../x"}, "'../x' is not a name");
  ExpectRefused({"farm", "enroll", "--role", "agent", "a", "b"}, "");
  ExpectRefused({"farm", "enroll", "--role", "agent", "a", "--days", "0"}, "--days is 0");
  ExpectRefused({"farm", "enroll", "--role", "agent", "a", "--days", "soon"}, "days");
  ExpectRefused({"farm", "enroll", "--role", "agent", "a", "--name", "h"},
                "--name is of a tracker");
  std::ofstream("file") << "x";
  ExpectRefused({"farm", "enroll", "--role", "agent", "a", "-o", "file/x"},
                "--out 'file/x': no file can be made in");
  ExpectRefused({"farm", "enroll", "--role", "tracker", "tracker", "--replace"},
                "a tracker's certificate cannot be taken back");
  ExpectRefused({"farm", "revoke", "tracker", "--role", "tracker"}, "cannot be taken back");
  ExpectRefused({"farm", "revoke", "tracker"}, "'tracker' has no certificate");
  ExpectRefused({"farm", "revoke", "nobody"}, "'nobody' has no certificate");
  ExpectRefused({"farm", "revoke", "a", "--role", "king"}, "'king' is not a role");
  ExpectRefused({"farm", "enroll", "--role", "agent", "a", "-o", "config/halyard/farm"},
                "is an authority's own folder");
  ExpectRefused({"farm", "enroll", "--role", "agent", "a", "-o", "config/halyard/farm/admin"},
                "holds the certificate of");
}

TEST_F(FarmBadInput, FromEnrollingToRevoking) {
  ExpectDone({"farm", "init", "--dir", "dir", "--name", "boards.example", "10.0.0.7"},
             "boards.example, 10.0.0.7");
  ExpectDone({"farm", "init"}, "config/halyard/farm/ca_key.pem");
  ExpectDone({"farm", "enroll", "--role", "agent", "rack1"}, "agent-rack1  agent rack1, serial ");
  struct stat found {};
  ASSERT_EQ(stat("agent-rack1/key.pem", &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  ExpectDone({"farm", "enroll", "--role", "client", "ann", "-o", "a/b"},
             "tune takes it as --farm-certificates FOLDER");
  ExpectDone({"farm", "enroll", "--role", "client", "ann", "-o", "a/b", "--replace"},
             "1 earlier revoked");
  ExpectDone({"farm", "enroll", "--role", "tracker", "tracker", "--name", "new.example"},
             "for new.example, ");
  ExpectDone({"farm", "enroll", "--role", "tracker", "tracker"}, "for new.example, ");
  auto states = States();
  ASSERT_EQ(states.size(), 7u);
  states.erase(states.begin() + 1);  // the caller's, by whatever name
  EXPECT_EQ(states, (std::vector<std::string>{"tracker/tracker good", "agent/rack1 good",
                                              "client/ann revoked", "client/ann good",
                                              "tracker/tracker good", "tracker/tracker good"}));
  ExpectDone({"farm", "revoke", "ann"}, "ann  revoked, serial ");
  ExpectRefused({"farm", "revoke", "ann"}, "'ann' has no certificate that is not revoked");
  ExpectDone({"farm", "revoke", "rack1", "--role", "agent"}, "rack1  revoked");
  EXPECT_EQ(States()[2], "agent/rack1 revoked");
  ExpectDone({"farm", "list"}, "revoked");
}

}  // namespace
}  // namespace halyard
