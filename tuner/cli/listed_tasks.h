// What `tune suite` tunes or lists: the workloads of a list, or of a network.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tuner/listing.h"

namespace halyard {

struct NetworkOptions {
  std::optional<int64_t> batch;
  std::vector<std::string> dims;  // "NAME=N"
};

// --batch and --dim.
void AddNetworkOptions(boost::program_options::options_description& description,
                       NetworkOptions& options);

// A network where the name ends in .onnx, else a workload file. Errors are those of ReadNetwork or
// ReadWorkloadFile; InvalidArgument where it has no workload, or where an option is wrong.
absl::StatusOr<Listing> ReadListing(const std::string& file, const NetworkOptions& options);

bool IsNetworkFile(const std::string& path);

// Of `tune --model net.onnx ...`, which is `tune suite net.onnx ...`: what suite takes. Nothing
// where the arguments name no network, or an operator too.
std::optional<std::vector<std::string>> NetworkArguments(const std::vector<std::string>& args);

}  // namespace halyard
