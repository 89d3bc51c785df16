#include "targets/judge/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

class TensorTest : public testing::TestWithParam<int64_t> {};

TEST_P(TensorTest, GuardsSeeEveryNeighbouringByte) {
  Tensor tensor(GetParam());
  tensor.WriteGuards();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
  EXPECT_TRUE(tensor.GuardsIntact());
  auto* before = reinterpret_cast<uint8_t*>(tensor.data()) - 1;
  for (uint8_t* byte : {before, before - 63}) {
    ++*byte;
    EXPECT_FALSE(tensor.GuardsIntact());
    --*byte;
  }
  auto* after = reinterpret_cast<uint8_t*>(tensor.data() + tensor.elements());
  if (tensor.elements() % 16 != 0) {
    ++*after;
    EXPECT_FALSE(tensor.GuardsIntact());
    --*after;
  }
  EXPECT_TRUE(tensor.GuardsIntact());
}

TEST_P(TensorTest, AccessBeyondTheSlackFaults) {
  Tensor tensor(GetParam());
  volatile float* data = tensor.data();
  const int64_t padded = (GetParam() + 15) / 16 * 16;
  EXPECT_DEATH(data[padded] = 1, "");
  EXPECT_DEATH(data[-2048] = 1, "");
  // A long row away.
  EXPECT_DEATH(data[padded + 200000] = 1, "");
  EXPECT_DEATH(data[-200000] = 1, "");
}

TEST_P(TensorTest, ScanTellsPoisonFromNaN) {
  Tensor tensor(GetParam());
  tensor.Poison();
  EXPECT_EQ(tensor.Scan().poison_left, GetParam());
  EXPECT_EQ(tensor.Scan().non_finite, GetParam());
  tensor.FillUniform(1, 2);
  EXPECT_EQ(tensor.Scan().poison_left, 0);
  EXPECT_EQ(tensor.Scan().non_finite, 0);
  tensor.data()[0] = std::numeric_limits<float>::quiet_NaN();
  tensor.data()[GetParam() - 1] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(tensor.Scan().poison_left, 0);
  EXPECT_EQ(tensor.Scan().non_finite, GetParam() == 1 ? 1 : 2);
}

TEST_P(TensorTest, ChecksumSeesAnyElement) {
  Tensor tensor(GetParam());
  tensor.FillUniform(9, 0);
  EXPECT_EQ(tensor.data()[0], CounterUniform(9, 0, 0));
  const uint64_t checksum = tensor.Checksum();
  for (int64_t i = 0; i < GetParam(); i += 7) {
    const float before = tensor.data()[i];
    tensor.data()[i] = -before + 1;
    EXPECT_NE(tensor.Checksum(), checksum);
    tensor.data()[i] = before;
  }
  EXPECT_EQ(tensor.Checksum(), checksum);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TensorTest, testing::Values(1, 15, 16, 17, 1000, 1008, 1024, 5000));

}  // namespace
}  // namespace halyard
