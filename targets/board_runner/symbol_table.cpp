#include "targets/board_runner/symbol_table.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

// Every halide_* symbol of the runtime object, generated from it by llvm-nm when it is built.
#define HALYARD_SYMBOL(name) extern "C" char name[];
#include "halide_symbols.inc"
#undef HALYARD_SYMBOL

namespace halyard {
namespace {

// A kernel in plain C does not check malloc; without this its failure would look like a crash of
// the kernel's own.
void* MallocOrExit(size_t bytes) {
  void* p = std::malloc(bytes);
  if (p == nullptr) _exit(kExitOutOfMemory);
  return p;
}

template <typename Function>
void* Address(Function* f) {
  return reinterpret_cast<void*>(f);
}
void* F1(float (*f)(float)) { return Address(f); }
void* F2(float (*f)(float, float)) { return Address(f); }
void* D1(double (*f)(double)) { return Address(f); }
void* D2(double (*f)(double, double)) { return Address(f); }

using Table = std::unordered_map<std::string, void*>;

void AddMath(Table* t) {
  t->insert({
      {"expf", F1(::expf)},
      {"exp2f", F1(::exp2f)},
      {"logf", F1(::logf)},
      {"log2f", F1(::log2f)},
      {"log10f", F1(::log10f)},
      {"log1pf", F1(::log1pf)},
      {"expm1f", F1(::expm1f)},
      {"sinf", F1(::sinf)},
      {"cosf", F1(::cosf)},
      {"tanf", F1(::tanf)},
      {"asinf", F1(::asinf)},
      {"acosf", F1(::acosf)},
      {"atanf", F1(::atanf)},
      {"sinhf", F1(::sinhf)},
      {"coshf", F1(::coshf)},
      {"tanhf", F1(::tanhf)},
      {"asinhf", F1(::asinhf)},
      {"acoshf", F1(::acoshf)},
      {"atanhf", F1(::atanhf)},
      {"erff", F1(::erff)},
      {"sqrtf", F1(::sqrtf)},
      {"floorf", F1(::floorf)},
      {"ceilf", F1(::ceilf)},
      {"roundf", F1(::roundf)},
      {"truncf", F1(::truncf)},
      {"rintf", F1(::rintf)},
      {"nearbyintf", F1(::nearbyintf)},
      {"fabsf", F1(::fabsf)},
      {"powf", F2(::powf)},
      {"fmodf", F2(::fmodf)},
      {"atan2f", F2(::atan2f)},
      {"fminf", F2(::fminf)},
      {"fmaxf", F2(::fmaxf)},
      {"exp", D1(::exp)},
      {"exp2", D1(::exp2)},
      {"log", D1(::log)},
      {"log2", D1(::log2)},
      {"log10", D1(::log10)},
      {"log1p", D1(::log1p)},
      {"expm1", D1(::expm1)},
      {"sin", D1(::sin)},
      {"cos", D1(::cos)},
      {"tan", D1(::tan)},
      {"asin", D1(::asin)},
      {"acos", D1(::acos)},
      {"atan", D1(::atan)},
      {"sinh", D1(::sinh)},
      {"cosh", D1(::cosh)},
      {"tanh", D1(::tanh)},
      {"asinh", D1(::asinh)},
      {"acosh", D1(::acosh)},
      {"atanh", D1(::atanh)},
      {"erf", D1(::erf)},
      {"sqrt", D1(::sqrt)},
      {"floor", D1(::floor)},
      {"ceil", D1(::ceil)},
      {"round", D1(::round)},
      {"trunc", D1(::trunc)},
      {"rint", D1(::rint)},
      {"nearbyint", D1(::nearbyint)},
      {"fabs", D1(::fabs)},
      {"pow", D2(::pow)},
      {"fmod", D2(::fmod)},
      {"atan2", D2(::atan2)},
      {"fmin", D2(::fmin)},
      {"fmax", D2(::fmax)},
      {"fmaf", Address(static_cast<float (*)(float, float, float)>(::fmaf))},
      {"fma", Address(static_cast<double (*)(double, double, double)>(::fma))},
  });
}

Table BuildTable() {
  Table t = {
      {"memcpy", Address(::memcpy)},     {"memmove", Address(::memmove)},
      {"memset", Address(::memset)},     {"memcmp", Address(::memcmp)},
      {"malloc", Address(MallocOrExit)}, {"free", Address(::free)},
      {"abort", Address(::abort)},
  };
  AddMath(&t);
#define HALYARD_SYMBOL(name) t.emplace(#name, name);
#include "halide_symbols.inc"
#undef HALYARD_SYMBOL
  return t;
}

}  // namespace

void* ResolveSymbol(const std::string& name) {
  static const Table table = BuildTable();
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace halyard
