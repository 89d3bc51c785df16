// The columns of a feature row: one schema for every operator, shape and device. A column that does
// not apply to a config (attention's of a gemm, a third cache level of a device with two) is NaN,
// which trees take as missing; one that applies is finite. Adding, removing, redefining or moving a
// column raises kFeatureVersion in features.h.
//
// Each entry: enumerator, name, what it needs, meaning. "log2" is of max(value, 1/1024) unless the
// value is at least 1 anyway. Times are estimates in cycles (product_features.cpp and its like say
// how), and `x/roof` is log2 of a time over the roofline's: the longer of FLOPs at the peak and
// bytes at the last level's bandwidth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace halyard {

// What a column may need; a config has a set of these.
enum Applies : uint32_t {
  kAlways = 0,
  kKnown = 1 << 0,      // an operator whose loops are known here
  kProduct = 1 << 1,    // gemm and conv2d in any form
  kBlocked = 1 << 2,    // the blocked product: gemm, im2col
  kConv = 1 << 3,       // conv2d in any form
  kDirect = 1 << 4,     // its form `direct`
  kWinograd = 1 << 5,   // its form `winograd`
  kAttention = 1 << 6,  //
  kRows = 1 << 7,       // softmax
  kLevel2 = 1 << 8,     // the device has a second cache level
  kLevel3 = 1 << 9,     // and a third
  kOther1 = 1 << 10,    // knobs that nothing here knows: at least one; next bits: two to twelve
};

// clang-format off
#define HALYARD_FEATURES(X) \
  X(kDeviceLanes, "device.lanes_f32", kAlways, "f32 elements of a vector register") \
  X(kDeviceRegisters, "device.vector_registers", kAlways, "vector registers") \
  X(kDeviceCores, "device.cores", kAlways, "cores") \
  X(kDeviceFmas, "device.fma_per_cycle", kAlways, "vector FMAs a cycle and core") \
  X(kTaskOperator, "task.operator", kKnown, "0 gemm, 1 conv2d, 2 attention, 3 softmax") \
  X(kTaskRoofline, "task.roofline", kKnown, "log2 of the roofline's cycles") \
  X(kTaskIntensity, "task.intensity", kKnown, "log2 of FLOPs a byte over the device's balance") \
  X(kTaskBytesL1, "task.bytes/cache1", kKnown, "log2 of inputs and outputs over level 1") \
  X(kTaskBytesLast, "task.bytes/last", kKnown, "log2 of the same over the last level") \
  X(kTimeTotal, "time.total/roof", kKnown, "the whole estimate") \
  X(kTimeBound, "time.bound/roof", kKnown, "the longest of its parts alone: a lower bound") \
  X(kTimeCompute, "time.compute/roof", kKnown, "FMAs, loads and latency of the register tiles") \
  X(kTimeLevel1, "time.cache1/roof", kKnown, "bytes that come into level 1") \
  X(kTimeLevel2, "time.cache2/roof", kKnown | kLevel2, "bytes that come into level 2") \
  X(kTimeLevel3, "time.cache3/roof", kKnown | kLevel3, "bytes that come into level 3") \
  X(kTimePack, "time.pack/roof", kKnown, "copies and transforms of operands") \
  X(kTimeOther, "time.other/roof", kKnown, "exponentials, combining, adding up parts, storing") \
  X(kTimeStart, "time.start/roof", kKnown, "starting threads and tasks") \
  X(kSharePack, "share.pack", kKnown, "packing's share of the estimate") \
  X(kShareOther, "share.other", kKnown, "the share of what is neither product nor packing") \
  X(kShareStart, "share.start", kKnown, "starting's share") \
  X(kShareMemory, "share.memory", kKnown, "longest cache level's time over that and computing") \
  X(kParallelTasks, "parallel.tasks", kKnown, "log2 of the number of parallel tasks") \
  X(kParallelImbalance, "parallel.imbalance", kKnown, "log2 of the busiest core's share over an even one") \
  X(kParallelIdle, "parallel.idle", kKnown, "share of the cores that never have a task") \
  X(kParallelGrain, "parallel.grain", kKnown, "log2 of the cycles of one task") \
  X(kWasteTotal, "waste.total", kKnown, "log2 of FLOPs computed over FLOPs that count") \
  X(kVectorNative, "vector.native", kKnown, "registers that a vector takes; below 1: lanes unused") \
  X(kMicroRegisters, "micro.registers", kKnown, "share of the register file that the tile takes") \
  X(kMicroChains, "micro.chains", kKnown, "log2 of accumulators over those that hide the FMA's latency") \
  X(kMicroFmaPerLoad, "micro.fma_per_load", kKnown, "FMAs a vector load in the register tile") \
  X(kMicroEfficiency, "micro.efficiency", kKnown, "log2 of FMA-bound over estimated cycles of a step") \
  X(kMicroBody, "micro.body", kKnown, "log2 of the unrolled body's micro-ops") \
  X(kMicroDepth, "micro.depth", kKnown, "log2 of steps that the accumulators stay in registers") \
  X(kProductRows, "product.rows", kProduct, "log2 of M (a convolution's output pixels)") \
  X(kProductCols, "product.cols", kProduct, "log2 of N (output channels of a group)") \
  X(kProductDepth, "product.depth", kProduct, "log2 of K (input channels of a group)") \
  X(kProductTaps, "product.taps", kProduct, "log2 of kernel positions") \
  X(kProductPacked, "product.packed", kProduct, "1 where B is laid out ahead of the calls") \
  X(kProductVec, "product.vec", kProduct, "log2 of lanes of a vector") \
  X(kProductRegM, "product.reg_m", kProduct, "rows of the register tile") \
  X(kProductRegN, "product.reg_n", kProduct, "vectors of the register tile") \
  X(kProductUnroll, "product.unroll_k", kProduct, "log2 of steps unrolled") \
  X(kProductTileM, "product.tile_m", kBlocked, "log2 of register tiles in a cache tile along M") \
  X(kProductTileN, "product.tile_n", kBlocked, "and along N") \
  X(kProductKBlock, "product.k_block", kBlocked, "log2 of a K-block over the depth; 0: not blocked") \
  X(kProductKSplit, "product.k_split", kBlocked, "log2 of parts of K") \
  X(kProductNOuter, "product.n_outer", kProduct, "1: the loop over columns is the outer one") \
  X(kProductInnerM, "product.inner_m_outer", kProduct, "1: inside a tile columns run innermost") \
  X(kProductPackA, "product.pack_a", kBlocked, "0 none, 1 a tile, 2 whole") \
  X(kProductPackB, "product.pack_b", kProduct, "0 none, 1 a tile, 2 whole, 3 ahead of the calls") \
  X(kProductParallel, "product.parallel", kProduct, "0 serial, 1 the outer loop, 2 both") \
  X(kProductShift, "product.tail_shift", kProduct, "1: the last tile is shifted inwards, 0: padded") \
  X(kWasteRegM, "waste.m.reg", kProduct, "log2 of rows in whole register tiles over rows") \
  X(kWasteRegN, "waste.n.reg", kProduct, "the same of columns") \
  X(kWasteTileM, "waste.m.tile", kProduct, "log2 of rows in whole cache tiles (or tasks) over rows") \
  X(kWasteTileN, "waste.n.tile", kProduct, "the same of columns") \
  X(kTripsM, "nest.trips_m", kProduct, "log2 of cache tiles along M") \
  X(kTripsN, "nest.trips_n", kProduct, "and along N") \
  X(kNestLoop1, "nest.loop1", kProduct, "log2 trips of the innermost loop around the register tile") \
  X(kNestLoop2, "nest.loop2", kProduct, "of the next") \
  X(kNestLoop3, "nest.loop3", kProduct, "of the next") \
  X(kNestLoop4, "nest.loop4", kProduct, "of the next") \
  X(kNestBytes0L1, "nest.bytes0/cache1", kProduct, "log2 of bytes of a register tile's reduction over level 1") \
  X(kNestBytes1L1, "nest.bytes1/cache1", kProduct, "bytes of the innermost loop around it") \
  X(kNestBytes2L1, "nest.bytes2/cache1", kProduct, "of the next") \
  X(kNestBytes0L2, "nest.bytes0/cache2", kProduct | kLevel2, "the same over level 2") \
  X(kNestBytes1L2, "nest.bytes1/cache2", kProduct | kLevel2, "of the innermost loop around it") \
  X(kNestBytes2L2, "nest.bytes2/cache2", kProduct | kLevel2, "of the next") \
  X(kNestBytes3L2, "nest.bytes3/cache2", kProduct | kLevel2, "of the next") \
  X(kNestFitL1, "nest.fit/cache1", kProduct, "share of the loops whose bytes fit into level 1") \
  X(kNestFitL2, "nest.fit/cache2", kProduct | kLevel2, "into level 2") \
  X(kTrafficAL1, "traffic.a/cache1", kProduct, "log2 of times that A comes into level 1") \
  X(kTrafficBL1, "traffic.b/cache1", kProduct, "B") \
  X(kTrafficCL1, "traffic.c/cache1", kProduct, "the output") \
  X(kTrafficAL2, "traffic.a/cache2", kProduct | kLevel2, "log2 of times that A comes into level 2") \
  X(kTrafficBL2, "traffic.b/cache2", kProduct | kLevel2, "B") \
  X(kTrafficCL2, "traffic.c/cache2", kProduct | kLevel2, "the output") \
  X(kPanelBL1, "panel.b/cache1", kProduct, "log2 of a column panel of B over level 1") \
  X(kPanelAL1, "panel.a/cache1", kProduct, "log2 of a register tile's rows of A over level 1") \
  X(kConflictA, "conflict.a", kProduct, "log2 of times that rows of A crowd level 1's sets") \
  X(kConflictB, "conflict.b", kProduct, "of B") \
  X(kStrideA, "stride.a", kProduct, "log2 of bytes from one row of the register tile to the next in A") \
  X(kStrideB, "stride.b", kProduct, "log2 of bytes from one step of K to the next in B") \
  X(kPackATimes, "pack.a", kProduct, "log2 of 1 + times that A is copied") \
  X(kPackBTimes, "pack.b", kProduct, "log2 of 1 + times that B is copied or transformed") \
  X(kConvForm, "conv.form", kConv, "0 direct, 1 im2col, 2 winograd") \
  X(kConvStride, "conv.stride", kConv, "pixels") \
  X(kConvDepthwise, "conv.depthwise", kConv, "1 where a group has one channel in and out") \
  X(kConvRowPixels, "conv.row_pixels", kConv, "log2 of pixels of an output row") \
  X(kConvInput, "conv.input", kDirect, "0 copied a task, 1 copied whole, 2 in place, 3 padded where read") \
  X(kConvRows, "conv.rows", kDirect, "log2 of output rows of a task") \
  X(kConvHalo, "conv.halo", kDirect, "log2 of input rows a task reads over those it has to itself") \
  X(kWinogradTile, "winograd.tile", kWinograd, "output pixels along a side of a tile") \
  X(kWinogradRegY, "winograd.reg_y", kWinograd, "tiles of a register tile along y") \
  X(kWinogradRows, "winograd.rows", kWinograd, "log2 of rows of tiles of a task") \
  X(kWinogradTransforms, "winograd.transforms", kWinograd, "transforms' share of the micro-ops") \
  X(kWinogradFilterL2, "winograd.filter/cache2", kWinograd | kLevel2, "log2 of the filter that a task streams over level 2") \
  X(kWinogradBlockL2, "winograd.block/cache2", kWinograd | kLevel2, "log2 of a task's transformed tiles over the same") \
  X(kAttentionForm, "attention.form", kAttention, "0 unfused, 1 pipelined, 2 chunked") \
  X(kAttentionLanesQueries, "attention.lanes_queries", kAttention, "1: lanes run along queries, 0: along keys") \
  X(kAttentionKeys, "attention.keys", kAttention, "log2 of keys") \
  X(kAttentionDepth, "attention.depth", kAttention, "log2 of the depth") \
  X(kAttentionM, "attention.m", kAttention, "log2 of queries of a block") \
  X(kAttentionChunk, "attention.chunk", kAttention, "log2 of keys of a chunk") \
  X(kAttentionChunks, "attention.chunks", kAttention, "log2 of chunks") \
  X(kAttentionScoreLane, "attention.s_lane", kAttention, "vectors of the score tile along lanes") \
  X(kAttentionScoreRow, "attention.s_row", kAttention, "rows of the score tile") \
  X(kAttentionOutLane, "attention.o_lane", kAttention, "vectors of the output tile along lanes") \
  X(kAttentionOutRow, "attention.o_row", kAttention, "rows of the output tile") \
  X(kAttentionUnrollD, "attention.unroll_d", kAttention, "log2 of steps of the depth unrolled") \
  X(kAttentionUnrollK, "attention.unroll_k", kAttention, "log2 of keys unrolled") \
  X(kAttentionQueriesInner, "attention.queries_inner", kAttention, "1: queries run innermost over score tiles") \
  X(kAttentionGrain, "attention.grain", kAttention, "log2 of blocks of a task") \
  X(kAttentionScoreEfficiency, "attention.score_efficiency", kAttention, "micro.efficiency of the score tile alone") \
  X(kAttentionOutEfficiency, "attention.out_efficiency", kAttention, "and of the output tile") \
  X(kAttentionOutRegisters, "attention.out_registers", kAttention, "share of the register file that the output tile takes") \
  X(kAttentionScoresL1, "attention.scores/cache1", kAttention, "log2 of a block's scores over level 1") \
  X(kAttentionScoresL2, "attention.scores/cache2", kAttention | kLevel2, "over level 2") \
  X(kAttentionKvL1, "attention.kv/cache1", kAttention, "log2 of keys and values of a chunk over level 1") \
  X(kAttentionKvL2, "attention.kv/cache2", kAttention | kLevel2, "over level 2") \
  X(kAttentionTransposes, "attention.transposes", kAttention, "1 where Q and the output are transposed in whole blocks") \
  X(kWasteQueries, "waste.queries", kAttention, "log2 of queries in whole blocks over queries") \
  X(kWasteKeys, "waste.keys", kAttention, "log2 of keys in whole chunks over keys") \
  X(kWasteDepth, "waste.depth", kAttention, "log2 of the padded depth over the depth") \
  X(kRowsForm, "rows.form", kRows, "0 store, 1 recompute, 2 online") \
  X(kRowsCount, "rows.count", kRows, "log2 of rows") \
  X(kRowsLength, "rows.length", kRows, "log2 of a row's elements") \
  X(kRowsPartials, "rows.partials", kRows, "partial results") \
  X(kRowsUnroll, "rows.unroll", kRows, "log2 of vectors unrolled") \
  X(kRowsBlock, "rows.block", kRows, "log2 of rows of a block") \
  X(kRowsGrain, "rows.grain", kRows, "log2 of blocks of a task") \
  X(kRowsParallel, "rows.parallel", kRows, "1 where tasks run in parallel") \
  X(kRowsBlockL1, "rows.block/cache1", kRows, "log2 of a block of rows over level 1") \
  X(kRowsBlockL2, "rows.block/cache2", kRows | kLevel2, "over level 2") \
  X(kRowsTail, "rows.tail", kRows, "log2 of a row in whole steps over its length") \
  X(kRowsVectorTail, "rows.vector_tail", kRows, "log2 of a row in whole unrolled vectors over its length") \
  X(kOtherKnob1, "other.knob1", kOther1, "place of a knob that nothing here knows, 0 to 1") \
  X(kOtherKnob2, "other.knob2", kOther1 << 1, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob3, "other.knob3", kOther1 << 2, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob4, "other.knob4", kOther1 << 3, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob5, "other.knob5", kOther1 << 4, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob6, "other.knob6", kOther1 << 5, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob7, "other.knob7", kOther1 << 6, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob8, "other.knob8", kOther1 << 7, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob9, "other.knob9", kOther1 << 8, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob10, "other.knob10", kOther1 << 9, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob11, "other.knob11", kOther1 << 10, "place of another knob that nothing here knows, 0 to 1") \
  X(kOtherKnob12, "other.knob12", kOther1 << 11, "place of another knob that nothing here knows, 0 to 1")
// clang-format on

enum Feature : size_t {
#define HALYARD_ENUMERATOR(id, name, needs, meaning) id,
  HALYARD_FEATURES(HALYARD_ENUMERATOR)
#undef HALYARD_ENUMERATOR
      kFeatureCount
};

inline constexpr size_t kOtherKnobs = kFeatureCount - kOtherKnob1;

struct FeatureColumn {
  std::string_view name;
  uint32_t needs;
  std::string_view meaning;
};

inline constexpr std::array<FeatureColumn, kFeatureCount> kFeatureColumns = {{
#define HALYARD_COLUMN(id, name, needs, meaning) {name, needs, meaning},
    HALYARD_FEATURES(HALYARD_COLUMN)
#undef HALYARD_COLUMN
}};

}  // namespace halyard
