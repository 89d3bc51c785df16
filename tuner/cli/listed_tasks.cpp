#include "tuner/cli/listed_tasks.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "fmt/format.h"

namespace halyard {

namespace po = boost::program_options;

namespace {

constexpr int64_t kMostSize = std::numeric_limits<int32_t>::max();  // as in a workload

absl::StatusOr<OpenDimensions> DimensionsOf(const NetworkOptions& options) {
  OpenDimensions dimensions{options.batch, {}};
  if (options.batch && (*options.batch < 1 || *options.batch > kMostSize)) {
    return absl::InvalidArgumentError(
        fmt::format("--batch is {}; give a whole number from 1 to {}", *options.batch, kMostSize));
  }
  for (const std::string& dim : options.dims) {
    // Names may have a '=' in them, sizes have not.
    const size_t at = dim.rfind('=');
    int64_t size = 0;
    const char* begin = dim.data() + (at == std::string::npos ? dim.size() : at + 1);
    const char* end = dim.data() + dim.size();
    const auto [last, error] = std::from_chars(begin, end, size);
    if (at == std::string::npos || at == 0 || error != std::errc() || last != end || size < 1 ||
        size > kMostSize) {
      return absl::InvalidArgumentError(
          fmt::format("--dim '{}' is not NAME=N, N from 1 to {}; give one such as sequence=128",
                      dim, kMostSize));
    }
    if (!dimensions.by_name.emplace(dim.substr(0, at), size).second) {
      return absl::InvalidArgumentError(
          fmt::format("--dim '{}' stands twice; give it once", dim.substr(0, at)));
    }
  }
  return dimensions;
}

absl::StatusOr<Listing> NetworkListing(const std::string& file, const NetworkOptions& options) {
  const auto dimensions = DimensionsOf(options);
  if (!dimensions.ok()) return dimensions.status();
  auto network = ReadNetwork(file, *dimensions);
  if (!network.ok()) return network.status();
  if (network->tasks.empty()) {
    const NotCovered& most = network->not_covered.front();
    return absl::InvalidArgumentError(fmt::format(
        "'{}' has no node that an operator here computes; most of it is {}: {}; give one with f32 "
        "products or softmax",
        file, most.op, most.reason));
  }
  Listing listing{file, network->tasks, {}, ""};
  listing.network = *std::move(network);
  return listing;
}

}  // namespace

void AddNetworkOptions(po::options_description& description, NetworkOptions& options) {
  auto add = description.add_options();
  add("batch", po::value<int64_t>()->notifier([&options](int64_t value) { options.batch = value; }),
      "of a network: dimension 0 of its inputs where the file leaves it open");
  add("dim", po::value(&options.dims)->composing(),
      "of a network, NAME=N: another dimension that the file leaves open");
}

bool IsNetworkFile(const std::string& path) { return path.ends_with(".onnx"); }

absl::StatusOr<Listing> ReadListing(const std::string& file, const NetworkOptions& options) {
  if (IsNetworkFile(file)) return NetworkListing(file, options);
  if (options.batch || !options.dims.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{} is of networks (.onnx); '{}' has whole shapes, leave it out",
                    options.batch ? "--batch" : "--dim", file));
  }
  auto workloads = ReadWorkloadFile(file);
  if (!workloads.ok()) return workloads.status();
  if (workloads->empty()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' has no workload; give lines such as gemm 128x768x768  # x12", file));
  }
  return Listing{file, *std::move(workloads), std::nullopt, ""};
}

std::optional<std::vector<std::string>> NetworkArguments(const std::vector<std::string>& args) {
  const std::string option = "--model";
  std::vector<std::string> rest;
  std::string network;
  for (size_t i = 0; i < args.size(); i++) {
    const std::string& arg = args[i];
    if (arg.starts_with("--op") && (arg.size() == 4 || arg[4] == '=')) return std::nullopt;
    const bool apart = arg == option && i + 1 < args.size();
    const std::string value = apart                           ? args[i + 1]
                              : arg.starts_with(option + "=") ? arg.substr(option.size() + 1)
                                                              : "";
    if (network.empty() && IsNetworkFile(value)) {
      network = value;
      i += apart ? 1 : 0;
    } else {
      rest.push_back(arg);
    }
  }
  if (network.empty()) return std::nullopt;
  rest.insert(rest.begin(), network);
  return rest;
}

}  // namespace halyard
