// gemm: C[M, N] = A[M, K] * B[K, N], all row-major, with an optional epilogue (epilogue.h);
// packed=1: B is constant and laid out ahead. batch_gemm: C[B, M, N], B such products, each with
// matrices of its own (but one bias).

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
  explicit Gemm(bool batched) : batched_(batched) {}

  std::string name() const override { return batched_ ? "batch_gemm" : "gemm"; }
  std::string shape_help() const override {
    return fmt::format("{}MxNxK[,packed=1,bias=1,residual=1,act=relu|gelu]", batched_ ? "Bx" : "");
  }
  std::vector<AttributeSpec> attributes() const override {
    std::vector<AttributeSpec> all = EpilogueAttributes();
    all.insert(all.begin(), {kPackedAttribute, 0, 0, 1});
    return all;
  }
  std::vector<std::string> input_names() const override { return {"a", "b"}; }
  std::vector<std::string> dim_names() const override {
    if (batched_) return {"batch", "m", "n", "k"};
    return {"m", "n", "k"};
  }

  absl::Status CheckShape(Workload& w) const override {
    if (batched_) return ExpectRank(w, {4}, "four sizes BxMxNxK, such as 12x128x128x64");
    return ExpectRank(w, {3}, "three sizes MxNxK, such as 512x512x512");
  }
  std::vector<BufferSpec> InputShapes(const Workload& w) const override {
    const MatmulSizes s = Sizes(w);
    std::vector<BufferSpec> shapes = {InBatch(w, s.rows, s.depth), InBatch(w, s.depth, s.cols)};
    for (BufferSpec& e : EpilogueShapes(EpilogueOf(w), OutputShape(w))) {
      shapes.push_back(std::move(e));
    }
    return shapes;
  }
  BufferSpec OutputShape(const Workload& w) const override {
    const MatmulSizes s = Sizes(w);
    return InBatch(w, s.rows, s.cols);
  }

  SpaceDefinition Space(const Workload& w, const Device& device) const override {
    const MatmulSizes sizes = Sizes(w);
    SpaceDefinition def;
    def.version = batched_ ? 1 : 2;
    def.knobs = MatmulKnobs(sizes, device, Packed(w));
    def.canonicalise = [sizes, knobs = def.knobs](const ConfigView& v, Config& c) {
      CanonicaliseMatmul(sizes, v, knobs, c);
    };
    def.why_invalid = [sizes, device](const ConfigView& v) {
      return WhyMatmulInvalid(sizes, device, v);
    };
    SetSafeMatmul(device, def);
    return def;
  }

  Lowered Lower(const Workload& w, const Device&, const ConfigView& view) const override {
    ImageParam a = Matrix("a"), b = Matrix("b");
    const MatmulSizes s = Sizes(w);
    const auto shapes = InputShapes(w);
    BindDense(a, shapes[0]);
    BindDense(b, shapes[1]);
    Lowered lowered{{}, {a, b}, {shapes[0], shapes[1]}, OutputShape(w)};
    const PanelsAhead ahead = [&](Func panels) {
      const ImageParam packed =
          PrepareAhead(panels, PanelShape(s, view, batched_), b, 1, lowered.prepare);
      lowered.arguments[1] = packed;
      return packed;
    };
    const Epilogue epilogue = EpilogueOf(w);
    const EpilogueStage stage(epilogue, OutputShape(w), /*channel_dims=*/1, lowered);
    MatmulExtents extents{Extent(s.rows), Extent(s.cols), Extent(s.depth)};
    if (batched_) extents.batch = Extent(s.batch);
    lowered.output =
        Product(a, b, extents, view, {ahead, epilogue.empty() ? nullptr : StoredValue(stage)});
    BindDense(lowered.output, OutputShape(w));
    return lowered;
  }

  Lowered LowerGeneric(const Device& device) const override {
    ImageParam a = Matrix("a"), b = Matrix("b");
    const char* any = batched_ ? "2x8x64x64" : "8x64x64";
    const ScheduleSpace space(Space(MakeWorkload(name(), any, "f32").value(), device));
    MatmulExtents extents{a.dim(1).extent(), b.dim(0).extent(), a.dim(0).extent()};
    if (batched_) extents.batch = a.dim(2).extent();
    return {Product(a, b, extents, space.view(space.safe())), {a, b}, {}, {}};
  }

  Lowered LowerUnscheduled(const Workload& w) const override {
    ImageParam a = Matrix("a"), b = Matrix("b");
    const auto shapes = InputShapes(w);
    BindEstimates(a, shapes[0]);
    BindEstimates(b, shapes[1]);
    Var n("n"), m("m"), product("product");
    Halide::RDom r(0, Extent(Sizes(w).depth));
    const auto at = [&](Expr first, Expr second) {
      std::vector<Expr> all = {first, second};
      if (batched_) all.push_back(product);
      return all;
    };
    std::vector<Var> indices = {n, m};
    if (batched_) indices.push_back(product);
    Func prod("prod"), out("gemm");
    prod(indices) += a(at(r, m)) * b(at(n, r));
    Lowered lowered{out, {a, b}, {shapes[0], shapes[1]}, OutputShape(w)};
    const EpilogueStage stage(EpilogueOf(w), OutputShape(w), /*channel_dims=*/1, lowered,
                              EpilogueStage::Bounds::kEstimates);
    out(indices) = stage(prod(indices), at(n, m));
    SetEstimates(out, OutputShape(w));
    return lowered;
  }

  double Flops(const Workload& w) const override {
    const MatmulSizes s = Sizes(w);
    return 2.0 * s.batch * s.rows * s.cols * s.depth + EpilogueFlops(EpilogueOf(w), OutputShape(w));
  }

  double Reference(const Workload& w, const InputReader& in, int64_t index) const override {
    const MatmulSizes s = Sizes(w);
    const int64_t n = index % s.cols, row = index / s.cols;  // of all products' rows
    const int64_t first_b = row / s.rows * s.depth;          // of all products' rows of B
    double sum = 0;
    for (int64_t k = 0; k < s.depth; k++) {
      sum += in(0, row * s.depth + k) * in(1, (first_b + k) * s.cols + n);
    }
    return EpilogueReference(EpilogueOf(w), sum, in, /*first=*/2, n, index);
  }
  double Tolerance(const Workload& w) const override {
    return EpilogueTolerance(EpilogueOf(w), Sizes(w).depth);
  }

  // u^T (A B) v = (u^T A)(B v): the whole output checked in O(MK + KN).
  std::optional<double> Projection(const Workload& w, const InputReader& in,
                                   uint64_t seed) const override {
    const Epilogue epilogue = EpilogueOf(w);
    if (epilogue.activation != Activation::kNone) return std::nullopt;
    const MatmulSizes s = Sizes(w);
    const int m_dim = batched_ ? 1 : 0, n_dim = m_dim + 1;
    double sum = EpilogueProjection(epilogue, OutputShape(w), in, /*first=*/2, seed);
    for (int64_t product = 0; product < s.batch; product++) {
      const double sign = batched_ ? ProjectionSign(seed, 0, product) : 1;
      for (int64_t k = 0; k < s.depth; k++) {
        double ua = 0, bv = 0;
        for (int64_t m = 0; m < s.rows; m++) {
          ua += ProjectionSign(seed, m_dim, m) * in(0, (product * s.rows + m) * s.depth + k);
        }
        for (int64_t n = 0; n < s.cols; n++) {
          bv += in(1, (product * s.depth + k) * s.cols + n) * ProjectionSign(seed, n_dim, n);
        }
        sum += sign * ua * bv;
      }
    }
    return sum;
  }

  // Some rows of C: all of B is still packed once. Of a batch as many products as there are cores,
  // which the parallel loop shares out.
  ProbePlan Probe(const Workload& w, const Device& device,
                  const ConfigView& config) const override {
    const MatmulTile t = ReadMatmulTile(config);
    if (!batched_) return RowProbe(w, /*dim=*/0, Flops(w), /*granule=*/t.reg_m * t.tile_m);
    Workload some = w;
    some.shape[0] = std::min<int64_t>(w.shape[0], device.cores);
    ProbePlan plan = RowProbe(some, /*dim=*/1, Flops(some), /*granule=*/t.reg_m * t.tile_m);
    plan.repeat = static_cast<double>(w.shape[0]) / static_cast<double>(some.shape[0]);
    return plan;
  }

 private:
  MatmulSizes Sizes(const Workload& w) const {
    const int64_t* of = w.shape.data() + (batched_ ? 1 : 0);
    return {of[0], of[1], of[2], /*taps=*/1, batched_ ? w.shape[0] : 1};
  }
  BufferSpec InBatch(const Workload& w, int64_t rows, int64_t cols) const {
    if (batched_) return {{w.shape[0], rows, cols}};
    return {{rows, cols}};
  }
  static bool Packed(const Workload& w) { return w.attribute(kPackedAttribute) != 0; }
  ImageParam Matrix(const char* name) const {
    return ImageParam(Halide::Float(32), batched_ ? 3 : 2, name);
  }

  Func Product(ImageParam a, ImageParam b, const MatmulExtents& extents, const ConfigView& view,
               const MatmulHooks& hooks = {}) const {
    Var n("n"), m("m"), k("k"), tap("tap"), product("product");
    const auto in_batch = [&](auto indices) {
      if (batched_) indices.push_back(product);
      return indices;
    };
    using Vars = std::vector<Var>;
    using Exprs = std::vector<Expr>;
    Func a_read("a_read"), b_read("b_read");
    a_read(in_batch(Vars{k, tap, m})) = a(in_batch(Exprs{k, m}));
    b_read(in_batch(Vars{n, k, tap})) = b(in_batch(Exprs{n, k}));
    return ScheduleMatmul(name(), a_read, b_read, extents, view, hooks);
  }

  bool batched_;
};

}  // namespace

const Operator* GemmOperator() {
  static const Gemm op(/*batched=*/false);
  return &op;
}

const Operator* BatchGemmOperator() {
  static const Gemm op(/*batched=*/true);
  return &op;
}

}  // namespace halyard
