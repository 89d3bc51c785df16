// OpenBLAS and BLIS. Both export the same C interface, so each is opened by itself.
#include <dlfcn.h>

#include <cstdio>

#include "contender.h"
#include "schedules/epilogue.h"

namespace halyard {
namespace {

constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;

struct Blas {
  const char* name;
  void (*sgemm)(int, int, int, int, int, int, float, const float*, int, const float*, int, float,
                float*, int);
  void (*sgemv)(int, int, int, int, float, const float*, int, const float*, int, float, float*,
                int);
};

std::vector<Blas> OpenAll() {
  std::vector<Blas> all;
  for (const auto& [name, path] :
       {std::pair{"OpenBLAS", HALYARD_OPENBLAS}, std::pair{"BLIS", HALYARD_BLIS}}) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      std::fprintf(stderr, "%s: %s\n", name, dlerror());
      continue;
    }
    Blas b{name, nullptr, nullptr};
    b.sgemm = reinterpret_cast<decltype(b.sgemm)>(dlsym(library, "cblas_sgemm"));
    b.sgemv = reinterpret_cast<decltype(b.sgemv)>(dlsym(library, "cblas_sgemv"));
    all.push_back(b);
  }
  return all;
}

// The products that the workload is, if it is nothing more: a convolution with a kernel of one
// pixel too.
bool ProductOf(const Workload& w, int& batch, int& m, int& n, int& k) {
  if (!EpilogueOf(w).empty()) return false;
  const auto at = [&](int i) { return static_cast<int>(w.shape[i]); };
  batch = 1;
  if (w.op == "gemm" || w.op == "batch_gemm") {
    const int first = w.op == "gemm" ? 0 : 1;
    m = at(first), n = at(first + 1), k = at(first + 2);
    if (w.op == "batch_gemm") batch = at(0);
    return true;
  }
  if (w.op != "conv2d" || at(5) != 1 || at(6) != 1) return false;
  if (w.attribute("stride") != 1 || w.attribute("pad") != 0 || w.attribute("groups") != 1) {
    return false;
  }
  m = at(0) * at(1) * at(2), n = at(4), k = at(3);
  return true;
}

}  // namespace

void AddBlas(Problem& p, std::vector<Contender>& contenders) {
  static const std::vector<Blas> all = OpenAll();
  int batch, m, n, k;
  if (!ProductOf(p.workload, batch, m, n, k)) return;
  const float *a = p.inputs[0].data(), *b = p.inputs[1].data();
  float* c = p.output.data();
  auto answer = [&p] { return p.output; };
  for (const Blas& blas : all) {
    contenders.push_back({blas.name, false,
                          [=] {
                            // Neither has a call for a batch in the C interface that both share.
                            for (int64_t i = 0; i < batch; i++) {
                              blas.sgemm(kRowMajor, kNoTrans, kNoTrans, m, n, k, 1, a + i * m * k,
                                         k, b + i * k * n, n, 0, c + i * m * n, n);
                            }
                          },
                          answer});
    if (m != 1 || batch != 1) continue;
    contenders.push_back({std::string(blas.name) + " gemv", false,
                          [=] { blas.sgemv(kRowMajor, kTrans, k, n, 1, b, n, a, 1, 0, c, 1); },
                          answer});
  }
}

}  // namespace halyard
