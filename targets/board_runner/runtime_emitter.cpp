// Build-time tool: writes Halide's standalone runtime for a target as an object file.
#include <Halide.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: halide_runtime_emitter OBJECT TARGET\n");
    return 2;
  }
  Halide::compile_standalone_runtime(argv[1], Halide::Target(argv[2]));
  return 0;
}
