// The classic model: boosted trees over plain knob values, trained afresh after every batch until
// its ranking of what was measured stops getting better.

#include <xgboost/c_api.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>

#include "cost_model/dataset.h"
#include "cost_model/ranking_metrics.h"
#include "fmt/format.h"
#include "tuner/replay/classic.h"

namespace halyard {
namespace {

constexpr int kMostRounds = 1000;
// Rounds without a better recall before training stops.
constexpr int kPatienceRounds = 20;
constexpr std::pair<const char*, const char*> kParameters[] = {
    {"objective", "rank:pairwise"},
    {"max_depth", "3"},
    {"eta", "0.3"},
    {"gamma", "0.0001"},
    {"min_child_weight", "1"},
    {"subsample", "1"},
    {"lambda", "1"},
    {"nthread", "1"},
    {"verbosity", "0"},
};

struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
struct FreeMatrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
using Booster = std::unique_ptr<void, FreeBooster>;
using Matrix = std::unique_ptr<void, FreeMatrix>;

void Check(int result) {
  if (result != 0) throw std::runtime_error(fmt::format("XGBoost: {}", XGBGetLastError()));
}

std::vector<size_t> OrderDescending(std::span<const float> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] > values[b]; });
  return order;
}

// Mean, over n from 1 to a batch, of the share of the n best that are among the n predicted best.
double AverageRecall(std::span<const float> predicted, std::span<const float> measured) {
  std::vector<size_t> rank(measured.size());
  const std::vector<size_t> best = OrderDescending(measured);
  for (size_t i = 0; i < best.size(); i++) rank[best[i]] = i;
  const std::vector<size_t> chosen = OrderDescending(predicted);
  const size_t most = std::min<size_t>(kClassicBatch, chosen.size());
  double sum = 0;
  for (size_t n = 1; n <= most; n++) {
    const auto hits = std::count_if(chosen.begin(), chosen.begin() + static_cast<ptrdiff_t>(n),
                                    [&](size_t i) { return rank[i] < n; });
    sum += static_cast<double>(hits) / static_cast<double>(n);
  }
  return sum / static_cast<double>(most);
}

class ClassicGuide final : public SearchGuide {
 public:
  ClassicGuide(const Task& task, uint64_t seed) : task_(task), seed_(seed) {}

  void Learn(const std::vector<Trial>& trials, size_t first_new) override {
    std::vector<Measurement> measured;
    std::vector<Config> configs;
    for (const Trial& t : trials) {
      measured.push_back({t.config, t.ok, t.value});
      configs.push_back(t.config);
    }
    const std::vector<float> throughput = RelativeThroughput(measured);
    if (booster_ != nullptr && trials.size() > first_new) {
      const std::vector<Config> newest(configs.begin() + static_cast<ptrdiff_t>(first_new),
                                       configs.end());
      correlation_ = SpearmanCorrelation(Predict(newest), std::span(throughput).subspan(first_new));
    }
    if (trials.size() >= 2) Train(Features(configs), throughput);
  }

  std::function<std::vector<float>(const std::vector<Config>&)> score() const override {
    if (booster_ == nullptr) return nullptr;
    return [this](const std::vector<Config>& configs) { return Predict(configs); };
  }

  std::optional<double> correlation() const override { return correlation_; }

 private:
  // A size knob as its value, a choice as its position.
  std::vector<float> Features(const std::vector<Config>& configs) const {
    std::vector<float> rows;
    for (const Config& c : configs) {
      for (size_t k = 0; k < c.size(); k++) {
        rows.push_back(static_cast<float>(task_.space.knobs()[k].values[c[k]]));
      }
    }
    return rows;
  }

  void Train(const std::vector<float>& rows, const std::vector<float>& labels) {
    DMatrixHandle raw = nullptr;
    Check(XGDMatrixCreateFromMat_omp(rows.data(), labels.size(), rows.size() / labels.size(),
                                     std::numeric_limits<float>::quiet_NaN(), &raw,
                                     /*nthread=*/1));
    const Matrix matrix(raw);
    Check(XGDMatrixSetFloatInfo(raw, "label", labels.data(), labels.size()));
    DMatrixHandle data[] = {raw};
    BoosterHandle created = nullptr;
    Check(XGBoosterCreate(data, 1, &created));
    booster_.reset(created);
    for (const auto& [name, value] : kParameters) Check(XGBoosterSetParam(created, name, value));
    const std::string seed = std::to_string(seed_ % std::numeric_limits<int32_t>::max());
    Check(XGBoosterSetParam(created, "seed", seed.c_str()));
    double best = -1;
    for (int round = 0, idle = 0; round < kMostRounds && idle < kPatienceRounds; round++) {
      Check(XGBoosterUpdateOneIter(created, round, raw));
      bst_ulong count = 0;
      const float* predicted = nullptr;
      Check(XGBoosterPredict(created, raw, /*option_mask=*/0, /*ntree_limit=*/0, /*training=*/0,
                             &count, &predicted));
      const double recall = AverageRecall({predicted, count}, labels);
      idle = recall > best ? 0 : idle + 1;
      best = std::max(best, recall);
    }
  }

  std::vector<float> Predict(const std::vector<Config>& configs) const {
    const std::vector<float> rows = Features(configs);
    const std::string array = fmt::format(
        R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
        reinterpret_cast<uintptr_t>(rows.data()), configs.size(), rows.size() / configs.size());
    constexpr char kConfig[] = R"({"type":0,"training":false,"iteration_begin":0,)"
                               R"("iteration_end":0,"strict_shape":false,"cache_id":0,)"
                               R"("missing":NaN})";
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* result = nullptr;
    Check(XGBoosterPredictFromDense(booster_.get(), array.c_str(), kConfig, nullptr, &shape,
                                    &dimensions, &result));
    return {result, result + configs.size()};
  }

  const Task& task_;
  const uint64_t seed_;
  Booster booster_;
  std::optional<double> correlation_;
};

}  // namespace

std::unique_ptr<SearchGuide> MakeClassicGuide(const Task& task, uint64_t seed) {
  return std::make_unique<ClassicGuide>(task, seed);
}

}  // namespace halyard
