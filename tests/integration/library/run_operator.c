/* Calls a library's functions as told on stdin and prints what came back, so that one test judges
 * every platform. Compiled with -DLIBRARY=<name> and -DLIBRARY_HEADER="<name>.h".
 *
 * Every tensor ends where an inaccessible page begins: a kernel that reads or writes past the end
 * ends this program with a signal. */
#define _GNU_SOURCE
#include LIBRARY_HEADER

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define FUNCTION(name) PASTE(LIBRARY, name)

#define MAX_TENSORS 6

enum operator{ GEMM, BATCH_GEMM, CONV2D, SOFTMAX, ATTENTION };

struct request {
  int32_t op;        /* enum operator */
  int32_t null_mask; /* bit i: tensor i is passed as NULL */
  int64_t packed;    /* 1: the operator's packed functions, tensor 1 packed by them */
  int64_t fused;     /* 1: its functions with an epilogue */
  int64_t activation, bias, residual;
  int64_t counted;   /* 1: parallel loops run here, their iterations counted; 0: on threads */
  int64_t sizes[11]; /* as the function takes them */
  int64_t counts[MAX_TENSORS]; /* elements of inputs, then the output; 0 after the last */
};

struct tensor {
  char* map;
  size_t bytes;
  float* data;
};

static struct tensor make(int64_t elements) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t bytes = (size_t)elements * sizeof(float);
  struct tensor t;
  t.bytes = (bytes + page - 1) / page * page + page;
  t.map = mmap(NULL, t.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (t.map == MAP_FAILED || mprotect(t.map + t.bytes - page, page, PROT_NONE) != 0) _exit(3);
  t.data = (float*)(t.map + t.bytes - page - bytes);
  return t;
}

static int32_t iterations; /* of the call's loops, packing's not */

static void count_loop(void* context, int n, void (*body)(void*, int), void* body_context) {
  (void)context;
  iterations += n;
  for (int i = 0; i < n; i++) body(body_context, i);
}

#define GEMM_SIZES(s) s[0], s[1], s[2]
#define BATCH_GEMM_SIZES(s) s[0], s[1], s[2], s[3]
#define CONV_SIZES(s) s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10]

/* The function `before``operator``after` of a product, of its sizes and of what more is given. */
#define PRODUCT(r, before, after, ...)                                                    \
  ((r)->op == GEMM ? FUNCTION(before##gemm##after)(GEMM_SIZES((r)->sizes), ##__VA_ARGS__) \
   : (r)->op == BATCH_GEMM                                                                \
       ? FUNCTION(before##batch_gemm##after)(BATCH_GEMM_SIZES((r)->sizes), ##__VA_ARGS__) \
       : FUNCTION(before##conv2d##after)(CONV_SIZES((r)->sizes), ##__VA_ARGS__))

static int call(const struct request* r, float* const* p) {
  const int64_t* s = r->sizes;
  switch (r->op) {
    case SOFTMAX:
      return FUNCTION(softmax)(s[0], s[1], p[0], p[1]);
    case ATTENTION:
      return FUNCTION(attention)(s[0], s[1], s[2], s[3], s[4], p[0], p[1], p[2], p[3]);
    default:
      return PRODUCT(r, , , p[0], p[1], p[2]);
  }
}

/* Tensors of a call with an epilogue; without a bias or a residual that is NULL. */
struct epilogue {
  float *bias, *residual, *out;
};

static struct epilogue epilogue_of(const struct request* r, float* const* p) {
  struct epilogue e = {NULL, NULL, NULL};
  int next = 2;
  if (r->bias) e.bias = p[next++];
  if (r->residual) e.residual = p[next++];
  e.out = p[next];
  return e;
}

static int call_fused(const struct request* r, float* const* p) {
  const struct epilogue e = epilogue_of(r, p);
  return PRODUCT(r, , _fused, (int)r->activation, p[0], p[1], e.bias, e.residual, e.out);
}

#define EPILOGUE_SIZES(r) (int)(r)->activation, (int)(r)->bias, (int)(r)->residual

/* Packs, then calls with what was packed. A NULL mask is of the call; packing gets good pointers.
 */
static int call_fused_packed(const struct request* r, float* const* p, const float* constant) {
  const struct epilogue e = epilogue_of(r, p);
  int64_t floats = 0;
  int status = PRODUCT(r, , _fused_packed_floats, EPILOGUE_SIZES(r), &floats);
  if (status != 0) return status;
  struct tensor packed = make(floats);
  memset(packed.data, 0xff, (size_t)floats * sizeof(float));
  status = PRODUCT(r, , _fused_pack, EPILOGUE_SIZES(r), constant, packed.data);
  iterations = 0;
  float* const given = p[1] != NULL ? packed.data : NULL;
  if (status == 0) {
    status =
        PRODUCT(r, , _fused_packed, (int)r->activation, p[0], given, e.bias, e.residual, e.out);
  }
  munmap(packed.map, packed.bytes);
  return status;
}

static int call_packed(const struct request* r, float* const* p, const float* constant) {
  int64_t floats = 0;
  int status = PRODUCT(r, , _packed_floats, &floats);
  if (status != 0) return status;
  struct tensor packed = make(floats);
  memset(packed.data, 0xff, (size_t)floats * sizeof(float));
  status = PRODUCT(r, , _pack, constant, packed.data);
  iterations = 0;
  float* const given = p[1] != NULL ? packed.data : NULL;
  if (status == 0) status = PRODUCT(r, , _packed, p[0], given, p[2]);
  munmap(packed.map, packed.bytes);
  return status;
}

static int is_tuned_fused(const struct request* r) {
  if (r->packed) return PRODUCT(r, is_tuned_, _fused_packed, EPILOGUE_SIZES(r));
  return PRODUCT(r, is_tuned_, _fused, EPILOGUE_SIZES(r));
}

static int is_tuned(const struct request* r) {
  const int64_t* s = r->sizes;
  if (r->fused) return is_tuned_fused(r);
  if (r->packed) return PRODUCT(r, is_tuned_, _packed);
  switch (r->op) {
    case SOFTMAX:
      return FUNCTION(is_tuned_softmax)(s[0], s[1]);
    case ATTENTION:
      return FUNCTION(is_tuned_attention)(s[0], s[1], s[2], s[3], s[4]);
    default:
      return PRODUCT(r, is_tuned_, );
  }
}

static int answer_of(const struct request* r, float* const* p, const float* constant) {
  if (r->fused) return r->packed ? call_fused_packed(r, p, constant) : call_fused(r, p);
  return r->packed ? call_packed(r, p, constant) : call(r, p);
}

int main(void) {
  struct request r;
  FUNCTION(set_threads)(2);
  while (fread(&r, sizeof r, 1, stdin) == 1) {
    struct tensor tensors[MAX_TENSORS];
    float* pointers[MAX_TENSORS] = {NULL};
    int count = 0;
    while (count < MAX_TENSORS && r.counts[count] > 0) count++;
    for (int i = 0; i < count; i++) {
      const size_t elements = (size_t)r.counts[i];
      tensors[i] = make(r.counts[i]);
      if (i + 1 < count) {
        if (fread(tensors[i].data, sizeof(float), elements, stdin) != elements) return 4;
      } else {
        memset(tensors[i].data, 0xff, elements * sizeof(float)); /* NaN */
      }
      if (!(r.null_mask >> i & 1)) pointers[i] = tensors[i].data;
    }
    FUNCTION(set_parallel_for)(r.counted ? count_loop : NULL, NULL);
    iterations = 0;
    const int status = answer_of(&r, pointers, count > 1 ? tensors[1].data : NULL);
    const int32_t answer[3] = {status, is_tuned(&r), iterations};
    fwrite(answer, sizeof answer, 1, stdout);
    if (count > 0) {
      fwrite(tensors[count - 1].data, sizeof(float), (size_t)r.counts[count - 1], stdout);
    }
    for (int i = 0; i < count; i++) munmap(tensors[i].map, tensors[i].bytes);
  }
  return 0;
}
