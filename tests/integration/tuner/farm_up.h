// `tune farm up` as a person starts it, in a folder of its own.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/conformance/scratch_folder.h"

namespace halyard {

class FarmUp {
 public:
  FarmUp();
  // Stops what is up; that it ends well is a check.
  ~FarmUp();
  // REQUIRES: $HALYARD_TUNE_PROGRAM. Fails the test where the farm does not say that it serves.
  void Start(const std::string& boards);
  void Stop();
  // It was killed and waited for by somebody else.
  void Forget() { pid_ = 0; }

  pid_t pid() const { return pid_; }  // 0: not up
  int port() const { return port_; }
  const std::string& address() const { return address_; }
  std::string Said() const { return Read("up.txt"); }
  std::string Logged(const std::string& name) const { return Read("state/" + name); }

 private:
  std::string Read(const std::string& name) const;

  ScratchFolder folder_;
  const int port_;
  const std::string address_;
  pid_t pid_ = 0;
};

}  // namespace halyard
