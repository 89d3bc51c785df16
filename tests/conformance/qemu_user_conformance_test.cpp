// The virtual board of a Linux device.
#include <algorithm>
#include <filesystem>
#include <set>

#include "targets/virtual_board/markers.h"
#include "tests/conformance/linux_conformance.h"
#include "tests/device_test_name.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

std::unique_ptr<BoardUnderTest> MakeQemuUserBoard() {
  return std::make_unique<BoardUnderTest>("rpi4");
}

INSTANTIATE_TEST_SUITE_P(QemuUser, ExecutorConformance, testing::Values(&MakeQemuUserBoard));
INSTANTIATE_TEST_SUITE_P(QemuUser, LinuxConformance, testing::Values(&MakeQemuUserBoard));

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

// A kernel that says where it begins and ends, or that it is a parallel loop, is not heard.
TEST(VirtualBoard, AKernelsOwnMarkersCountForNothing) {
  const absl::StatusOr<Device> device = LoadDevice("rpi4");
  ASSERT_TRUE(device.ok());
  ScratchFolder folder;
  auto executor = MakeExecutor(*device);
  ASSERT_TRUE(executor.ok()) << executor.status();
  const auto count = [&](int hint) {
    const std::string mark =
        "asm volatile(\"hint " + std::to_string(hint) + "\" : : : \"memory\");";
    BuildCKernel(*device, folder.Path("k"),
                 mark + "for (long i = 0; i < N; ++i) OUT[i] = 2 * IN[i];" + mark);
    RunRequest request;
    request.mode = RunMode::kCount;
    request.candidates = {{folder.Path("k"), {ElementwiseEntry(1000)}}};
    RunOutcome outcome = (*executor)->Run(request, milliseconds(15'000));
    EXPECT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    return outcome.reply;
  };
  const RunReply honest = count(HALYARD_MARKER_LAST + 1);
  ASSERT_GT(honest.candidates.at(0).at(0).serial_cycles, 1000);
  for (int marker = HALYARD_MARKER_KERNEL_BEGIN; marker <= HALYARD_MARKER_LAST; ++marker) {
    EXPECT_EQ(nlohmann::json(count(marker)).dump(), nlohmann::json(honest).dump()) << marker;
  }
}

class VirtualBoardOfDevice : public testing::TestWithParam<const char*> {};

// Every virtual board runs what is built for its device, and says the same 20 times over.
TEST_P(VirtualBoardOfDevice, CountsTheSameEachTime) {
  const absl::StatusOr<Device> device = LoadDevice(GetParam());
  ASSERT_TRUE(device.ok()) << device.status();
  ScratchFolder folder;
  auto executor = MakeExecutor(*device);
  ASSERT_TRUE(executor.ok()) << executor.status();
  BuildMatmul(*device, folder.Path("k"), true);
  RunRequest request;
  request.mode = RunMode::kCount;
  request.threads = device->cores;
  request.caches_warm = true;
  request.candidates = {{folder.Path("k"), {MatmulEntry(24)}}};
  std::set<std::string> distinct;
  for (int i = 0; i < 20; ++i) {
    const RunOutcome outcome = (*executor)->Run(request, milliseconds(15'000));
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    const EntryResult& result = outcome.reply.candidates.at(0).at(0);
    ASSERT_EQ(result.kernel_error, 0) << result.kernel_message;
    EXPECT_EQ(result.regions.at(0).cycles.size(), std::max<size_t>(1, device->clusters.size()));
    distinct.insert(nlohmann::json(outcome.reply).dump());
  }
  EXPECT_EQ(distinct.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Devices, VirtualBoardOfDevice,
                         testing::Values("jetson-nano", "jetson-orin-nano", "rpi5",
                                         "snapdragon-8gen3"),
                         [](const auto& info) { return TestNameOf(info.param); });

}  // namespace
}  // namespace halyard
