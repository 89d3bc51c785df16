// Features of the loop nest that a config describes, derived from knobs by their conventional names
// and from the operator's dimension names.
//
// Product (dimensions m n k; or co ci kh kw: a convolution is a product of output pixels by output
// channels), knobs vec (lanes), reg_m x reg_n (register tile: rows x vectors), tile_m x tile_n
// (cache tile in register tiles), k_block (0: the whole reduction), k_split (parts of it that run
// in parallel), unroll_k, order, parallel, grain; with the form `winograd` its output tile of that
// name. Attention (dimensions queries keys depth, optionally heads), knobs vec, m x l (queries x
// keys of a block; l counts in the form `chunked`, the others take all keys), lanes, s_lane x s_row
// and o_lane x o_row (register tiles of scores and output: vectors x rows), grain.
//
// Columns, each present only where the knobs, extents and caches it needs are:
//   loop.native_vectors            vec / lanes of the device
//   loop.accumulators              reg_m * reg_n in registers / vector registers
//   loop.fma_per_load              reg_m * reg_n / (reg_m + reg_n)
//   loop.unrolled_fmas             log2(reg_m * reg_n * unroll_k)
//   loop.reuse                     log2 of cache-tile FLOPs per byte of its operands
//   loop.tile_over_cache<L>        log2(operands + result of a cache tile / bytes of level L)
//   loop.a_tile_over_cache2, loop.b_tile_over_last, loop.b_panel_over_cache1,
//   loop.c_tile_over_cache1        the same for one operand
//   loop.waste.<dim>.<tile>        roundup(dim, tile) / dim - 1
//   loop.trips_m, loop.trips_n     log2 of the number of cache tiles along a dimension
//   loop.tasks, loop.imbalance     log2 of parallel tasks; time lost in the last round of tasks,
//                                  relative to an even share
//   loop.s_accumulators, loop.o_accumulators, loop.s_fma_per_load, loop.o_fma_per_load
//                                  as above for the two register tiles of attention
//   loop.chunks                    log2 of the number of key chunks
//   loop.scores_over_cache<L>      log2(score block / bytes of level L)
//   loop.rows_over_cache<L>        log2(block of rows / bytes of level L)
//   loop.kv_over_cache<L>          log2(keys and values of a block / bytes of level L)
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "schedules/task.h"

namespace halyard {

// A config's knob values under their conventional names; 0 where the space has no such knob.
struct LoopValues {
  double vec = 0, reg_m = 0, reg_n = 0, tile_m = 0, tile_n = 0, k_block = 0, unroll_k = 0;
  double k_split = 1, winograd = 0;
  double m = 0, l = 0, s_lane = 0, s_row = 0, o_lane = 0, o_row = 0, grain = 0;
  double rows = 0, partials = 0, block = 0;
  // Choices: 1 where the label is the one of the name (direct: 2 for winograd, which slides over
  // the output as direct does, in tiles), and how many cache loops run in parallel.
  double n_outer = 0, direct = 0, chunked = 0, lanes_keys = 0, parallel_loops = 0;
  // Derived: extents of the register and the cache tile in elements, depth of one K block.
  double cols_reg = 0, rows_tile = 0, cols_tile = 0, k_depth = 0;
  double unit = 1;  // pixels along each side that one row of the product stands for
  // Derived: keys of an attention block, elements of its register tiles.
  double chunk = 0, score_keys = 0, out_depth = 0;
};

// Thread-safe; keeps nothing of the task.
class LoopFeatures {
 public:
  explicit LoopFeatures(const Task& task);
  const std::vector<std::string>& names() const { return names_; }
  // Writes names().size() floats.
  void Write(const Config& config, float* out) const;

 private:
  using Term = std::function<double(const LoopValues&)>;
  // Where a member of LoopValues is read from: its value for each choice of the knob.
  struct Source {
    std::string name;
    size_t knob;
    double LoopValues::*member;
    std::vector<double> values;
  };
  // Extents of the loops, 0 where the workload has no such loop.
  struct Extents {
    double rows = 0, cols = 0, depth = 0;                   // a product
    double groups = 1;                                      // products side by side
    double images = 0, image_rows = 0, row_pixels = 0;      // a convolution's output
    double vectors = 0, length = 0;                         // independent rows and their length
    double heads = 0, queries = 0, keys = 0, head_dim = 0;  // attention
  };

  static Extents ReadExtents(const Task& task);
  void ReadSources(const std::vector<Knob>& knobs);
  void ReadChoice(const Knob& knob, size_t position);
  bool Has(const char* knob) const;
  LoopValues Values(const Config& config) const;
  // Adds a column when all of `knobs` exist.
  void Add(std::string name, std::initializer_list<const char*> knobs, Term term);
  void AddProduct(const Device& device);
  void AddProductTile(const Device& device);
  void AddProductTasks(const Device& device);
  void AddAttention(const Device& device);
  void AddRows(const Device& device);

  Extents extents_;
  std::vector<Source> sources_;
  std::vector<std::string> names_;
  std::vector<Term> terms_;
};

}  // namespace halyard
