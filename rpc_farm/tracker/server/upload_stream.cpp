#include "rpc_farm/tracker/server/upload_stream.h"

#include <fmt/format.h>
#include <grpc/support/time.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/proto/rpc_status.h"

namespace halyard {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

UploadPlaces::UploadPlaces(const FarmLimits& limits)
    : limits_(limits), of_all_(limits.uploads), of_user_(limits.uploads_of_user) {}

absl::StatusOr<UploadPlaces::Place> UploadPlaces::Enter(const std::string& user) {
  auto of_user = of_user_.Enter(user);
  if (!of_user) {
    return absl::ResourceExhaustedError(
        fmt::format("{} sends {} artifacts already, the most at once; {}", user,
                    limits_.uploads_of_user, kPassingLimit));
  }
  auto of_all = of_all_.Enter("");
  if (!of_all) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} artifacts come in already, the most at once; {}", limits_.uploads, kPassingLimit));
  }
  return Place{*std::move(of_all), *std::move(of_user)};
}

void UploadStream::Begin() {
  self_ = shared_from_this();
  {
    const std::lock_guard lock(mutex_);
    Watch();
  }
  ReadNext();
}

void UploadStream::OnReadDone(bool ok) {
  if (!ok) {
    // Also when Look() ended it, or the client did: then what is here is not stored, or is whole.
    End(upload_ == nullptr
            ? grpc::Status(grpc::INVALID_ARGUMENT, "the first chunk names no artifact")
            : ToRpc(upload_->Finish()));
  } else if (upload_ == nullptr) {
    CheckFirst();
  } else if (const absl::Status s = upload_->Append(chunk_.data()); !s.ok()) {
    End(ToRpc(s));
  } else {
    if (!chunk_.data().empty()) {
      const std::lock_guard lock(mutex_);
      heard_ = Clock::now();
    }
    ReadNext();
  }
}

void UploadStream::CheckFirst() {
  if (!chunk_.has_artifact() || !chunk_.data().empty()) {
    return End({grpc::INVALID_ARGUMENT, "the first chunk must name the artifact alone"});
  }
  loop_.Post([self = self_](Tracker& tracker, FarmTime) {
    return [self, owner = tracker.OwnerOf(self->user_, self->chunk_.session())] {
      if (self->has_ended()) return;  // the server, and with it the places, may be gone
      if (const absl::Status s = self->Open(owner); !s.ok()) return self->End(ToRpc(s));
      self->ReadNext();
    };
  });
}

absl::Status UploadStream::Open(const absl::StatusOr<std::string>& owner) {
  if (!owner.ok()) return owner.status();
  auto place = places_.Enter(*owner);
  if (!place.ok()) return place.status();
  auto upload = artifacts_.Begin(absl::BytesToHexString(chunk_.artifact().sha256()),
                                 chunk_.artifact().size());
  if (!upload.ok()) return upload.status();
  upload_ = *std::move(upload);
  const std::lock_guard lock(mutex_);
  if (!ended_) place_.emplace(*std::move(place));
  return absl::OkStatus();
}

// Under the lock: once it has finished, a call may be gone.
void UploadStream::ReadNext() {
  const std::lock_guard lock(mutex_);
  if (!ended_) StartRead(&chunk_);
}

bool UploadStream::has_ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void UploadStream::End(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  if (!ended_) FinishWith(status);
}

void UploadStream::FinishWith(const grpc::Status& status) {
  ended_ = true;
  // A client that was told may begin the next at once.
  place_.reset();
  Finish(status);
}

// ---- a client that sends nothing, or too little

UploadStream::Clock::time_point UploadStream::Due() const {
  return std::min(heard_ + places_.limits().upload_pause, began_ + places_.limits().upload_time);
}

// A new alarm each time, for an alarm's callback may not set it again; and none of them keeps the
// stream.
void UploadStream::Watch() {
  const auto left = duration_cast<milliseconds>(Due() - Clock::now()) + milliseconds(1);
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(left.count(), GPR_TIMESPAN)),
      [weak = weak_from_this()](bool fired) {
        const auto self = weak.lock();
        if (fired && self != nullptr) self->Look();
      });
}

void UploadStream::Look() {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  const auto now = Clock::now();
  if (now < Due()) return Watch();
  const FarmLimits& limits = places_.limits();
  const bool paused = now >= heard_ + limits.upload_pause;
  FinishWith({grpc::DEADLINE_EXCEEDED,
              paused ? fmt::format("nothing of the artifact came for {} ms; send it again",
                                   limits.upload_pause.count())
                     : fmt::format("the artifact was not here after {} ms; send it again",
                                   limits.upload_time.count())});
}

}  // namespace halyard
