// A holder's certificate files as gRPC may read them.
//
// gRPC 1.51's FileWatcherCertificateProvider re-reads files while calls run, but aborts the process
// when it meets an empty one (which a copy in place is for a moment), refuses new connections over
// half a one, and reads key and certificate one after the other. So it gets files of our own, in
// memory, which change only to a set that was found good as a whole.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "rpc_farm/security/holder_folder.h"

namespace halyard {

// Called from a thread of its own with one line, each time when changed files are found to be no
// good.
using CertificateTrouble = std::function<void(const absl::Status&)>;

class CertificateFiles {
 public:
  static constexpr std::chrono::milliseconds kInterval{500};

  // Errors are those of ReadHolderFolder; Internal: no memory for the files.
  static absl::StatusOr<std::unique_ptr<CertificateFiles>> Open(const std::string& folder,
                                                                CertificateTrouble tell);
  ~CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  // Paths that this process can open for as long as the object lives.
  std::string authority_path() const;
  std::string identity_path() const;  // key and certificate
  const FarmIdentity& holder() const { return holder_; }

 private:
  // A file without a name. Whoever opens its path sees the bytes of before or of after a change.
  class MemoryFile {
   public:
    MemoryFile() = default;
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    absl::Status Set(const std::string& bytes, int generation);
    std::string path() const;

   private:
    int fd_ = -1;
  };

  CertificateFiles(std::string folder, CertificateTrouble tell)
      : folder_(std::move(folder)), tell_(std::move(tell)) {}
  absl::Status Publish(const Holder& holder);
  absl::Status ReadAgain();
  void Watch();

  const std::string folder_;
  const CertificateTrouble tell_;
  FarmIdentity holder_;
  MemoryFile authority_, identity_;
  std::string published_authority_, published_identity_;
  int generation_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace halyard
