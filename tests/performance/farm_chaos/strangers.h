// Those whom a farm is to keep out, and clients of its own that do what none may: every try is to
// be refused, whatever befalls the farm meanwhile.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "farm.grpc.pb.h"
#include "tests/conformance/scratch_folder.h"

namespace halyard {

// One thread's.
class Strangers {
 public:
  // With an open session of a good client's.
  using Act = std::function<grpc::Status(farm::v1::Farm::Stub&, const std::string& session)>;

  // `authority`: folder of the farm's certificate authority.
  Strangers(std::string address, const std::string& authority, uint64_t seed);

  // One thing at random.
  void Try();

  int64_t let_in() const;
  int64_t tries() const;
  // Tries by kind, for a person; and how often somebody who may come in did, without whom the rest
  // would prove nothing.
  std::string Told() const;
  int64_t came_in() const { return came_in_; }

 private:
  struct Kind {
    std::string name;
    std::function<grpc::Status()> act;
    int64_t tries = 0, let_in = 0;
  };
  void AddStranger(const std::string& name, const std::string& folder);
  void AddInsider(const std::string& name, Act act);
  grpc::Status Inside(const Act& act);

  const std::string address_;
  const ScratchFolder folder_;
  std::mt19937_64 random_;
  std::string member_, other_member_;  // folders of clients that may come in
  std::vector<Kind> kinds_;
  int64_t came_in_ = 0;
};

}  // namespace halyard
