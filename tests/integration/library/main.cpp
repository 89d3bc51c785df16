// The builder starts this program again as its worker.
#include <gtest/gtest.h>

#include <cstring>

#include "tuner/builder.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "build-worker") == 0) return halyard::BuildWorkerMain();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
