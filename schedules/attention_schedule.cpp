#include "schedules/attention_schedule.h"

#include <cmath>

#include "schedules/attention_tiles.h"
#include "schedules/exp2.h"
#include "schedules/knob_sets.h"
#include "schedules/op_io.h"

namespace halyard {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::ImageParam;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

// One attention pipeline under construction. Intermediate Funcs have dimensions (x, s, c, h): key
// within its chunk or depth, query, chunk, head.
class Builder {
 public:
  Builder(ImageParam q, ImageParam k, ImageParam v, const AttentionSizes& sizes,
          const AttentionTiles& tiles)
      : in_q_(q), in_k_(k), in_v_(v), sizes_(sizes), t_(tiles) {}

  Func Build() {
    DefineScores();
    DefineWeights();
    DefineMixed();
    DefineOutput();
    ScheduleOutput();
    ScheduleScores();
    ScheduleRowReduction(largest_, largest_row_, largest_part_, r_largest_, r_largest_row_);
    ScheduleWeights();
    ScheduleRowReduction(total_, total_row_, total_part_, r_total_, r_total_row_);
    ScheduleMixed();
    return out_;
  }

 private:
  bool keys_ragged() const { return int64_t{t_.chunk} * t_.chunks != sizes_.keys; }
  // Keys past the end read the last one; their weight is zero.
  Expr KeyIndex(Expr key) const {
    return keys_ragged() ? Halide::min(Halide::likely(key), Extent(sizes_.keys - 1)) : key;
  }

  void DefineScores() {
    // Scale and the change of base of the exponential go into Q, once.
    const float scale = kLog2E / std::sqrt(static_cast<float>(sizes_.depth));
    // Blocks are computed whole: rows past the end repeat the last one and are never stored.
    const Expr row = Halide::min(Halide::likely(s_), Extent(sizes_.queries - 1));
    q_rows_(d_, s_, h_) = in_q_(d_, row, h_) * scale;
    q_(d_, s_, h_) = q_rows_(d_, s_, h_);
    // K in panels of a score tile's keys, each [d][key]: the tile reads it as one stream. Rows of
    // the whole head side by side would lie a power of two apart and fall into the same cache sets.
    k_rows_(d_, key_, h_) = in_k_(d_, KeyIndex(key_), h_);
    k_(key_, d_, panel_, h_) = k_rows_(d_, panel_ * t_.score_keys + key_, h_);
    auto k_at = [&](Expr key, Expr d) {
      const Expr panel = c_ * (t_.chunk / t_.score_keys) + key / t_.score_keys;
      return t_.lanes_keys ? k_(key % t_.score_keys, d, panel, h_)
                           : in_k_(d, KeyIndex(c_ * t_.chunk + key), h_);
    };
    r_depth_ = RDom(0, Extent(sizes_.depth), "r_depth");
    score_acc_(key_, s_, c_, h_) = 0.0f;
    score_acc_(key_, s_, c_, h_) += q_(r_depth_, s_, h_) * k_at(key_, r_depth_);
    const Expr key = c_ * t_.chunk + key_;
    // Masks are added, not selected: a select's condition would enter the bounds of what it guards.
    Expr masked = score_acc_(key_, s_, c_, h_);
    if (keys_ragged()) masked += Halide::select(key < Extent(sizes_.keys), 0.0f, kMaskedScore);
    if (sizes_.causal) {
      const Expr offset = Extent(sizes_.keys - sizes_.queries);
      masked += Halide::select(key <= s_ + offset, 0.0f, kMaskedScore);
    }
    score_(key_, s_, c_, h_) = masked;
  }

  // Maxima and sums of a row in `score_keys` partial results first: independent chains, since one
  // chain of max or add is bound by its latency (4 cycles on current cores).
  void DefineWeights() {
    const int width = t_.score_keys;
    r_largest_ = RDom(0, t_.chunk / width, "r_largest");
    r_largest_row_ = RDom(0, width, "r_largest_row");
    largest_part_(j_, s_, c_, h_) = kMaskedScore;
    largest_part_(j_, s_, c_, h_) =
        Halide::max(largest_part_(j_, s_, c_, h_), score_(r_largest_ * width + j_, s_, c_, h_));
    largest_row_(s_, c_, h_) = kMaskedScore;
    largest_row_(s_, c_, h_) =
        Halide::max(largest_row_(s_, c_, h_), largest_part_(r_largest_row_, s_, c_, h_));
    largest_(s_, c_, h_) = largest_row_(s_, c_, h_);

    weight_(key_, s_, c_, h_) = Exp2NonPositive(score_(key_, s_, c_, h_) - largest_(s_, c_, h_));

    r_total_ = RDom(0, t_.chunk / width, "r_total");
    r_total_row_ = RDom(0, width, "r_total_row");
    total_part_(j_, s_, c_, h_) = 0.0f;
    total_part_(j_, s_, c_, h_) += weight_(r_total_ * width + j_, s_, c_, h_);
    total_row_(s_, c_, h_) = 0.0f;
    total_row_(s_, c_, h_) += total_part_(r_total_row_, s_, c_, h_);
    total_(s_, c_, h_) = total_row_(s_, c_, h_);
  }

  void DefineMixed() {
    r_keys_ = RDom(0, t_.chunk, "r_keys");
    const Expr d = t_.depth_padded != sizes_.depth
                       ? Halide::min(Halide::likely(d_), Extent(sizes_.depth - 1))
                       : Expr(d_);
    v_(d_, key_, c_, h_) = in_v_(d, KeyIndex(c_ * t_.chunk + key_), h_);
    mixed_acc_(d_, s_, c_, h_) = 0.0f;
    mixed_acc_(d_, s_, c_, h_) += weight_(r_keys_, s_, c_, h_) * v_(d_, r_keys_, c_, h_);
    mixed_(d_, s_, c_, h_) = mixed_acc_(d_, s_, c_, h_);
  }

  void DefineOutput() {
    if (!t_.chunked) {
      divided_(d_, s_, h_) = mixed_(d_, s_, 0, h_) / total_(s_, 0, h_);
      out_(d_, s_, h_) = divided_(d_, s_, h_);
      return;
    }
    // One Func whose loop over chunks everything of a chunk is computed in.
    part_(d_, s_, c_, h_) =
        Halide::Tuple(mixed_(d_, s_, c_, h_), total_(s_, c_, h_), largest_(s_, c_, h_));
    r_chunks_ = RDom(0, t_.chunks, "r_chunks");
    if (sizes_.causal) {
      // Chunks that no query of the block sees are not computed; one and the same for all of the
      // block, so that lanes along queries agree.
      const Expr last = s_ / t_.m * t_.m + (t_.m - 1) + Extent(sizes_.keys - sizes_.queries);
      r_chunks_.where(r_chunks_ * t_.chunk <= last);
    }
    overall_(s_, h_) = kMaskedScore;
    overall_(s_, h_) = Halide::max(overall_(s_, h_), part_(0, s_, r_chunks_, h_)[2]);
    rescale_(c_, s_, h_) = Exp2NonPositive(part_(0, s_, c_, h_)[2] - overall_(s_, h_));
    sum_(s_, h_) += part_(0, s_, r_chunks_, h_)[1] * rescale_(r_chunks_, s_, h_);
    joined_(d_, s_, h_) += part_(d_, s_, r_chunks_, h_)[0] * rescale_(r_chunks_, s_, h_);
    divided_(d_, s_, h_) = joined_(d_, s_, h_) / sum_(s_, h_);
    out_(d_, s_, h_) = divided_(d_, s_, h_);
  }

  // Along lanes: queries where those are the lanes, otherwise keys or depth.
  Var lane(Var x) const { return t_.lanes_keys ? x : s_; }
  Var row(Var x) const { return t_.lanes_keys ? s_ : x; }

  void ScheduleOutput() {
    out_.bound(d_, 0, Extent(sizes_.depth));
    out_.split(s_, so_, si_, t_.m, TailStrategy::GuardWithIf);
    if (transposes()) {
      // What lies along queries goes out along the depth, through registers.
      Var s_o("s_o"), s_i("s_i"), d_o("d_o"), d_i("d_i");
      out_.split(si_, s_o, s_i, kBlock).split(d_, d_o, d_i, kBlock);
      out_.reorder({d_i, s_i, d_o, s_o, so_, h_}).vectorize(d_i).unroll(s_i);
      divided_.compute_at(out_, d_o).bound_extent(d_, kBlock).bound_extent(s_, kBlock);
      divided_.reorder_storage(s_, d_).reorder(s_, d_).vectorize(s_).unroll(d_);
    } else {
      out_.reorder(d_, si_, so_, h_);
      out_.vectorize(d_, std::min<int>(t_.vec, 16), TailStrategy::GuardWithIf);
    }
    if (!t_.unfused) out_.fuse(so_, h_, task_);
    if (t_.unfused) {
      out_.parallel(parallel_over_heads() ? h_ : so_);
    } else if (t_.grain > 1) {
      Var outer("tasks");
      out_.split(task_, outer, task_, t_.grain, TailStrategy::GuardWithIf).parallel(outer);
    } else {
      out_.parallel(task_);
    }
    // Q in the order the score tile reads it: lanes along queries need it transposed.
    if (t_.unfused) {
      q_.compute_root().parallel(h_);
    } else {
      q_.compute_at(out_, task_);
    }
    if (t_.lanes_keys) {
      q_.split(d_, lane_o_, v_lane_, 8, TailStrategy::GuardWithIf).vectorize(v_lane_);
      // K transposed for the whole head, V padded to whole vectors where its rows are not.
      ScheduleTranspose();
      if (t_.depth_padded != sizes_.depth) {
        v_.compute_root().bound(d_, 0, t_.depth_padded);
        v_.split(d_, lane_o_, v_lane_, t_.vec).vectorize(v_lane_);
        v_.fuse(c_, h_, task_).parallel(task_);
      }
    } else {
      q_.reorder_storage(s_, d_);
      if (transposes()) {
        Var d_o("d_o"), d_i("d_i");
        q_.split(s_, lane_o_, v_lane_, kBlock).split(d_, d_o, d_i, kBlock);
        q_.reorder(v_lane_, d_i, d_o, lane_o_).vectorize(v_lane_).unroll(d_i);
        q_rows_.compute_at(q_, d_o).bound_extent(d_, kBlock).bound_extent(s_, kBlock);
        q_rows_.vectorize(d_).unroll(s_);
      } else {
        q_.split(s_, lane_o_, v_lane_, t_.vec, TailStrategy::RoundUp);
        q_.vectorize(v_lane_).reorder(v_lane_, d_, lane_o_);
      }
    }
    if (t_.chunked) ScheduleCombine();
  }

  // Blocks of kBlock x kBlock are transposed through registers: rows are loaded, columns are
  // stored. With gathers along one side the best found for 16x64x160 took 179 us in place of 158.
  static constexpr int kBlock = 8;
  // Lanes along queries: whether Q and the output are in whole blocks.
  bool transposes() const {
    return !t_.lanes_keys && t_.m % kBlock == 0 && sizes_.queries % kBlock == 0 &&
           sizes_.depth % kBlock == 0;
  }

  void ScheduleTranspose() {
    Var d_o("d_o"), d_i("d_i");
    k_.compute_root().bound(key_, 0, t_.score_keys);
    k_.bound(panel_, 0, t_.chunk / t_.score_keys * t_.chunks);
    k_.split(key_, lane_o_, v_lane_, kBlock, TailStrategy::GuardWithIf).vectorize(v_lane_);
    k_.fuse(panel_, h_, task_).parallel(task_);
    if (sizes_.depth % kBlock != 0 || t_.score_keys % kBlock != 0) {
      k_.reorder(v_lane_, d_, lane_o_, task_);
      return;
    }
    k_.split(d_, d_o, d_i, kBlock).reorder(v_lane_, d_i, d_o, lane_o_, task_).unroll(d_i);
    k_rows_.compute_at(k_, d_o).bound_extent(d_, kBlock).bound_extent(key_, kBlock);
    k_rows_.vectorize(d_).unroll(key_);
  }

  void ScheduleCombine() {
    const Var lanes = lane(d_), rows = row(d_);
    auto block = [&](Func f, bool has_depth) {
      f.compute_at(out_, task_).bound_extent(s_, t_.m);
      if (has_depth) f.bound_extent(d_, t_.depth_padded).reorder_storage(lanes, rows);
    };
    // Vectorizes along `x`, which becomes the loop `outer`. A split that kept the dimension's own
    // name for the outer loop would make Halide's bounds of what is computed inside too wide.
    auto lanes_of = [&](auto stage, Var x, Var outer) {
      stage.split(x, outer, v_lane_, t_.vec).vectorize(v_lane_);
      return stage;
    };
    block(part_, true);
    lanes_of(part_, lanes, lane_o_).reorder(v_lane_, lane_o_, rows, c_);
    block(overall_, false);
    block(rescale_, false);
    block(sum_, false);
    block(joined_, true);
    lanes_of(joined_, lanes, lane_o_).reorder(v_lane_, lane_o_, rows);
    lanes_of(joined_.update(), lanes, lane_o_).reorder(v_lane_, lane_o_, rows, r_chunks_.x);
    if (!t_.lanes_keys) {
      lanes_of(overall_, s_, lane_o_);
      lanes_of(overall_.update(), s_, lane_o_).reorder(v_lane_, lane_o_, r_chunks_.x);
      lanes_of(rescale_.reorder_storage(s_, c_), s_, lane_o_).reorder(v_lane_, lane_o_, c_);
      lanes_of(sum_, s_, lane_o_);
      lanes_of(sum_.update(), s_, lane_o_).reorder(v_lane_, lane_o_, r_chunks_.x);
    }
  }

  // Computes `f` for its block of queries: at the chunk, at the block, or for all blocks at once.
  // `inner` are the loops within a block, innermost first.
  void Place(Func f, std::vector<Halide::VarOrRVar> inner) {
    if (t_.unfused) {
      f.compute_root().bound(s_, 0, Extent(RoundUp(sizes_.queries, t_.m)));
      f.bound(c_, 0, 1);
      inner.insert(inner.end(), {so_, c_, h_});
      f.reorder(inner).parallel(parallel_over_heads() ? h_ : so_);
    } else {
      inner.emplace_back(c_);
      inner.emplace_back(h_);
      f.reorder(inner);
      if (t_.chunked) {
        f.compute_at(part_, c_);
      } else {
        f.compute_at(out_, task_);
      }
      f.bound_extent(s_, t_.m);
    }
  }
  // A pass over whole tensors runs in parallel over blocks of queries, or over heads where those
  // are more.
  bool parallel_over_heads() const { return sizes_.heads * t_.m > sizes_.queries; }
  // The query's loop within a block, after SplitBlock.
  Var in_block() const { return t_.unfused ? si_ : s_; }
  Var split_lane(Var x) const { return t_.lanes_keys ? x : in_block(); }
  Var split_row(Var x) const { return t_.lanes_keys ? in_block() : x; }
  void SplitBlock(Func f) {
    if (t_.unfused) f.split(s_, so_, si_, t_.m);
  }

  void ScheduleScores() {
    const Var lanes = lane(key_), rows = row(key_);
    score_.bound_extent(key_, t_.chunk).reorder_storage(lanes, rows);
    SplitBlock(score_);
    score_.split(split_lane(key_), lane_o_, lane_, t_.vec * t_.s_lane);
    score_.split(split_row(key_), row_o_, row_, t_.s_row);
    score_.split(lane_, lane_v_, v_lane_, t_.vec).vectorize(v_lane_).unroll(lane_v_).unroll(row_);
    const bool lane_inner = t_.lanes_keys != t_.queries_inner;
    const Var first = lane_inner ? lane_o_ : row_o_, second = lane_inner ? row_o_ : lane_o_;
    Place(score_, {v_lane_, lane_v_, row_, first, second});
    ScheduleTile(score_acc_, score_, first, r_depth_, lanes, rows, t_.s_lane, t_.s_row,
                 t_.unroll_d);
  }

  void ScheduleMixed() {
    const Var lanes = lane(d_), rows = row(d_);
    mixed_.bound_extent(d_, t_.depth_padded).reorder_storage(lanes, rows);
    SplitBlock(mixed_);
    mixed_.split(split_lane(d_), lane_o_, lane_, t_.vec * t_.o_lane);
    mixed_.split(split_row(d_), row_o_, row_, t_.o_row);
    mixed_.split(lane_, lane_v_, v_lane_, t_.vec).vectorize(v_lane_).unroll(lane_v_).unroll(row_);
    Place(mixed_, {v_lane_, lane_v_, row_, lane_o_, row_o_});
    ScheduleTile(mixed_acc_, mixed_, lane_o_, r_keys_, lanes, rows, t_.o_lane, t_.o_row,
                 t_.unroll_k);
  }

  // A register tile of lane vectors x rows accumulated over all of `r`.
  void ScheduleTile(Func acc, Func consumer, Var at, RDom& r, Var lanes, Var rows, int lane_vectors,
                    int row_count, int unroll) {
    acc.compute_at(consumer, at);
    acc.bound_extent(lanes, lane_vectors * t_.vec).bound_extent(rows, row_count);
    acc.reorder_storage(lanes, rows).reorder(lanes, rows);
    acc.split(lanes, lane_v_, v_lane_, t_.vec).vectorize(v_lane_).unroll(lane_v_).unroll(rows);
    auto update = acc.update();
    update.split(lanes, lane_v_, v_lane_, t_.vec).reorder(v_lane_, lane_v_, rows, r.x);
    update.vectorize(v_lane_).unroll(lane_v_).unroll(rows);
    if (unroll > 1) update.unroll(r.x, unroll);
  }

  void ScheduleRowReduction(Func whole, Func row, Func part, RDom& r, RDom& r_row) {
    SplitBlock(whole);
    if (t_.lanes_keys) {
      Place(whole, {in_block()});
      part.compute_at(whole, in_block()).bound_extent(j_, t_.score_keys);
      part.split(j_, j_, v_lane_, t_.vec).vectorize(v_lane_).unroll(j_);
      auto update = part.update();
      update.split(j_, j_, v_lane_, t_.vec).reorder(v_lane_, j_, r.x).vectorize(v_lane_).unroll(j_);
      row.compute_at(whole, in_block());
      row.update().atomic().vectorize(r_row.x);
      return;
    }
    whole.split(in_block(), lane_o_, v_lane_, t_.vec).vectorize(v_lane_);
    Place(whole, {v_lane_, lane_o_});
    for (Func f : {part, row}) f.compute_at(whole, lane_o_).bound_extent(s_, t_.vec).vectorize(s_);
    part.bound_extent(j_, t_.score_keys).reorder_storage(s_, j_).reorder(s_, j_).unroll(j_);
    part.update().reorder(s_, j_, r.x).vectorize(s_).unroll(j_);
    row.update().reorder(s_, r_row.x).vectorize(s_).unroll(r_row.x);
  }

  void ScheduleWeights() {
    const Var lanes = lane(key_), rows = row(key_);
    weight_.bound_extent(key_, t_.chunk).reorder_storage(lanes, rows);
    SplitBlock(weight_);
    weight_.split(split_lane(key_), lane_o_, v_lane_, t_.vec).vectorize(v_lane_);
    // Two exponentials in flight hide the polynomial's latency; keys run innermost so that the
    // row's maximum stays in a register.
    const Var keys = t_.lanes_keys ? lane_o_ : key_;
    Place(weight_, {v_lane_, keys, t_.lanes_keys ? in_block() : lane_o_});
    if (t_.chunk / (t_.lanes_keys ? t_.vec : 1) % 2 == 0) weight_.unroll(keys, 2);
  }

  ImageParam in_q_, in_k_, in_v_;
  const AttentionSizes sizes_;
  const AttentionTiles t_;
  Var d_{"d"}, s_{"s"}, h_{"h"}, c_{"c"}, key_{"key"}, j_{"j"}, panel_{"panel"};
  Var so_{"so"}, si_{"si"}, task_{"task"}, lane_o_{"lane_o"}, lane_{"lane"}, lane_v_{"lane_v"},
      row_o_{"row_o"}, row_{"row"};
  Var v_lane_{"v_lane"};
  RDom r_depth_, r_largest_, r_largest_row_, r_total_, r_total_row_, r_keys_, r_chunks_;
  Func q_{"q_scaled"}, q_rows_{"q_rows"}, divided_{"divided"}, k_rows_{"k_rows"}, k_{"k_lanes"},
      v_{"v_padded"};
  Func score_acc_{"score_acc"}, score_{"score"};
  Func largest_part_{"largest_part"}, largest_row_{"largest_row"}, largest_{"largest"};
  Func weight_{"weight"};
  Func total_part_{"total_part"}, total_row_{"total_row"}, total_{"total"};
  Func mixed_acc_{"mixed_acc"}, mixed_{"mixed"};
  Func part_{"part"}, overall_{"overall"}, rescale_{"rescale"}, sum_{"sum"}, joined_{"joined"};
  Func out_{"attention"};
};

}  // namespace

Func ScheduleAttention(ImageParam q, ImageParam k, ImageParam v, const AttentionSizes& sizes,
                       const ConfigView& view) {
  return Builder(q, k, v, sizes, ReadAttentionTiles(sizes, view)).Build();
}

}  // namespace halyard
