// The virtual board of a Linux device.
#include <filesystem>
#include <set>

#include "tests/conformance/executor_conformance.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

class QemuUserBoard final : public BoardUnderTest {
 public:
  QemuUserBoard() : BoardUnderTest("rpi4") {}
};

std::unique_ptr<BoardUnderTest> MakeQemuUserBoard() { return std::make_unique<QemuUserBoard>(); }

INSTANTIATE_TEST_SUITE_P(QemuUser, ExecutorConformance, testing::Values(&MakeQemuUserBoard));

// Counts may not depend on anything but the artifact and the request.
TEST(VirtualBoard, CountsRepeatExactly) {
  const absl::StatusOr<Device> device = LoadDevice("rpi4");
  ASSERT_TRUE(device.ok());
  ScratchFolder folder;
  // The runner's own path is one of the things that move the emulated stack.
  const std::string long_name = folder.Path("a-folder-with-quite-another-name");
  std::filesystem::create_directory_symlink(DataPath(""), long_name);
  auto usual = MakeExecutor(*device);
  ASSERT_TRUE(usual.ok()) << usual.status();
  setenv("HALYARD_DATA_DIR", long_name.c_str(), 1);
  auto moved = MakeExecutor(*device);
  unsetenv("HALYARD_DATA_DIR");
  ASSERT_TRUE(moved.ok()) << moved.status();
  BuildMatmul(*device, folder.Path("k"), true);
  RunRequest request;
  request.mode = RunMode::kCount;
  request.threads = device->cores;
  std::set<std::string> distinct;
  for (int i = 0; i < 20; ++i) {
    const std::string path = folder.Path("k" + std::string(static_cast<size_t>(i * 11), 'x'));
    if (i != 0) std::filesystem::copy_file(folder.Path("k"), path);
    setenv("HALYARD_TEST_PADDING", std::string(static_cast<size_t>(i * 37), 'y').c_str(), 1);
    request.candidates = {{path, {MatmulEntry(37), MatmulEntry(24)}}};
    const auto before = std::filesystem::current_path();
    if (i % 2 == 1) std::filesystem::current_path("/");
    Executor& executor = i % 3 == 2 ? **moved : **usual;
    const RunOutcome outcome = executor.Run(request, milliseconds(15'000));
    std::filesystem::current_path(before);
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    distinct.insert(nlohmann::json(outcome.reply).dump());
  }
  EXPECT_EQ(distinct.size(), 1u);
}

}  // namespace
}  // namespace halyard
