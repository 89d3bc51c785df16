// farm_proxy: a bad network between a farm's parts, made to order: see farm_proxy --help.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>

#include "rpc_farm/proxy/farm_proxy.h"
#include "rpc_farm/proxy/proxy_commands.h"
#include "rpc_farm/service_process.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

// As of `tune`.
constexpr int kExitDone = 0, kExitUsage = 2, kExitInfrastructure = 4;

void Say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

// Until the end of stdin, which does not end the proxy: it may have had all its orders.
void TakeCommands(FarmProxy& proxy) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "help") {
      fmt::print("{}", kProxyCommands);
      Say("ok");
    } else {
      Say(DoProxyCommand(proxy, line));
    }
  }
}

int Main(int argc, char** argv) {
  std::string listen, server;
  pid_t end_with = 0;
  po::options_description options(
      fmt::format("farm_proxy --listen HOST:PORT --to HOST:PORT\n"
                  "Stands between a farm's tracker and an agent or a client, and makes the network "
                  "bad as lines on stdin say:\n{}"
                  "Each is answered by a line on stdout. Ends by Ctrl-C or SIGTERM",
                  kProxyCommands));
  auto add = options.add_options();
  add("help", "this text");
  add("listen", po::value(&listen)->default_value("127.0.0.1:0"),
      "where agents and clients connect; port 0: any free one, which is said");
  add("to", po::value(&server), "the tracker's address");
  add(kEndWithOption, po::value(&end_with)->value_name("PID"), kEndWithHelp);
  try {
    po::variables_map given;
    po::store(
        po::command_line_parser(argc, argv)
            .options(options)
            .positional({})
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run(),
        given);
    po::notify(given);
    if (given.count("help") != 0) {
      std::cout << options;
      return kExitDone;
    }
  } catch (const po::error& e) {
    fmt::print(stderr, "farm_proxy: {}; farm_proxy --help lists the options\n", e.what());
    return kExitUsage;
  }
  if (server.empty()) {
    fmt::print(stderr, "farm_proxy: --to is missing: give the tracker's HOST:PORT\n");
    return kExitUsage;
  }
  const EndSignals signals;
  if (end_with != 0) EndWithParent(end_with);
  const auto proxy = FarmProxy::Start(listen, server);
  if (!proxy.ok()) {
    fmt::print(stderr, "farm_proxy: {}\n", std::string(proxy.status().message()));
    return absl::IsInvalidArgument(proxy.status()) ? kExitUsage : kExitInfrastructure;
  }
  Say(fmt::format("listens at {}:{}", listen.substr(0, listen.rfind(':')), (*proxy)->port()));
  // Waits for a line as long as nobody writes one: it ends with the process.
  std::thread([&proxy] { TakeCommands(**proxy); }).detach();
  signals.Await();
  std::fflush(stdout);
  // Not by returning: the thread above may be at a command.
  _exit(kExitDone);
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) { return halyard::Main(argc, argv); }
