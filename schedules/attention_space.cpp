#include <numeric>

#include "fmt/format.h"
#include "schedules/attention_schedule.h"
#include "schedules/attention_tiles.h"
#include "schedules/knob_sets.h"

namespace halyard {

AttentionTiles ReadAttentionTiles(const AttentionSizes& sizes, const ConfigView& view) {
  auto read = [&](const char* name) { return static_cast<int>(view[name]); };
  AttentionTiles t;
  t.unfused = view.is("form", "unfused");
  t.chunked = view.is("form", "chunked");
  t.lanes_keys = view.is("lanes", "keys");
  t.vec = read("vec");
  t.m = read("m");
  t.s_lane = read("s_lane");
  t.s_row = read("s_row");
  t.o_lane = read("o_lane");
  t.o_row = read("o_row");
  t.unroll_d = read("unroll_d");
  t.unroll_k = read("unroll_k");
  t.grain = read("grain");
  t.queries_inner = view.is("sweep", "queries_inner");
  t.score_keys = t.lanes_keys ? t.vec * t.s_lane : t.s_row;
  t.score_queries = t.lanes_keys ? t.s_row : t.vec * t.s_lane;
  t.out_depth = t.lanes_keys ? t.vec * t.o_lane : t.o_row;
  t.out_queries = t.lanes_keys ? t.o_row : t.vec * t.o_lane;
  t.chunk = t.chunked ? read("l") : static_cast<int>(RoundUp(sizes.keys, t.score_keys));
  t.chunks = static_cast<int>((sizes.keys + t.chunk - 1) / t.chunk);
  t.depth_padded = static_cast<int>(RoundUp(sizes.depth, t.out_depth));
  return t;
}

namespace {

std::string WhyInvalid(const AttentionSizes& sizes, const Device& device, const ConfigView& view) {
  const AttentionTiles t = ReadAttentionTiles(sizes, view);
  const int native = std::max(1, t.vec / device.lanes_f32());
  const bool memory_broadcast = device.triplet.starts_with("x86");
  // Accumulators, the lane operand's vectors, and the broadcast where it is not a memory operand.
  auto registers = [&](int lane, int row) {
    return ((row + 1) * lane + (memory_broadcast ? 0 : 1)) * native;
  };
  if (registers(t.s_lane, t.s_row) > device.vector_registers) return "score tile spills registers";
  if (registers(t.o_lane, t.o_row) > device.vector_registers) return "output tile spills registers";
  if (t.m % t.score_queries != 0) return "m is not a multiple of the score tile's queries";
  if (t.m % t.out_queries != 0) return "m is not a multiple of the output tile's queries";
  if (t.chunk % t.score_keys != 0) return "l is not a multiple of the score tile's keys";
  if (t.chunk % t.unroll_k != 0) return "unroll_k does not divide the keys of a chunk";
  if (t.unroll_d > sizes.depth) return "unrolls the depth beyond its extent";
  if (t.unroll_d * t.s_lane * t.s_row * native > 256 ||
      t.unroll_k * t.o_lane * t.o_row * native > 256) {
    return "unrolled body larger than the micro-op cache";
  }
  if (t.depth_padded >= sizes.depth + t.vec && t.o_lane + t.o_row > 2) {
    return "output tile pads the depth by a vector or more";
  }
  if (t.chunked && t.chunks < 2) return "a single chunk is the pipelined form";
  if (t.m > sizes.queries) return "block of queries larger than the tensor";
  // Scores and weights of a block: in L2 for a row block, in half of L2 for a chunk.
  const int64_t l2 = device.level2_bytes();
  const int64_t block_bytes = 2ll * 4 * t.m * t.chunk;
  if (t.unfused) {
    const int64_t rows = RoundUp(sizes.queries, t.m) * sizes.heads;
    if (2 * 4 * rows * t.chunk > device.memory_bytes / 2)
      return "whole scores beyond half the memory";
    if (rows * t.chunk >= int64_t{1} << 31) return "whole scores beyond 2^31 elements";
  } else if (block_bytes > (t.chunked ? l2 : 8 * l2)) {
    return fmt::format("scores of a block take {} KiB, beyond the cache", block_bytes / 1024);
  }
  // Each chunk's part of a block's output, its sum and its maximum, until the chunks are joined;
  // all three have the extents of the output. A sixteenth of K so that some l is always short
  // enough.
  const int64_t parts_bytes = 3ll * 4 * t.m * t.chunks * t.depth_padded;
  if (t.chunked && parts_bytes > std::max(4 * l2, 4 * sizes.keys * sizes.depth / 16)) {
    return fmt::format("parts of a block's output take {} KiB, beyond the cache",
                       parts_bytes / 1024);
  }
  const int64_t tasks = sizes.heads * ((sizes.queries + t.m - 1) / t.m);
  if (t.grain > 1 && tasks / t.grain < device.cores) return "fewer tasks than cores";
  // Starting a task costs some microseconds; 2e7 FLOP are at least 100 of them.
  if (t.grain > 1 && 4.0 * t.m * t.grain * sizes.keys * sizes.depth > 2e7) {
    return "several blocks a task where one is long enough";
  }
  return "";
}

// Besides idle knobs, tiles that do not divide what they tile are lowered to ones that do: few
// random combinations would fit otherwise, and a search would mostly draw in vain.
void Canonicalise(const AttentionSizes& sizes, const std::vector<Knob>& knobs, Config& c) {
  const ConfigView v(knobs, c);
  if (!v.is("form", "chunked")) ResetKnob(knobs, "l", c);
  // Whole-tensor passes run in parallel over all blocks.
  if (v.is("form", "unfused")) ResetKnob(knobs, "grain", c);
  if (v["vec"] > sizes.queries) SetLabel(knobs, "lanes", "keys", c);
  const bool lanes_keys = v.is("lanes", "keys");
  const int64_t vec = v["vec"];
  if (!lanes_keys) LowerUntil(knobs, "m", c, [&](int64_t m) { return m % vec == 0; });
  const int64_t m = v["m"];
  for (const char* queries : {lanes_keys ? "s_row" : "s_lane", lanes_keys ? "o_row" : "o_lane"}) {
    LowerUntil(knobs, queries, c,
               [&](int64_t tile) { return m % (lanes_keys ? tile : tile * vec) == 0; });
  }
  if (!v.is("form", "chunked")) return;
  const int64_t l = v["l"];
  LowerUntil(knobs, lanes_keys ? "s_lane" : "s_row", c,
             [&](int64_t tile) { return l % (lanes_keys ? tile * vec : tile) == 0; });
}

}  // namespace

SpaceDefinition AttentionSpace(const AttentionSizes& sizes, const Device& device) {
  SpaceDefinition def;
  def.version = 3;
  const std::vector<int64_t> widths = VectorWidths(device);
  def.knobs = {
      Knob::Choice("form", {"unfused", "pipelined", "chunked"}),
      Knob::Choice("lanes", {"keys", "queries"}),
      Knob::Sizes("vec", widths),
      Knob::Sizes("m", UpTo({1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128}, sizes.queries)),
      Knob::Sizes("l",
                  UpTo({16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048}, sizes.keys)),
      Knob::Sizes("s_lane", {1, 2, 3, 4, 5}),
      Knob::Sizes("s_row", {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 24}),
      Knob::Sizes("o_lane", {1, 2, 3, 4, 5}),
      Knob::Sizes("o_row", {1, 2, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24}),
      Knob::Sizes("unroll_d", UpTo({1, 2, 4, 8}, sizes.depth)),
      Knob::Sizes("unroll_k", UpTo({1, 2, 4, 8}, sizes.keys)),
      Knob::Choice("sweep", {"keys_inner", "queries_inner"}),
      // Blocks a task: where there are no threads, a task is a loop's step.
      Knob::Sizes("grain", device.has_os() ? UpTo({1, 2, 4, 8, 16}, sizes.heads * sizes.queries)
                                           : std::vector<int64_t>{1}),
  };
  def.canonicalise = [sizes, knobs = def.knobs](const ConfigView&, Config& c) {
    Canonicalise(sizes, knobs, c);
  };
  def.why_invalid = [sizes, device](const ConfigView& v) { return WhyInvalid(sizes, device, v); };
  def.safe.assign(def.knobs.size(), 0);
  const int64_t safe_m = sizes.queries >= 4 ? 4 : 1;
  SetKnob(def.knobs, "m", safe_m, def.safe);
  SetKnob(def.knobs, "s_row", safe_m, def.safe);
  SetKnob(def.knobs, "o_row", safe_m, def.safe);
  SetKnob(def.knobs, "vec", device.lanes_f32(), def.safe);
  // The whole scores of a long sequence may not fit; a block of rows always does.
  auto fits = [&] { return def.why_invalid(ConfigView(def.knobs, def.safe)).empty(); };
  if (!fits()) SetLabel(def.knobs, "form", "pipelined", def.safe);
  if (!fits()) {
    SetLabel(def.knobs, "form", "chunked", def.safe);
    SetKnob(def.knobs, "l", 256, def.safe);
  }
  return def;
}

}  // namespace halyard
