// What an attention config's knobs come to in elements; shared by validity and schedule.
#pragma once

#include "schedules/attention_schedule.h"

namespace halyard {

struct AttentionTiles {
  bool unfused, chunked, lanes_keys, queries_inner;
  int vec;
  int m;              // queries of a block
  int chunk, chunks;  // keys of a chunk (all keys, padded, where not chunked), and how many
  int s_lane, s_row;  // score register tile: vectors along the lanes x rows across
  int o_lane, o_row;  // output register tile, likewise
  int score_keys, score_queries;  // the same in elements
  int out_depth, out_queries;
  int depth_padded;  // D rounded up to the output tile
  int unroll_d, unroll_k, grain;
};

AttentionTiles ReadAttentionTiles(const AttentionSizes& sizes, const ConfigView& view);

}  // namespace halyard
