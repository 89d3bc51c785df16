#include "schedules/schedule_space.h"

#include <gtest/gtest.h>

#include <set>

#include "schedules/task.h"

namespace halyard {
namespace {

Device TestDevice(int vector_bytes) {
  Device d;
  d.id = "test";
  d.triplet = vector_bytes > 16 ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  d.cores = 4;
  d.vector_bytes = vector_bytes;
  d.memory_bytes = int64_t{4} << 30;
  d.caches = {{32 << 10, 64, 1}, {1 << 20, 64, 4}};
  return d;
}

std::vector<Task> Tasks() {
  std::vector<Task> tasks;
  for (int vector_bytes : {16, 32, 64}) {
    for (const char* text :
         {"gemm:1x1x1:f32", "gemm:1x1024x1024:f32", "gemm:77x768x3072:f32",
          "batch_gemm:12x128x128x64:f32", "softmax:4096x1000:f32",
          "conv2d:1x56x56x64x64x3x3,pad=1:f32", "conv2d:1x112x112x32x32x3x3,pad=1,groups=32:f32",
          "attention:12x128x64:f32", "attention:1x1x4096x64:f32", "attention:16x4096x40:f32"}) {
      tasks.push_back(MakeTask(ParseWorkload(text).value(), TestDevice(vector_bytes)));
    }
  }
  return tasks;
}

TEST(ScheduleSpace, IndexAndTextRoundTrip) {
  std::mt19937_64 rng(1);
  for (const Task& task : Tasks()) {
    EXPECT_TRUE(task.space.valid(task.space.safe())) << task.key();
    for (int i = 0; i < 50; i++) {
      const Config c = task.space.Neighbour(task.space.safe(), rng);
      EXPECT_EQ(task.space.config_at(task.space.index_of(c)), c);
      const auto parsed = task.space.Parse(task.space.ToText(c));
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      EXPECT_EQ(*parsed, c);
    }
  }
}

TEST(ScheduleSpace, EveryDrawIsValidAndCanonical) {
  std::mt19937_64 rng(2);
  for (const Task& task : Tasks()) {
    for (int i = 0; i < 50; i++) {
      const auto c = task.space.Random(rng);
      if (!c) continue;
      EXPECT_EQ(task.space.why_invalid(*c), "");
      EXPECT_EQ(task.space.canonical(*c), *c);
      EXPECT_TRUE(task.space.valid(task.space.Neighbour(*c, rng)));
    }
  }
}

// Mutation reaches what random draws reach: every value of every knob that a valid config has.
TEST(ScheduleSpace, MutationReachesEveryUsableKnobValue) {
  const Task task = MakeTask(ParseWorkload("attention:12x128x64:f32").value(), TestDevice(64));
  std::mt19937_64 rng(3);
  const size_t knobs = task.space.knobs().size();
  std::vector<std::set<int>> drawn(knobs), walked(knobs);
  for (int i = 0; i < 4000; i++) {
    const auto c = task.space.Random(rng);
    for (size_t k = 0; c && k < knobs; k++) drawn[k].insert((*c)[k]);
  }
  Config at = task.space.safe();
  for (int i = 0; i < 40000; i++) {
    at = task.space.Neighbour(at, rng);
    for (size_t k = 0; k < knobs; k++) walked[k].insert(at[k]);
  }
  for (size_t k = 0; k < knobs; k++) {
    for (int value : drawn[k]) {
      EXPECT_TRUE(walked[k].contains(value))
          << task.space.knobs()[k].name << "=" << task.space.knobs()[k].text(value);
    }
  }
}

TEST(ScheduleSpace, ParseNamesWhatIsWrong) {
  const Task task = MakeTask(ParseWorkload("softmax:64x64:f32").value(), TestDevice(16));
  std::string text = task.space.ToText(task.space.safe());
  EXPECT_FALSE(task.space.Parse(text + " flavour=3").ok());
  EXPECT_FALSE(task.space.Parse(text.substr(0, text.rfind(' '))).ok());
  EXPECT_FALSE(task.space.Parse("form=origami " + text).ok());
  EXPECT_FALSE(task.space.Parse("").ok());
  // The second would count, or, being no value of the knob, be passed over.
  for (const std::string& again : {text + " " + text, text + " form=origami"}) {
    const auto twice = task.space.Parse(again);
    EXPECT_EQ(twice.status().message(), "knob 'form' stands twice; give it once") << again;
  }
}

}  // namespace
}  // namespace halyard
