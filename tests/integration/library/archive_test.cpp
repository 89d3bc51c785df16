// What lies in the archive: exports, imports, and the same bytes every time.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "nlohmann/json.hpp"
#include "schedules/operator.h"
#include "tests/integration/library/library_under_test.h"
#include "tuner/library/library_plan.h"
#include "tuner/library/signature.h"
#include "tuner/library/staging_folder.h"
#include "tuner/library/verify_library.h"

namespace halyard {
namespace {

class LibraryArchive : public testing::TestWithParam<std::string> {
 protected:
  const LibraryUnderTest& library() const { return LibraryFor(GetParam()); }
  // Names nm prints with these options.
  std::set<std::string> Symbols(const std::string& option) const {
    const std::string nm = GetParam() == "host" ? "nm" : "aarch64-linux-gnu-nm";
    std::istringstream lines(RunOrFail({nm, "-P", option, library().files().library}));
    std::set<std::string> names;
    for (std::string line; std::getline(lines, line);) {
      const size_t space = line.find(' ');
      if (space != std::string::npos && line.back() != ':') names.insert(line.substr(0, space));
    }
    return names;
  }
};

TEST_P(LibraryArchive, ExportsOnlyItsFunctions) {
  const std::string name = library().spec().name;
  std::set<std::string> expected = {name + "_error_text",    name + "_set_threads",
                                    name + "_free_scratch",  name + "_abi_version",
                                    name + "_set_allocator", name + "_set_parallel_for"};
  for (const std::string& op : OperatorNames()) {
    expected.insert(name + "_" + op);
    expected.insert(name + "_is_tuned_" + op);
    if (!LibraryPlan::HasEpilogue(*FindOperator(op))) continue;
    expected.insert(name + "_" + op + "_fused");
    expected.insert(name + "_is_tuned_" + op + "_fused");
    for (const std::string& kind : {op, op + "_fused"}) {
      for (const char* suffix : {"_pack", "_packed", "_packed_floats"}) {
        expected.insert(name + "_" + kind + suffix);
      }
      expected.insert(name + "_is_tuned_" + kind + "_packed");
    }
  }
  std::set<std::string> defined = Symbols("-g");
  for (const std::string& undefined : Symbols("-u")) defined.erase(undefined);
  EXPECT_EQ(defined, expected);
}

TEST_P(LibraryArchive, NeedsOnlyTheCLibrary) {
  const std::set<std::string>& allowed = CLibrarySymbols();
  for (const std::string& symbol : Symbols("-u")) EXPECT_TRUE(allowed.count(symbol)) << symbol;
}

// In another folder, with the variants in another order, and signed.
TEST_P(LibraryArchive, IsReproducible) {
  LibrarySpec spec = library().spec();
  std::reverse(spec.variants.begin(), spec.variants.end());
  spec.out_dir = ScratchFolder("again_" + GetParam()) + "/deeper/out";
  const auto key = MakeSigningKey(ScratchFolder("key_" + GetParam()));
  ASSERT_TRUE(key.ok()) << key.status();
  spec.signing_key = key->secret;
  const auto again = BuildLibrary(spec, SharedBuilder());
  ASSERT_TRUE(again.ok()) << again.status();
  const auto verified = VerifyLibrary(spec.out_dir, key->published);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(verified->is_signed);
  const LibraryFiles& first = library().files();
  for (const auto& [a, b] :
       {std::pair{first.library, again->library}, std::pair{first.header, again->header},
        std::pair{first.manifest, again->manifest},
        std::pair{first.cmake_package, again->cmake_package},
        std::pair{first.pkg_config, again->pkg_config}}) {
    EXPECT_TRUE(ReadText(a) == ReadText(b)) << a << " and " << b << " differ";
  }
}

TEST_P(LibraryArchive, ManifestNamesTheRecordOfEachVariant) {
  const auto manifest = nlohmann::json::parse(ReadText(library().files().manifest));
  EXPECT_EQ(manifest["format"], 2);
  EXPECT_EQ(manifest["name"], library().spec().name);
  EXPECT_EQ(manifest["device"]["id"], GetParam());
  EXPECT_EQ(manifest["board_kind"], GetParam() == "host" ? "physical" : "virtual");
  EXPECT_EQ(manifest["unit"], GetParam() == "host" ? "ns" : "virtual_cycles");
  EXPECT_EQ(manifest["commit"], library().spec().commit);
  EXPECT_EQ(manifest["files"].size(), 6u);
  const std::string folder = std::filesystem::path(library().files().manifest).parent_path();
  const auto verified = VerifyLibrary(folder, "");
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->library.variants.size(), library().spec().variants.size());
  EXPECT_EQ(manifest["fallbacks"].size(), OperatorNames().size());
  ASSERT_EQ(manifest["variants"].size(), library().spec().variants.size());
  for (const Variant& v : library().spec().variants) {
    int found = 0;
    for (const auto& m : manifest["variants"]) {
      if (m["workload"] != v.record.workload) continue;
      found++;
      EXPECT_EQ(m["config"], v.record.config);
      EXPECT_EQ(m["record"]["id"], v.record.id);
      EXPECT_EQ(m["record"]["value"], 1100);
      EXPECT_EQ(m["record"]["samples"], 3);
      EXPECT_EQ(m["object_sha256"].get<std::string>().size(), 64u);
    }
    EXPECT_EQ(found, 1) << v.record.workload;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, LibraryArchive, testing::Values("host", "rpi4"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace halyard
