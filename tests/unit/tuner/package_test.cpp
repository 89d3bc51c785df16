// Which record of a log each variant of a library is.
#include "tuner/package.h"

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

class PackageTest : public testing::Test {
 protected:
  void Append(const std::string& workload, double ns, const std::string& compiler) {
    const Task task = MakeTask(ParseWorkload(workload).value(), device_);
    Record r = OkRecord(workload, task.space.ToText(task.space.safe()), ns);
    r.device = device_.id;
    r.space_version = task.space.version();
    r.protocol = SampleProtocol(r.board_kind);
    r.compiler = RecordedCompiler(compiler, device_);
    std::vector<Record> one = {r};
    ASSERT_TRUE(log_->Append(one).ok());
  }
  std::map<std::string, double> Library(const std::string& compiler) const {
    const auto spec = LibraryOfLog(device_, *log_, compiler, "out");
    EXPECT_TRUE(spec.ok()) << spec.status();
    std::map<std::string, double> values;
    for (const Variant& v : spec.value().variants) values[v.record.workload] = v.record.value();
    return values;
  }

  TempFolder folder_;
  const Device device_ = RecordedDevice();
  std::unique_ptr<MeasurementLog> log_ = OpenOrDie(folder_.File("log.db"), LogMode::kWrite);
};

TEST_F(PackageTest, ThisCompilersTimesCountWhereThereAreSome) {
  Append("softmax:64x100:f32", 90, "old");
  Append("softmax:64x100:f32", 100, "new");
  Append("softmax:32x70:f32", 50, "old");
  const std::map<std::string, double> by_new = {{"softmax:64x100:f32", 100},
                                                {"softmax:32x70:f32", 50}};
  EXPECT_EQ(Library("new"), by_new) << "an older one's time is of another program";
  const std::map<std::string, double> by_old = {{"softmax:64x100:f32", 90},
                                                {"softmax:32x70:f32", 50}};
  EXPECT_EQ(Library("old"), by_old);
  EXPECT_EQ(Library("newest"), by_old) << "nothing is of it: the best there is";
}

}  // namespace
}  // namespace halyard
