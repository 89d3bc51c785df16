// C[M, N] = A[M, K] * B[K, N], all row-major, with an optional epilogue (epilogue.h); packed=1: B
// is constant and laid out ahead.

#include <cmath>

#include "fmt/format.h"
#include "schedules/blocked_matmul.h"
#include "schedules/epilogue.h"
#include "schedules/knob_sets.h"
#include "schedules/op_io.h"
#include "schedules/operator.h"
#include "schedules/ops/operators.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::ImageParam;
using Halide::Var;

class Gemm final : public Operator {
 public:
  std::string name() const override { return "gemm"; }
  std::string shape_help() const override {
    return "MxNxK[,packed=1,bias=1,residual=1,act=relu|gelu]";
  }
  std::vector<AttributeSpec> attributes() const override {
    std::vector<AttributeSpec> all = EpilogueAttributes();
    all.insert(all.begin(), {kPackedAttribute, 0, 0, 1});
    return all;
  }
  std::vector<std::string> input_names() const override { return {"a", "b"}; }
  std::vector<std::string> dim_names() const override { return {"m", "n", "k"}; }

  absl::Status CheckShape(Workload& w) const override {
    return ExpectRank(w, {3}, "three sizes MxNxK, such as 512x512x512");
  }
  std::vector<BufferSpec> InputShapes(const Workload& w) const override {
    std::vector<BufferSpec> shapes = {{{M(w), K(w)}}, {{K(w), N(w)}}};
    for (BufferSpec& s : EpilogueShapes(EpilogueOf(w), OutputShape(w))) {
      shapes.push_back(std::move(s));
    }
    return shapes;
  }
  BufferSpec OutputShape(const Workload& w) const override { return {{M(w), N(w)}}; }

  SpaceDefinition Space(const Workload& w, const Device& device) const override {
    const MatmulSizes sizes = Sizes(w);
    SpaceDefinition def;
    def.version = 2;
    def.knobs = MatmulKnobs(sizes, device, {.b_ahead = Packed(w)});
    def.canonicalise = [sizes, knobs = def.knobs](const ConfigView& v, Config& c) {
      CanonicaliseMatmul(sizes, v, knobs, c);
    };
    def.why_invalid = [sizes, device](const ConfigView& v) {
      return WhyMatmulInvalid(sizes, device, v);
    };
    def.safe.assign(def.knobs.size(), 0);
    SetSafeMatmul(def.knobs, def.safe);
    return def;
  }

  Lowered Lower(const Workload& w, const Device&, const ConfigView& view) const override {
    ImageParam a(Halide::Float(32), 2, "a"), b(Halide::Float(32), 2, "b");
    const auto shapes = InputShapes(w);
    BindDense(a, shapes[0]);
    BindDense(b, shapes[1]);
    Lowered lowered{{}, {a, b}, {shapes[0], shapes[1]}, OutputShape(w)};
    const PanelsAhead ahead = [&](Func panels) {
      const ImageParam packed =
          PrepareAhead(panels, PanelShape(Sizes(w), view), b, 1, lowered.prepare);
      lowered.arguments[1] = packed;
      return packed;
    };
    const Epilogue epilogue = EpilogueOf(w);
    const EpilogueStage stage(epilogue, OutputShape(w), /*channel_dims=*/1, lowered);
    const StoredValue stored = [&](Expr value, Expr n, Expr m) { return stage(value, {n, m}); };
    lowered.output = Product(a, b, Extent(M(w)), Extent(N(w)), Extent(K(w)), view, ahead,
                             epilogue.empty() ? nullptr : stored);
    BindDense(lowered.output, OutputShape(w));
    return lowered;
  }

  Lowered LowerGeneric(const Device& device) const override {
    ImageParam a(Halide::Float(32), 2, "a"), b(Halide::Float(32), 2, "b");
    const ScheduleSpace space(Space(MakeWorkload(name(), "8x64x64", "f32").value(), device));
    Func out = Product(a, b, a.dim(1).extent(), b.dim(0).extent(), a.dim(0).extent(),
                       space.view(space.safe()));
    return {out, {a, b}, {}, {}};
  }

  Lowered LowerUnscheduled(const Workload& w) const override {
    ImageParam a(Halide::Float(32), 2, "a"), b(Halide::Float(32), 2, "b");
    const auto shapes = InputShapes(w);
    BindEstimates(a, shapes[0]);
    BindEstimates(b, shapes[1]);
    Var n("n"), m("m");
    Halide::RDom r(0, Extent(K(w)));
    Func prod("prod"), out("gemm");
    prod(n, m) += a(r, m) * b(n, r);
    Lowered lowered{out, {a, b}, {shapes[0], shapes[1]}, OutputShape(w)};
    const EpilogueStage stage(EpilogueOf(w), OutputShape(w), /*channel_dims=*/1, lowered,
                              EpilogueStage::Bounds::kEstimates);
    out(n, m) = stage(prod(n, m), {n, m});
    SetEstimates(out, OutputShape(w));
    return lowered;
  }

  double Flops(const Workload& w) const override {
    return 2.0 * M(w) * N(w) * K(w) + EpilogueFlops(EpilogueOf(w), OutputShape(w));
  }

  double Reference(const Workload& w, const InputReader& in, int64_t index) const override {
    const int64_t m = index / N(w), n = index % N(w);
    double sum = 0;
    for (int64_t k = 0; k < K(w); k++) sum += in(0, m * K(w) + k) * in(1, k * N(w) + n);
    return EpilogueReference(EpilogueOf(w), sum, in, /*first=*/2, n, index);
  }
  double Tolerance(const Workload& w) const override {
    return EpilogueTolerance(EpilogueOf(w), K(w));
  }

  // u^T (A B) v = (u^T A)(B v): the whole output checked in O(MK + KN).
  std::optional<double> Projection(const Workload& w, const InputReader& in,
                                   uint64_t seed) const override {
    const Epilogue epilogue = EpilogueOf(w);
    if (epilogue.activation != Activation::kNone) return std::nullopt;
    double sum = EpilogueProjection(epilogue, OutputShape(w), in, /*first=*/2, seed);
    for (int64_t k = 0; k < K(w); k++) {
      double ua = 0, bv = 0;
      for (int64_t m = 0; m < M(w); m++) ua += ProjectionSign(seed, 0, m) * in(0, m * K(w) + k);
      for (int64_t n = 0; n < N(w); n++) bv += in(1, k * N(w) + n) * ProjectionSign(seed, 1, n);
      sum += ua * bv;
    }
    return sum;
  }

  // Some rows of C: all of B is still packed once.
  ProbePlan Probe(const Workload& w, const Device&, const ConfigView& config) const override {
    const MatmulTile t = ReadMatmulTile(config);
    return RowProbe(w, /*dim=*/0, Flops(w), /*granule=*/t.reg_m * t.tile_m);
  }

 private:
  static int64_t M(const Workload& w) { return w.shape[0]; }
  static int64_t N(const Workload& w) { return w.shape[1]; }
  static int64_t K(const Workload& w) { return w.shape[2]; }
  static MatmulSizes Sizes(const Workload& w) { return {M(w), N(w), K(w)}; }
  static bool Packed(const Workload& w) { return w.attribute(kPackedAttribute) != 0; }

  static Func Product(ImageParam a, ImageParam b, Expr rows, Expr cols, Expr depth,
                      const ConfigView& view, const PanelsAhead& ahead = nullptr,
                      const StoredValue& stored_value = nullptr) {
    Var n("n"), m("m"), k("k"), tap("tap");
    Func a_read("a_read"), b_read("b_read");
    a_read(k, tap, m) = a(k, m);
    b_read(n, k, tap) = b(n, k);
    return ScheduleMatmul("gemm", a_read, b_read, {rows, cols, depth}, view, ahead, stored_value);
  }
};

}  // namespace

const Operator* GemmOperator() {
  static const Gemm op;
  return &op;
}

}  // namespace halyard
