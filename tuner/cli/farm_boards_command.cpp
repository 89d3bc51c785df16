// tune farm status, drain, quarantine, release: calls of the tracker's Admin service.
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>
#include <thread>

#include "farm.grpc.pb.h"
#include "fmt/format.h"
#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/grpc_log.h"
#include "rpc_farm/security/server_setup.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/farm_command.h"
#include "tuner/cli/farm_options.h"
#include "tuner/cli/farm_status_text.h"
#include "tuner/cli/options.h"

namespace halyard {
namespace {

namespace po = boost::program_options;
using farm::v1::Admin;

constexpr std::chrono::seconds kCallDeadline{10}, kRefresh{2};

struct Arguments {
  FarmOptions farm;
  std::string board, why;
  bool watch = false, json = false;
};

absl::StatusOr<std::unique_ptr<Admin::Stub>> Dial(const FarmOptions& farm) {
  KeepGrpcQuiet();
  auto credentials = ChannelCredentialsFrom(farm.certificates, farm.address);
  if (!credentials.ok()) return credentials.status();
  return Admin::NewStub(
      grpc::CreateCustomChannel(farm.address, *credentials, FarmChannelArguments()));
}

// Runs a unary call; its failure as a person reads it.
template <typename Call>
absl::Status Ask(const FarmOptions& farm, Call call) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  const absl::Status status = FromRpc(call(context));
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    return Unreachable(farm.address, status);
  }
  return status;
}

// Reads the line into `a`; nothing where the command is to go on.
std::optional<int> Parse(const std::vector<std::string>& args, const std::string& command,
                         po::options_description options, bool takes_board, Arguments& a) {
  options.add_options()("farm", po::value(&a.farm.address)->default_value("127.0.0.1:7879"),
                        "HOST:PORT of the tracker");
  options.add_options()("farm-certificates", po::value(&a.farm.certificates),
                        "folder of tune farm enroll (default: $HALYARD_FARM_CERTIFICATES)");
  options.add_options()("help,h", "print this");
  po::options_description all;
  all.add(options);
  po::positional_options_description positional;
  if (takes_board) {
    all.add_options()("board", po::value(&a.board));
    positional.add("board", 1);
  }
  const auto given = ParseOptions(args, all, positional, command);
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << command << (takes_board ? " BOARD" : "") << " [options]\n" << options;
    return kExitDone;
  }
  if (takes_board && a.board.empty()) {
    return Fail(kExitUsage, command + " is missing which; give a BOARD of tune farm status");
  }
  if (auto s = CheckFarmOptions(a.farm); !s.ok()) return Fail(s);
  return std::nullopt;
}

int Columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 120;
}

void Print(const farm::v1::FarmStatus& status, const Arguments& a) {
  if (!a.json) {
    std::cout << FarmStatusText(status, Columns());
  } else {
    std::string text;
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    options.preserve_proto_field_names = true;
    (void)google::protobuf::util::MessageToJsonString(status, &text, options);
    std::cout << text << "\n";
  }
  std::cout.flush();
}

// An order about one board.
template <typename Order>
int OrderBoard(const std::vector<std::string>& args, const std::string& command,
               const std::string& done, Order order, bool takes_why = false) {
  Arguments a;
  po::options_description options;
  if (takes_why) options.add_options()("why", po::value(&a.why), "for those who find it so");
  if (const auto end = Parse(args, command, options, /*takes_board=*/true, a)) return *end;
  const auto stub = Dial(a.farm);
  if (!stub.ok()) return Fail(stub.status());
  farm::v1::BoardRequest request;
  request.set_board(a.board);
  request.set_why(a.why);
  farm::v1::BoardReply reply;
  const absl::Status status = Ask(a.farm, [&](grpc::ClientContext& context) {
    return order(**stub, &context, request, &reply);
  });
  if (!status.ok()) return Fail(status);
  fmt::print("{}: {}\n", a.board, done);
  return kExitDone;
}

}  // namespace

int FarmStatusCommand(const std::vector<std::string>& args) {
  Arguments a;
  po::options_description options;
  options.add_options()("watch", po::bool_switch(&a.watch), "again every two seconds");
  options.add_options()("json", po::bool_switch(&a.json), "one JSON object");
  if (const auto end = Parse(args, "tune farm status", options, /*takes_board=*/false, a)) {
    return *end;
  }
  const auto stub = Dial(a.farm);
  if (!stub.ok()) return Fail(stub.status());
  const std::atomic<bool>& interrupted = CatchInterrupts();
  const bool terminal = a.watch && !a.json && isatty(STDOUT_FILENO) != 0;
  do {
    farm::v1::FarmStatus reply;
    const absl::Status status = Ask(a.farm, [&](grpc::ClientContext& context) {
      return (*stub)->GetStatus(&context, {}, &reply);
    });
    if (!status.ok() && (!a.watch || !absl::IsUnavailable(status))) return Fail(status);
    if (terminal) std::cout << "\x1b[H\x1b[J";
    if (status.ok()) {
      Print(reply, a);
    } else {
      (void)Fail(status);  // it may come back
    }
    for (auto until = std::chrono::steady_clock::now() + kRefresh;
         a.watch && !interrupted && std::chrono::steady_clock::now() < until;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  } while (a.watch && !interrupted);
  return kExitDone;
}

int FarmDrainCommand(const std::vector<std::string>& args) {
  return OrderBoard(args, "tune farm drain", "finishes what it runs and gets no other work",
                    [](Admin::Stub& stub, auto... call) { return stub.Drain(call...); });
}

int FarmQuarantineCommand(const std::vector<std::string>& args) {
  return OrderBoard(
      args, "tune farm quarantine", "stopped, and held until tune farm release",
      [](Admin::Stub& stub, auto... call) { return stub.Quarantine(call...); },
      /*takes_why=*/true);
}

int FarmReleaseCommand(const std::vector<std::string>& args) {
  return OrderBoard(args, "tune farm release",
                    "gets work again, once it has proved itself if it was in quarantine",
                    [](Admin::Stub& stub, auto... call) { return stub.Release(call...); });
}

}  // namespace halyard
