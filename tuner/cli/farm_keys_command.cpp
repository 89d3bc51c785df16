// tune farm init, enroll, revoke, list: the farm's certificates.

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "rpc_farm/security/certificate_authority.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/farm_command.h"
#include "tuner/cli/farm_options.h"
#include "tuner/cli/options.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

constexpr int kUsualDays = 365;
constexpr int kMostDays = 3652;  // as long as an authority

constexpr char kNotTrackers[] =
    "a tracker's certificate cannot be taken back: those who call it read no list; after the loss "
    "of "
    "its key make a new authority with tune farm init --dir";

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d", time, absl::LocalTimeZone());
}

// The caller's login name, where that can be a certificate's.
std::string CallerName() {
  const std::string name = LoginName();
  return CheckFarmName(name).ok() ? name : "admin";
}

// This machine's names and the loopback's, and those the user gave.
std::vector<std::string> TrackerHosts(const std::vector<std::string>& given) {
  std::vector<std::string> hosts = given;
  char own[256] = "";
  if (gethostname(own, sizeof own - 1) == 0 && CheckHost(own).ok()) hosts.emplace_back(own);
  for (const char* loopback : {"localhost", "127.0.0.1", "::1"}) hosts.emplace_back(loopback);
  std::vector<std::string> once;
  for (const std::string& host : hosts) {
    if (std::find(once.begin(), once.end(), host) == once.end()) once.push_back(host);
  }
  return once;
}

struct Arguments {
  std::string dir, role, name, out;
  std::vector<std::string> hosts;
  std::optional<int> days;
  bool replace = false, json = false;
};

// What a command needs of the command line, read into `a`; nothing where the command is to go on.
std::optional<int> Parse(const std::vector<std::string>& args, po::options_description& options,
                         const std::string& command, Arguments& a, bool takes_name) {
  po::options_description all;
  options.add_options()("dir", po::value(&a.dir),
                        "the authority's folder; ~/.config/halyard/farm unless given");
  options.add_options()("help,h", "print this");
  all.add(options);
  po::positional_options_description positional;
  if (takes_name) {
    all.add_options()("who", po::value(&a.name));
    positional.add("who", 1);
  }
  const auto given = ParseOptions(args, all, positional, command);
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  if (given->count("dir") != 0 && a.dir.empty()) {
    return Fail(kExitUsage, "--dir is empty; give a folder");
  }
  if (a.dir.empty()) {
    const auto folder = DefaultFarmFolder();
    if (!folder.ok()) return Fail(folder.status());
    a.dir = *folder;
  }
  if (takes_name) {
    if (a.name.empty()) return Fail(kExitUsage, command + " is missing whom; give a NAME");
    if (auto s = CheckFarmName(a.name); !s.ok()) return Fail(s);
  }
  return std::nullopt;
}

int CheckedHosts(const std::vector<std::string>& hosts) {
  for (const std::string& host : hosts) {
    if (auto s = CheckHost(host); !s.ok()) return Fail(s);
  }
  return kExitDone;
}

// The serials in use of a name and, where it is given, a role; never a tracker's.
std::vector<std::string> InUse(const std::vector<IssuedCertificate>& issued,
                               const std::string& name, std::optional<FarmRole> role) {
  std::vector<std::string> serials;
  for (const IssuedCertificate& c : issued) {
    if (c.identity.role == FarmRole::kTracker) continue;
    if (c.identity.name == name && !c.revoked && (!role || c.identity.role == *role)) {
      serials.push_back(c.serial);
    }
  }
  return serials;
}

// Those given; else those of the certificate in use: a renewal must not lose a name that others
// use.
std::vector<std::string> RenewedHosts(const Arguments& a, const std::string& folder) {
  if (!a.hosts.empty()) return TrackerHosts(a.hosts);
  const auto pem = ReadWholeFile(folder + "/" + kCertificateFile);
  if (!pem.ok()) return TrackerHosts({});
  const auto facts = ReadCertificate(*pem);
  return TrackerHosts(facts.ok() ? facts->hosts : std::vector<std::string>{});
}

int Enroll(const Arguments& a, FarmRole role) {
  const absl::Time now = absl::Now();
  auto authority = CertificateAuthority::Open(a.dir);
  if (!authority.ok()) return Fail(authority.status());
  const auto earlier = authority->Issued();
  if (!earlier.ok()) return Fail(earlier.status());
  const bool tracker = role == FarmRole::kTracker;
  const std::string folder = !a.out.empty() ? a.out
                             : tracker      ? a.dir + "/" + kTrackerFolder
                                            : fmt::format("{}-{}", FarmRoleName(role), a.name);
  const FarmIdentity identity{role, a.name};
  const auto own_pem = ReadWholeFile(a.dir + "/" + kAuthorityFile);
  if (!own_pem.ok()) return Fail(own_pem.status());
  if (auto s = CheckHolderFolder(folder, identity, *own_pem); !s.ok()) {
    return Fail(kExitUsage, std::string(s.message()));
  }
  if (auto s = CheckWritableFolder(folder); !s.ok()) return Fail(s);
  const auto hosts = tracker ? RenewedHosts(a, folder) : std::vector<std::string>{};
  const auto enrolment = authority->Issue(
      identity, hosts, {now - kClockAllowance, now + absl::Hours(24 * *a.days)}, now);
  if (!enrolment.ok()) return Fail(enrolment.status());
  // The new one is in its place before the old ones stop to count.
  if (auto s = WriteHolderFolder(folder, *enrolment); !s.ok()) return Fail(s);
  const auto old = InUse(*earlier, a.name, role);
  if (a.replace && !old.empty()) {
    if (auto s = authority->Revoke(old, now); !s.ok()) return Fail(s);
  }
  fmt::print("{}  {} {}, serial {}, until {}\n", folder, FarmRoleName(role), a.name,
             enrolment->serial, Day(enrolment->not_after));
  if (a.replace) fmt::print("{} earlier revoked\n", old.size());
  if (tracker) {
    fmt::print("for {}\n", fmt::join(hosts, ", "));
  } else {
    fmt::print("copy the folder to where this {} runs and keep its {} secret{}\n",
               FarmRoleName(role), kKeyFile,
               role == FarmRole::kAgent ? "" : "; tune takes it as --farm-certificates FOLDER");
  }
  return kExitDone;
}

int List(const Arguments& a) {
  const auto authority = CertificateAuthority::Open(a.dir);
  if (!authority.ok()) return Fail(authority.status());
  const auto issued = authority->Issued();
  if (!issued.ok()) return Fail(issued.status());
  const absl::Time now = absl::Now();
  nlohmann::json list = nlohmann::json::array();
  if (!a.json)
    fmt::print("{:<20} {:<8} {:<10} {:<8} {}\n", "name", "role", "until", "state", "serial");
  for (const IssuedCertificate& c : *issued) {
    const char* state = c.revoked ? "revoked" : now >= c.not_after ? "expired" : "good";
    if (a.json) {
      list.push_back(
          {{"name", c.identity.name},
           {"role", FarmRoleName(c.identity.role)},
           {"until", absl::FormatTime(absl::RFC3339_sec, c.not_after, absl::UTCTimeZone())},
           {"state", state},
           {"serial", c.serial}});
    } else {
      fmt::print("{:<20} {:<8} {:<10} {:<8} {}\n", c.identity.name, FarmRoleName(c.identity.role),
                 Day(c.not_after), state, c.serial);
    }
  }
  if (a.json) {
    std::cout << nlohmann::json{{"dir", a.dir},
                                {"until",
                                 absl::FormatTime(absl::RFC3339_sec, authority->not_after(),
                                                  absl::UTCTimeZone())},
                                {"certificates", list}}
                     .dump(2)
              << "\n";
  }
  return kExitDone;
}

}  // namespace

int FarmInitCommand(const std::vector<std::string>& args) {
  Arguments a;
  po::options_description options("tune farm init [options]", 79, 40);
  options.add_options()("name", po::value(&a.hosts)->multitoken(),
                        "hosts by which others reach the tracker, besides this machine's own name "
                        "and the loopback");
  if (const auto done = Parse(args, options, "tune farm init", a, false)) return *done;
  if (const int wrong = CheckedHosts(a.hosts); wrong != kExitDone) return wrong;
  const auto hosts = TrackerHosts(a.hosts);
  const std::string admin = CallerName();
  const auto made = CertificateAuthority::Create(a.dir, hosts, admin, absl::Now());
  if (absl::IsAlreadyExists(made)) return Fail(kExitUsage, std::string(made.message()));
  if (!made.ok()) return Fail(made);
  fmt::print("{0}/{1}  the tracker's, for {2}\n{0}/{3}  yours ({4}), an admin's\n", a.dir,
             kTrackerFolder, fmt::join(hosts, ", "), kAdminFolder, admin);
  fmt::print("{}/{}  signs all certificates: keep it secret, and a copy of the folder\n", a.dir,
             kAuthorityKeyFile);
  return kExitDone;
}

int FarmEnrollCommand(const std::vector<std::string>& args) {
  Arguments a;
  po::options_description options("tune farm enroll --role ROLE NAME [options]", 79, 40);
  auto add = options.add_options();
  add("role", po::value(&a.role), "client, agent or admin; tracker to renew the tracker's");
  add("days", po::value<int>()->notifier([&](int days) { a.days = days; }),
      "how long it is good: 365 unless given, 3652 for a tracker");
  add("out,o", po::value(&a.out), "folder it is put into; ROLE-NAME unless given");
  add("replace", po::bool_switch(&a.replace), "revoke the earlier ones of this role and name");
  add("name", po::value(&a.hosts),
      "of a tracker: a host by which others reach it; may be repeated");
  if (const auto done = Parse(args, options, "tune farm enroll", a, true)) return *done;
  if (a.role.empty()) return Fail(kExitUsage, "--role is missing; give client, agent or admin");
  const auto role = ParseFarmRole(a.role);
  if (!role.ok()) return Fail(kExitUsage, "--role: " + std::string(role.status().message()));
  if (*role == FarmRole::kTracker && a.replace) return Fail(kExitUsage, kNotTrackers);
  if (!a.days) a.days = *role == FarmRole::kTracker ? kMostDays : kUsualDays;
  if (*a.days < 1 || *a.days > kMostDays) {
    return Fail(kExitUsage,
                fmt::format("--days is {}; give a number from 1 to {}", *a.days, kMostDays));
  }
  if (!a.hosts.empty() && *role != FarmRole::kTracker) {
    return Fail(kExitUsage, "--name is of a tracker only; leave it out");
  }
  if (const int wrong = CheckedHosts(a.hosts); wrong != kExitDone) return wrong;
  return Enroll(a, *role);
}

int FarmRevokeCommand(const std::vector<std::string>& args) {
  Arguments a;
  po::options_description options("tune farm revoke NAME [options]", 79, 40);
  options.add_options()("role", po::value(&a.role), "only those of this role");
  if (const auto done = Parse(args, options, "tune farm revoke", a, true)) return *done;
  std::optional<FarmRole> role;
  if (!a.role.empty()) {
    const auto parsed = ParseFarmRole(a.role);
    if (!parsed.ok()) return Fail(kExitUsage, "--role: " + std::string(parsed.status().message()));
    role = *parsed;
  }
  if (role == FarmRole::kTracker) return Fail(kExitUsage, kNotTrackers);
  auto authority = CertificateAuthority::Open(a.dir);
  if (!authority.ok()) return Fail(authority.status());
  const auto issued = authority->Issued();
  if (!issued.ok()) return Fail(issued.status());
  const auto serials = InUse(*issued, a.name, role);
  if (serials.empty()) {
    return Fail(kExitUsage, fmt::format("'{}' has no certificate that is not revoked; tune farm "
                                        "list shows who has",
                                        a.name));
  }
  if (auto s = authority->Revoke(serials, absl::Now()); !s.ok()) return Fail(s);
  for (const std::string& serial : serials) fmt::print("{}  revoked, serial {}\n", a.name, serial);
  fmt::print(
      "a tracker here refuses it within seconds; for one elsewhere copy {}/{} into its "
      "folder\n",
      a.dir, kRevocationsFile);
  return kExitDone;
}

int FarmListCommand(const std::vector<std::string>& args) {
  Arguments a;
  po::options_description options("tune farm list [options]", 79, 40);
  options.add_options()("json", po::bool_switch(&a.json), "print one JSON object");
  if (const auto done = Parse(args, options, "tune farm list", a, false)) return *done;
  return List(a);
}

}  // namespace halyard
