// New certificates and revocations while the farm works.

#include <mutex>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/integration/farm_security/farm_under_test.h"

namespace halyard {
namespace {

constexpr absl::Duration kNoticed =
    absl::Seconds(15);  // 2 s; more only where the machine stands still

class Rotation : public FarmUnderTest {
 protected:
  // Serial the handler sees on a connection that begins now.
  std::string SerialOnANewConnection(const std::string& folder) {
    EXPECT_TRUE(Open(*ChannelOf(folder)).ok());
    return farm_.last().serial;
  }
  // The serial of the tracker as a client sees it on a connection that begins now.
  std::string TrackersSerial(const std::string& folder) {
    grpc::ClientContext context;
    v1::OpenSessionReply reply;
    const auto stub = v1::Farm::NewStub(ChannelOf(folder));
    EXPECT_TRUE(stub->OpenSession(&context, {}, &reply).ok());
    const auto pem = context.auth_context()->FindPropertyValues("x509_pem_cert");
    return pem.empty() ? "" : ReadCertificate({pem[0].data(), pem[0].size()})->serial;
  }
};

// Both sides get new certificates, several times, while a stream and 1,000 calls run.
TEST_F(Rotation, NoCallIsDropped) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const std::string tracker = authority_folder() + "/tracker";
  const auto channel = ChannelOf(ann);
  const auto stub = v1::Farm::NewStub(channel);
  grpc::ClientContext stream_context;
  const auto stream = stub->Results(&stream_context, {});
  v1::RequestResult first;
  ASSERT_TRUE(stream->Read(&first));
  EXPECT_EQ(first.why(), SerialIn(ann));

  std::atomic<int> good{0};
  std::atomic<bool> rotated{false};
  std::thread caller([&] {
    // 1,000 at least, and on until the last rotation has been noticed.
    for (int i = 0; i < 1000 || !rotated; i++) {
      const auto s = Call(*stub);
      EXPECT_TRUE(s.ok()) << s.error_message();
      good += s.ok();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  for (int round = 0; round < 2; round++) {
    EnrollAnew(ann, FarmRole::kClient, "ann");
    EnrollAnew(tracker, FarmRole::kTracker, "tracker");
    const std::string clients = SerialIn(ann), trackers = SerialIn(tracker);
    const absl::Time begin = absl::Now();
    std::string seen;
    do {
      seen = TrackersSerial(ann);
    } while (seen != trackers && absl::Now() < begin + kNoticed);
    EXPECT_EQ(seen, trackers);
    // The client's side reads its files on its own time.
    do {
      seen = SerialOnANewConnection(ann);
    } while (seen != clients && absl::Now() < begin + 2 * kNoticed);
    EXPECT_EQ(seen, clients);
  }
  rotated = true;
  caller.join();
  EXPECT_GE(good, 1000);
  EXPECT_EQ(farm_.streams, 1) << "the stream of before is there still";
  stream_context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
}

// A channel that lives long uses the new certificate for its next connection.
TEST_F(Rotation, AnOldChannelReconnectsWithTheNewCertificate) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto channel = ChannelOf(ann);
  ASSERT_TRUE(Open(*channel).ok());
  const std::string before = farm_.last().serial;
  EnrollAnew(ann, FarmRole::kClient, "ann");
  absl::SleepFor(absl::Seconds(3));  // the files are looked at every second
  ASSERT_TRUE(Open(*channel).ok());
  EXPECT_EQ(farm_.last().serial, before) << "one connection keeps what it began with";
  Serve();  // again, on the same port
  grpc::Status status;
  const absl::Time begin = absl::Now();
  do {
    status = Open(*channel);
  } while (!status.ok() && absl::Now() < begin + kNoticed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(farm_.last().serial, SerialIn(ann));
}

// Half a copied file, an empty one (over which gRPC's own watcher ends the process), none at all:
// calls go on, new connections are served with what was there before, and each trouble is told
// once.
TEST_F(Rotation, DamagedFilesChangeNothing) {
  std::mutex mutex;
  std::vector<std::string> told;
  tell_ = [&](const absl::Status& s) {
    const std::lock_guard<std::mutex> lock(mutex);
    told.emplace_back(s.message());
  };
  const auto last_told = [&](size_t number) {
    const absl::Time begin = absl::Now();
    while (absl::Now() < begin + kNoticed) {
      {
        const std::lock_guard<std::mutex> lock(mutex);
        if (told.size() >= number) return told.back();
      }
      absl::SleepFor(absl::Milliseconds(50));
    }
    return std::string("nothing was told");
  };
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const std::string before = TrackersSerial(ann);
  const std::string folder = authority_folder() + "/tracker/";
  const auto channel = ChannelOf(ann);
  size_t number = 0;
  const auto write = [&](const char* file, const std::string& bytes) {
    EXPECT_TRUE(WriteFileAtomically(folder + file, bytes, 0600).ok());
  };
  const auto expect_told = [&](const std::string& says) {
    const std::string line = last_told(++number);
    EXPECT_NE(line.find(says), std::string::npos) << line;
    absl::SleepFor(absl::Milliseconds(1100));  // gRPC, too, looks every second
    EXPECT_TRUE(Open(*channel).ok());
    EXPECT_EQ(TrackersSerial(ann), before);
  };
  const std::string certificate = *ReadWholeFile(folder + "cert.pem");
  write("cert.pem", certificate.substr(0, certificate.size() / 2));
  expect_told("cert.pem' holds no certificate");
  ASSERT_EQ(std::remove((folder + "cert.pem").c_str()), 0);
  expect_told("cert.pem'; give a folder");
  write("cert.pem", "");
  expect_told("cert.pem' holds no certificate");
  write("cert.pem", certificate);
  write("key.pem", "");
  expect_told("key.pem' is not the key of cert.pem");
  EXPECT_EQ(told.size(), number);
}

// Another name's certificate is not taken up by a process that runs as somebody.
TEST_F(Rotation, AnotherHoldersFilesAreNotTaken) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann"), serial = SerialIn(ann);
  const auto channel = ChannelOf(ann);
  ASSERT_TRUE(Open(*channel).ok());
  EnrollAnew(ann, FarmRole::kClient, "bob");
  absl::SleepFor(absl::Milliseconds(2500));
  Serve();
  grpc::Status status;
  const absl::Time begin = absl::Now();
  do {
    status = Open(*channel);
  } while (!status.ok() && absl::Now() < begin + kNoticed);
  EXPECT_EQ(farm_.last().name, "ann");
  EXPECT_EQ(farm_.last().serial, serial);
}

// A list that was lost or is an older one lets nobody in again.
TEST_F(Rotation, RevocationsStayWhereTheListIsLost) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann"), bob = Enroll(FarmRole::kClient, "bob");
  const std::string list = authority_folder() + "/crl.pem";
  const std::string older = *ReadWholeFile(list);
  Revoke(SerialIn(ann));
  absl::SleepFor(absl::Milliseconds(1100));
  const auto anns = ChannelOf(ann), bobs = ChannelOf(bob);
  EXPECT_EQ(Open(*anns).error_code(), grpc::UNAUTHENTICATED);
  const auto still = [&] {
    absl::SleepFor(absl::Milliseconds(1100));
    EXPECT_EQ(Open(*anns).error_code(), grpc::UNAUTHENTICATED);
    EXPECT_TRUE(Open(*bobs).ok());
  };
  ASSERT_TRUE(WriteFileAtomically(list, older, 0644).ok());
  still();
  EXPECT_NE(authorizer_->revocations().trouble().find("older than the one in use"),
            std::string::npos);
  ASSERT_TRUE(WriteFileAtomically(list, "damaged", 0644).ok());
  still();
  ASSERT_EQ(std::remove(list.c_str()), 0);
  still();
  EXPECT_EQ(authorizer_->revocations().refused(), 3u);
}

}  // namespace
}  // namespace halyard
