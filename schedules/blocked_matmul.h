// The blocked matrix product shared by every operator that is one inside: C(n, m) = sum over k of
// A(k, m) * B(n, k), Halide order (first index innermost). After Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008: a register tile of reg_m rows x
// reg_n vectors, swept over a cache tile of tile_m x tile_n register tiles, operands optionally
// copied into panels in the order the register tile reads them. K may be split into parts that run
// in parallel and are added up, for outputs too small to feed every core; short K-blocks inside a
// part read B row by row in one stream, as a product of few rows (GEMV) wants it.
#pragma once

#include <Halide.h>

#include <functional>
#include <string>
#include <vector>

#include "schedules/schedule_space.h"
#include "targets/device.h"
#include "targets/run_protocol.h"

namespace halyard {

// Sizes of a product; `rows`, `cols`, `depth` are M, N, K.
struct MatmulSizes {
  int64_t rows, cols, depth;
  int64_t taps = 1;   // kernel positions of a convolution: the reduction is depth x taps
  int64_t batch = 1;  // products side by side, each with operands of its own
};

// Knobs vec, reg_m, reg_n, tile_m, tile_n, k_block, k_split, unroll_k, order, inner, pack_a,
// pack_b, parallel, tail.
// `b_ahead`: B is constant and laid out in panels ahead of the calls.
std::vector<Knob> MatmulKnobs(const MatmulSizes& sizes, const Device& device, bool b_ahead);

// Sets knobs of an idle choice to their first value.
void CanonicaliseMatmul(const MatmulSizes& sizes, const ConfigView& view,
                        const std::vector<Knob>& knobs, Config& config);

// Why `view` cannot be built, would spill its registers or overflow caches; empty when valid.
std::string WhyMatmulInvalid(const MatmulSizes& sizes, const Device& device,
                             const ConfigView& view);

// Makes def.safe, valid for any sizes: one small register tile, B packed (without an operating
// system only where it must be), no cache tiles. REQUIRES: the rest of `def`.
void SetSafeMatmul(const Device& device, SpaceDefinition& def);

// The register tile that a knob set describes, in elements.
struct MatmulTile {
  int vec, reg_m, reg_n, tile_m, tile_n, k_block, k_split, unroll_k;
  int cols() const { return vec * reg_n; }
};
MatmulTile ReadMatmulTile(const ConfigView& view);

// The extents of a product, as Exprs so that the same code serves shapes known only at run time.
// The reduction is `depth` x `taps` (a convolution reduces over channels and kernel positions).
struct MatmulExtents {
  Halide::Expr rows, cols, depth;
  Halide::Expr taps = 1;
  Halide::Expr batch = {};  // undefined: no batch
};

// Takes the panels of B, scheduled, out of the product and returns what to read instead.
using PanelsAhead = std::function<Halide::ImageParam(Halide::Func panels)>;
// Their extents: [column panel][tap][k][column in panel], in a batch [product] before them.
BufferSpec PanelShape(const MatmulSizes& sizes, const ConfigView& view, bool batched = false);

// What is stored of the product's element `value` at (n, m[, product]), which the product calls
// with coordinates inside its extents.
using StoredValue =
    std::function<Halide::Expr(Halide::Expr value, const std::vector<Halide::Expr>& at)>;

// What a caller adds to a product.
struct MatmulHooks {
  PanelsAhead ahead = nullptr;  // called where the config has B laid out ahead of the calls
  StoredValue stored = nullptr;
  // Where A is read in place: a Func (tap, m) that tells `a` where the rows are, computed for a
  // cache tile at a time.
  Halide::Func a_rows_at = {};
};

// Defines and schedules the product into a new output Func(n, m). `a` is a Func (k, tap, m), `b` a
// Func (n, k, tap); both must be safe to read inside the extents. In a batch all three have the
// product as one more, outermost dimension.
Halide::Func ScheduleMatmul(const std::string& name, Halide::Func a, Halide::Func b,
                            const MatmulExtents& extents, const ConfigView& view,
                            const MatmulHooks& hooks = {});

}  // namespace halyard
