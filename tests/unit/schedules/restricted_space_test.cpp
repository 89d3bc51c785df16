// A part of a space says of each config what the whole space says, over all operators.

#include "schedules/restricted_space.h"

#include <gtest/gtest.h>

#include <set>

#include "schedules/choose_restriction.h"

namespace halyard {
namespace {

Device TestDevice(int vector_bytes) {
  Device d;
  d.id = "test";
  d.triplet = vector_bytes > 16 ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  d.cores = 2;
  d.vector_bytes = vector_bytes;
  d.memory_bytes = int64_t{4} << 30;
  d.caches = {{32 << 10, 64, 1}, {1 << 20, 64, 4}};
  return d;
}

Task TaskOf(const std::string& workload, int vector_bytes = 64) {
  return MakeTask(ParseWorkload(workload).value(), TestDevice(vector_bytes));
}

std::vector<Task> Tasks() {
  std::vector<Task> tasks;
  for (int vector_bytes : {16, 64}) {
    for (const char* text :
         {"gemm:64x48x32:f32", "gemm:77x768x3072,packed=1:f32", "softmax:4096x1000:f32",
          "conv2d:1x28x28x32x32x3x3,pad=1:f32", "conv2d:1x14x14x32x32x3x3,pad=1,groups=32:f32",
          "attention:4x128x64:f32"}) {
      tasks.push_back(TaskOf(text, vector_bytes));
    }
  }
  return tasks;
}

// Values drawn at random, the safe config's among them; up to `most` combinations.
Restriction RandomRestriction(const ScheduleSpace& space, std::mt19937_64& rng, double most) {
  Restriction kept(space.knobs().size());
  for (size_t k = 0; k < kept.size(); k++) kept[k] = {space.safe()[k]};
  double combinations = 1;
  for (int draw = 0; draw < 60; draw++) {
    const size_t k = rng() % kept.size();
    const int value = static_cast<int>(rng() % space.knobs()[k].values.size());
    const auto at = std::lower_bound(kept[k].begin(), kept[k].end(), value);
    if (at != kept[k].end() && *at == value) continue;
    const auto n = static_cast<double>(kept[k].size());
    if (combinations / n * (n + 1) > most) continue;
    combinations = combinations / n * (n + 1);
    kept[k].insert(at, value);
  }
  return kept;
}

TEST(RestrictedSpace, IsValidExactlyWhereTheWholeSpaceIs) {
  std::mt19937_64 rng(5);
  for (const Task& task : Tasks()) {
    const Restriction kept = RandomRestriction(task.space, rng, 3000);
    const auto part = RestrictTask(task, kept);
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ(part->space.version(), task.space.version());
    EXPECT_EQ(part->space.ToText(part->space.safe()), task.space.ToText(task.space.safe()));
    for (uint64_t i = 0; i < part->space.size(); i++) {
      const Config c = part->space.config_at(i);
      const std::string text = part->space.ToText(c);
      const Config whole = task.space.Parse(text).value();
      ASSERT_EQ(part->space.valid(c), task.space.valid(whole)) << text;
      // What the operator reads of the config is the same too.
      for (const Knob& knob : task.space.knobs()) {
        if (knob.categorical()) {
          ASSERT_EQ(part->space.view(c).label(knob.name), task.space.view(whole).label(knob.name));
        } else {
          ASSERT_EQ(part->space.view(c)[knob.name], task.space.view(whole)[knob.name]);
        }
      }
    }
  }
}

TEST(RestrictedSpace, CanonicalisesAsTheWholeSpaceOrNotAtAll) {
  std::mt19937_64 rng(6);
  int moved = 0, outside = 0;
  for (const Task& task : Tasks()) {
    const auto part = RestrictTask(task, RandomRestriction(task.space, rng, 3000)).value();
    for (uint64_t i = 0; i < part.space.size(); i++) {
      const Config c = part.space.config_at(i), canonical = part.space.canonical(c);
      EXPECT_EQ(part.space.canonical(canonical), canonical);
      const Config whole = task.space.canonical(task.space.Parse(part.space.ToText(c)).value());
      if (part.space.Parse(task.space.ToText(whole)).ok()) {
        EXPECT_EQ(part.space.ToText(canonical), task.space.ToText(whole));
        moved += canonical != c ? 1 : 0;
      } else {
        EXPECT_EQ(canonical, c);
        EXPECT_FALSE(part.space.valid(c));
        outside++;
      }
    }
  }
  // Both cases occur.
  EXPECT_GT(moved, 100);
  EXPECT_GT(outside, 100);
}

TEST(RestrictedSpace, DrawsMutationsAndMixesAreValid) {
  std::mt19937_64 rng(7);
  for (const Task& task : Tasks()) {
    const auto part = RestrictTask(task, RandomRestriction(task.space, rng, 3000)).value();
    std::vector<uint64_t> valid = ValidIndices(part.space);
    ASSERT_FALSE(valid.empty());
    const Config any = part.space.config_at(valid[rng() % valid.size()]);
    for (int i = 0; i < 50; i++) {
      if (const auto c = part.space.Random(rng)) {
        EXPECT_TRUE(part.space.valid(*c));
      }
      EXPECT_TRUE(part.space.valid(part.space.Neighbour(any, rng)));
      if (const auto c = part.space.Crossover(any, part.space.safe(), rng)) {
        EXPECT_TRUE(part.space.valid(*c));
      }
    }
  }
}

TEST(RestrictedSpace, EverythingKeptIsTheWholeSpace) {
  const Task task = TaskOf("softmax:64x100:f32");
  const auto part = RestrictTask(task, ParseRestriction(task.space, {}).value());
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(ValidIndices(part->space), ValidIndices(task.space));
}

TEST(RestrictedSpace, TextRoundTripsAndMistakesAreNamed) {
  const Task task = TaskOf("softmax:64x100:f32");
  const auto parse = [&](const std::vector<KnobSubset>& subsets) {
    return ParseRestriction(task.space, subsets);
  };
  const Restriction kept = parse({{"vec", {"32", "16"}}, {"form", {"online"}}}).value();
  EXPECT_EQ(parse(RestrictionText(task.space, kept)).value(), kept);
  EXPECT_EQ(RestrictionText(task.space, kept)[1].values, (std::vector<std::string>{"16", "32"}));
  const auto told = [](const auto& refused) { return std::string(refused.status().message()); };
  EXPECT_NE(told(parse({{"tile", {"1"}}})).find("'tile'"), std::string::npos);
  EXPECT_NE(told(parse({{"vec", {"5"}}})).find("'5'; it has 8, 16, 32"), std::string::npos);
  EXPECT_NE(told(parse({{"vec", {}}})).find("no value"), std::string::npos);
  EXPECT_NE(told(parse({{"vec", {"16"}}, {"vec", {"8"}}})).find("twice"), std::string::npos);
  EXPECT_NE(told(RestrictTask(task, kept)).find("the safe config"), std::string::npos);
  const Task large = TaskOf("gemm:1024x1024x1024:f32");
  EXPECT_NE(told(RestrictTask(large, ParseRestriction(large.space, {}).value()))
                .find("keep fewer values"),
            std::string::npos);
}

TEST(ChooseRestriction, KeepsSafeAndGoodConfigsAndAboutAsManyAsWanted) {
  for (const Task& task : Tasks()) {
    std::mt19937_64 rng(8);
    RestrictionRequest request;
    request.configs = 400;
    request.good = {task.space.Neighbour(task.space.safe(), rng, 1000),
                    task.space.Neighbour(task.space.safe(), rng, 1000)};
    const auto chosen = ChooseRestriction(task.space, request);
    ASSERT_TRUE(chosen.ok()) << chosen.status();
    const auto part = RestrictTask(task, chosen->kept);
    ASSERT_TRUE(part.ok()) << part.status();
    const std::vector<uint64_t> valid = ValidIndices(part->space);
    EXPECT_EQ(valid.size(), chosen->valid);
    EXPECT_GE(valid.size(), 300u) << task.key();
    EXPECT_LE(valid.size(), 440u) << task.key();
    const auto best = part->space.Parse(task.space.ToText(request.good[0]));
    ASSERT_TRUE(best.ok()) << best.status();
    EXPECT_TRUE(part->space.valid(*best));
    // No value is there for nothing.
    std::vector<std::set<int>> used(chosen->kept.size());
    for (const uint64_t i : valid) {
      const Config c = part->space.config_at(i);
      for (size_t k = 0; k < c.size(); k++) used[k].insert(c[k]);
    }
    for (size_t k = 0; k < used.size(); k++) EXPECT_EQ(used[k].size(), chosen->kept[k].size());
    EXPECT_EQ(ChooseRestriction(task.space, request)->kept, chosen->kept);
    request.seed = 2;
    EXPECT_NE(ChooseRestriction(task.space, request)->kept, chosen->kept);
  }
}

TEST(ChooseRestriction, KeepsToWhatIsGiven) {
  const Task task = TaskOf("softmax:4096x1000:f32");
  RestrictionRequest request;
  request.fixed = {{"form", {"store", "online"}}, {"vec", {"8", "16"}}};
  request.configs = 200;
  const auto chosen = ChooseRestriction(task.space, request);
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_EQ(RestrictionText(task.space, chosen->kept)[0], request.fixed[0]);
  EXPECT_EQ(RestrictionText(task.space, chosen->kept)[1], request.fixed[1]);
  request.fixed = {{"form", {"online"}}};
  const auto refused = ChooseRestriction(task.space, request);
  EXPECT_NE(std::string(refused.status().message()).find("leaves out store"), std::string::npos);
}

}  // namespace
}  // namespace halyard
