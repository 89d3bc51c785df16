#include "tests/integration/library/host_library.h"

#include <gtest/gtest.h>

#include "tests/integration/library/library_under_test.h"

namespace halyard {

const std::string& HostLibraryFolder() {
  static const std::string folder = [] {
    const std::string out = ScratchFolder("host_library");
    LibrarySpec spec{LoadDevice("host").value(), "tuned_host", {}, out, "0123456789ab", ""};
    int64_t id = 1;
    for (const char* text : {"gemm:33x17x9:f32", "gemm:33x17x9,packed=1:f32",
                             "gemm:33x17x9,packed=1,bias=1,act=relu:f32",
                             "gemm:33x17x9,bias=1,residual=1,act=gelu:f32",
                             "conv2d:1x33x1x9x17x1x1,packed=1,bias=1,residual=1:f32"}) {
      spec.variants.push_back(MakeVariant(text, spec.device, true, id++));
    }
    const auto files = BuildLibrary(spec, SharedBuilder());
    EXPECT_TRUE(files.ok()) << files.status();
    return out;
  }();
  return folder;
}

}  // namespace halyard
