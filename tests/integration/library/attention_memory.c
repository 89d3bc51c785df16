/* Runs a library's attention once and prints by how many KiB the call raised the process's peak of
 * resident memory: scratch, threads, everything but the tensors, which are all touched before.
 *   attention_memory QUERIES KEYS DEPTH
 * Compiled with -DLIBRARY=<name> and -DLIBRARY_HEADER="<name>.h". */
#include LIBRARY_HEADER

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define FUNCTION(name) PASTE(LIBRARY, name)

static long peak_kib(void) {
  char line[256];
  long kib = -1;
  FILE* status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
  }
  if (status != NULL) fclose(status);
  return kib;
}

/* Rows are their own number modulo `period`; those of V then mix to what any weights give. */
static float* tensor(int64_t rows, int64_t depth, int64_t period, int by_column) {
  float* t = malloc((size_t)(rows * depth) * sizeof *t);
  for (int64_t i = 0; t != NULL && i < rows * depth; i++) {
    t[i] = (float)((by_column ? i % depth : i) % period + 1) / (float)period;
  }
  return t;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int64_t queries = atoll(argv[1]), keys = atoll(argv[2]), depth = atoll(argv[3]);
  float *q = tensor(queries, depth, 1009, 0), *k = tensor(keys, depth, 997, 0);
  float *v = tensor(keys, depth, depth, 1), *out = tensor(queries, depth, 1, 0);
  if (!q || !k || !v || !out || !FUNCTION(is_tuned_attention)(1, queries, keys, depth, 0)) return 3;
  /* Each thread has scratch of its own. */
  FUNCTION(set_threads)(2);
  const long before = peak_kib();
  if (before < 0 || FUNCTION(attention)(1, queries, keys, depth, 0, q, k, v, out) != 0) return 4;
  const long after = peak_kib();
  for (int64_t i = 0; i < queries * depth; i++) {
    if (!(fabsf(out[i] - v[i % depth]) <= 1e-4f)) return 5;
  }
  printf("%ld\n", after - before);
  free(q), free(k), free(v), free(out);
  return 0;
}
