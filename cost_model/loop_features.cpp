#include "cost_model/loop_features.h"

#include <algorithm>
#include <optional>

#include "cost_model/loop_math.h"

namespace halyard {

LoopFeatures::LoopFeatures(const Task& task) : extents_(ReadExtents(task)) {
  ReadSources(task.space.knobs());
  const double lanes = task.device.lanes_f32();
  Add("native_vectors", {"vec"}, [lanes](const LoopValues& v) { return v.vec / lanes; });
  if (extents_.rows > 0) AddProduct(task.device);
  if (extents_.queries > 0) AddAttention(task.device);
  if (extents_.vectors > 0) AddRows(task.device);
}

LoopFeatures::Extents LoopFeatures::ReadExtents(const Task& task) {
  Extents e;
  if (task.op == nullptr) return e;
  const std::vector<std::string> names = task.op->dim_names();
  auto dim = [&](const char* name) -> std::optional<double> {
    for (size_t i = 0; i < std::min(names.size(), task.workload.shape.size()); i++) {
      if (names[i] == name) return static_cast<double>(task.workload.shape[i]);
    }
    return std::nullopt;
  };
  if (dim("m") && dim("n") && dim("k")) {
    e.rows = *dim("m");
    e.cols = *dim("n");
    e.depth = *dim("k");
  } else if (dim("co") && dim("ci") && dim("kh") && dim("kw")) {
    const auto attribute = task.workload.attributes.find("groups");
    const bool grouped = attribute != task.workload.attributes.end();
    const double groups = grouped ? static_cast<double>(attribute->second) : 1;
    const std::vector<int64_t> out = task.op->OutputShape(task.workload).extents;
    e.images = static_cast<double>(out.at(0));
    e.image_rows = static_cast<double>(out.at(1));
    e.row_pixels = static_cast<double>(out.at(2));
    e.rows = e.images * e.image_rows * e.row_pixels;
    // A depthwise convolution has its vectors along the groups.
    const bool depthwise = groups > 1 && *dim("co") == groups && *dim("ci") == groups;
    e.cols = depthwise ? groups : *dim("co") / groups;
    e.groups = depthwise ? 1 : groups;
    e.depth = *dim("ci") / groups * *dim("kh") * *dim("kw");
  } else if (dim("queries") && dim("keys") && dim("depth")) {
    e.heads = dim("heads").value_or(1);
    e.queries = *dim("queries");
    e.keys = *dim("keys");
    e.head_dim = *dim("depth");
  } else if (dim("rows") && dim("columns")) {
    e.vectors = *dim("rows");
    e.length = *dim("columns");
  }
  return e;
}

void LoopFeatures::ReadSources(const std::vector<Knob>& knobs) {
  static constexpr std::pair<const char*, double LoopValues::*> kSizes[] = {
      {"vec", &LoopValues::vec},
      {"reg_m", &LoopValues::reg_m},
      {"reg_n", &LoopValues::reg_n},
      {"tile_m", &LoopValues::tile_m},
      {"tile_n", &LoopValues::tile_n},
      {"k_block", &LoopValues::k_block},
      {"k_split", &LoopValues::k_split},
      {"winograd", &LoopValues::winograd},
      {"unroll_k", &LoopValues::unroll_k},
      {"m", &LoopValues::m},
      {"l", &LoopValues::l},
      {"s_lane", &LoopValues::s_lane},
      {"s_row", &LoopValues::s_row},
      {"o_lane", &LoopValues::o_lane},
      {"o_row", &LoopValues::o_row},
      {"grain", &LoopValues::grain},
      {"rows", &LoopValues::rows},
      {"partials", &LoopValues::partials},
      {"block", &LoopValues::block},
  };
  for (size_t k = 0; k < knobs.size(); k++) {
    const Knob& knob = knobs[k];
    for (const auto& [name, member] : kSizes) {
      if (knob.categorical() || knob.name != name) continue;
      sources_.push_back({name, k, member, {knob.values.begin(), knob.values.end()}});
    }
    if (knob.categorical()) ReadChoice(knob, k);
  }
}

void LoopFeatures::ReadChoice(const Knob& knob, size_t position) {
  struct Meaning {
    std::string_view knob, label;
    double LoopValues::*member;
    double value;
  };
  static constexpr Meaning kMeanings[] = {
      {"order", "m_outer", &LoopValues::n_outer, 0},
      {"order", "n_outer", &LoopValues::n_outer, 1},
      {"form", "direct", &LoopValues::direct, 1},
      {"form", "im2col", &LoopValues::direct, 0},
      {"form", "winograd", &LoopValues::direct, 2},
      {"form", "unfused", &LoopValues::chunked, 0},
      {"form", "pipelined", &LoopValues::chunked, 0},
      {"form", "chunked", &LoopValues::chunked, 1},
      {"lanes", "keys", &LoopValues::lanes_keys, 1},
      {"lanes", "queries", &LoopValues::lanes_keys, 0},
      {"parallel", "serial", &LoopValues::parallel_loops, 0},
      {"parallel", "no", &LoopValues::parallel_loops, 0},
      {"parallel", "yes", &LoopValues::parallel_loops, 1},
      {"parallel", "outer", &LoopValues::parallel_loops, 1},
      {"parallel", "both", &LoopValues::parallel_loops, 2},
  };
  Source source{knob.name, position, nullptr, {}};
  for (const std::string& label : knob.labels) {
    for (const Meaning& m : kMeanings) {
      if (m.knob != knob.name || m.label != label) continue;
      source.member = m.member;
      source.values.push_back(m.value);
    }
  }
  // A knob with a label that means nothing here counts as absent: what its loops do is not known.
  if (source.values.size() == knob.labels.size()) sources_.push_back(std::move(source));
}

bool LoopFeatures::Has(const char* knob) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const Source& s) { return s.name == knob; });
}

void LoopFeatures::Add(std::string name, std::initializer_list<const char*> knobs, Term term) {
  for (const char* knob : knobs) {
    if (!Has(knob)) return;
  }
  names_.push_back("loop." + std::move(name));
  terms_.push_back(std::move(term));
}

LoopValues LoopFeatures::Values(const Config& config) const {
  LoopValues v;
  for (const Source& s : sources_) v.*s.member = s.values[config[s.knob]];
  v.cols_reg = v.reg_n * v.vec;
  v.rows_tile = v.reg_m * v.tile_m;
  v.cols_tile = v.cols_reg * v.tile_n;
  v.k_depth = v.k_block > 0 ? v.k_block : extents_.depth / std::max(1.0, v.k_split);
  if (v.direct != 0) {
    v.rows_tile = v.rows * extents_.row_pixels;
    v.cols_tile = v.cols_reg;
  }
  if (v.direct == 2) {
    // Tiles in place of pixels, always in parallel; the nine taps have become positions of a tile.
    v.unit = v.winograd;
    v.rows_tile = v.rows * Trips(extents_.row_pixels, v.unit);
    v.k_depth = extents_.depth / 9;
    v.parallel_loops = 1;
  }
  v.score_keys = v.lanes_keys != 0 ? v.vec * v.s_lane : v.s_row;
  v.out_depth = v.lanes_keys != 0 ? v.vec * v.o_lane : v.o_row;
  v.chunk = v.chunked != 0 ? v.l : Trips(extents_.keys, v.score_keys) * std::max(1.0, v.score_keys);
  return v;
}

void LoopFeatures::Write(const Config& config, float* out) const {
  const LoopValues v = Values(config);
  for (size_t i = 0; i < terms_.size(); i++) out[i] = static_cast<float>(terms_[i](v));
}

}  // namespace halyard
