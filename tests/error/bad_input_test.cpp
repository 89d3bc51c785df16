// Bad input of every command but the farm's.

#include "tests/error/bad_input.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "logs/measurement_log.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> With(std::vector<std::string> more, const std::string& op = "gemm",
                              const std::string& shape = "8x8x8") {
  std::vector<std::string> args = {"--op",     op,     "--shape",  shape,
                                   "--device", "rpi4", "--trials", "2"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST_F(BadInput, UnknownNames) {
  ExpectRefused({"--op", "fft", "--shape", "8", "--device", "host"}, "'fft'");
  ExpectRefused({"--op", "gemm", "--shape", "8x8x8", "--device", "toaster"}, "toaster");
  ExpectRefused(With({"--frobnicate"}), "--frobnicate");
  ExpectRefused(With({"--strategy", "prayer"}), "'prayer'");
  ExpectRefused(With({"--dtype", "f16"}), "'f16'");
  ExpectRefused(With({"--trials", "many"}), "trials");
  ExpectRefused(With({"--trials", "0"}), "--trials");
  ExpectRefused(With({"--time", "soon"}), "'soon'");
  ExpectRefused(With({"--time", "-5m"}), "'-5m'");
  ExpectRefused(With({"--stop-gain", "-0.1"}), "--stop-gain is -0.1");
  ExpectRefused(With({"--stop-gain", "little"}), "stop-gain");
  ExpectRefused(With({"--peer", "adams2019"}), "--peer");
  ExpectRefused({"--op", "gemm", "--device", "host"}, "--shape");
  ExpectRefused({"harvest"}, "'harvest'");
  ExpectRefused({"log", "burn"}, "burn");
  ExpectRefused(With({"stray"}), "");
}

TEST_F(BadInput, Devices) {
  ExpectRefused({"devices", "burn"}, "'devices burn' is not a command");
  ExpectRefused({"devices", "show"}, "devices show is missing which");
  ExpectRefused({"devices", "show", "toaster"}, "no device 'toaster'; known devices: ");
  ExpectRefused({"devices", "--frobnicate"}, "--frobnicate is not an option of tune devices");
  ExpectRefused({"devices", "show", "./none.json"}, "no device file ./none.json");
  // One line that names file and field, from every command that takes a device.
  const auto refused = [](const std::string& change, const std::string& names) {
    std::ofstream("./my.json") << R"({"inherits": "rpi4", "id": "my", )" << change << "}";
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"devices", "show", "./my.json"},
          std::vector<std::string>{"package", "--device", "./my.json"},
          std::vector<std::string>{"--op", "gemm", "--shape", "8x8x8", "--device", "./my.json"}}) {
      ExpectRefused(command, "my.json: " + names);
    }
  };
  refused(R"("speed": 3)", "speed is not a field of a device file");
  refused(R"("halide_target": null)", "halide_target is missing");
  refused(R"("halide_target": "arm-64-linux-warp")",
          "halide_target 'arm-64-linux-warp' is not one");
  refused(R"("halide_target": "host")", "halide_target 'host' is not one");
  refused(R"("clock_ghz": 1800)", "clock_ghz is 1800; give GHz");
  refused(R"("caches": [{"bytes": 65536, "line_bytes": 64, "shared_by_cores": 1},
                        {"bytes": 32768, "line_bytes": 64, "shared_by_cores": 4}])",
          "caches[1].bytes is 32768, less than the 65536");
  refused(R"("memory_bytes": 4096)", "memory_bytes is 4096, less than caches[0]");
  refused(R"("id": "rpi4", "cores": 8)", "id is 'rpi4', which is the listed device with another");
  refused(R"("inherits": "./my.json")", "inherits goes round in a circle");
  std::ofstream("heir.json") << R"({"inherits": "./base.json", "id": "heir"})";
  std::ofstream("base.json") << R"({"inherits": "rpi4", "id": "base", "cores": 0})";
  ExpectRefused({"devices", "show", "./heir.json"},
                "base.json: cores must be a positive integer (inherited by ./heir.json)");
}

TEST_F(BadInput, Shapes) {
  auto gemm = [](const std::string& s) { return With({}, "gemm", s); };
  ExpectRefused(gemm("8x8"), "2 sizes");
  ExpectRefused(gemm("8x8x8x8"), "4 sizes");
  ExpectRefused(gemm("0x8x8"), "size 1");
  ExpectRefused(gemm("8x-8x8"), "size 2");
  ExpectRefused(gemm("8x8xeight"), "'eight'");
  ExpectRefused(gemm("8x8x"), "size 3");
  ExpectRefused(gemm("99999999999999999999x8x8"), "size 1");
  ExpectRefused(gemm("65536x8x65536"), "4.29e+09");
  ExpectRefused(gemm("8x8x8,stride=2"), "'stride=2'");
  ExpectRefused(gemm("8x8x8,act=tanh"), "act is 'tanh'; give one of none, relu, gelu");
  ExpectRefused(gemm("8x8x8,act="), "act is ''");
  ExpectRefused(gemm("8x8x8,bias=yes"), "bias is 'yes'");
  auto conv = [](const std::string& s) { return With({}, "conv2d", s); };
  ExpectRefused(conv("1x8x8x6x8x3x3,groups=4"), "groups");
  ExpectRefused(conv("1x8x8x8x6x3x3,groups=4"), "groups");
  ExpectRefused(conv("1x4x4x8x8x7x7,pad=1"), "kernel");
  ExpectRefused(conv("1x8x8x8x8x3x3,stride=0"), "stride");
  ExpectRefused(conv("1x8x8x8x8x3x3,pad=1,pad=1"), "twice");
  ExpectRefused(With({}, "attention", "2x16x8x4,causal=1"), "causal");
  ExpectRefused(With({}, "softmax", "8"), "1 sizes");
}

TEST_F(BadInput, Logs) {
  std::ofstream("text.db") << "this is not a database, however long a person looks at it\n";
  ExpectRefused(With({"--log", "text.db"}), "text.db");

  ASSERT_TRUE(OpenSqliteLog("newer.db", LogMode::kWrite).ok());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open("newer.db", &db), SQLITE_OK);
  sqlite3_exec(db, "PRAGMA user_version = 9999", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  ExpectRefused(With({"--log", "newer.db"}), "newer.db");

  ASSERT_TRUE(OpenSqliteLog("readonly.db", LogMode::kWrite).ok());
  chmod("readonly.db", 0444);
  ExpectRefused(With({"--log", "readonly.db"}), "readonly.db");
  ExpectRefused(With({"--log", "no/such/folder/tuned.db"}), "no/such/folder");
  ExpectRefused({"log", "best", "--log", "missing.db"}, "missing.db");
}

TEST_F(BadInput, Report) {
  ExpectRefused({"report", "missing.db"}, "log missing.db does not exist");
  ExpectRefused({"report", "--frobnicate"}, "--frobnicate is not an option of tune report");
  ExpectRefused({"report", "a.db", "b.db"}, "tune report --help");
  std::ofstream("text.db") << "this is not a database, however long a person looks at it\n";
  ExpectRefused({"report", "text.db"}, "text.db");

  ASSERT_TRUE(OpenSqliteLog("log.db", LogMode::kWrite).ok());
  // A reader of a log leaves SQLite's index beside it; what counts is that there is no report.
  ASSERT_EQ(Run({"log", "stats", "--log", "log.db"}).exit_code, 0);
  const int kNothingValid = 3;
  ExpectRefused({"report", "log.db"}, "log log.db has no records", kNothingValid);
  ExpectRefused({"report", "log.db", "--term"}, "log log.db has no records", kNothingValid);

  std::vector<Record> one(1);
  one[0].workload = "gemm:8x8x8:f32";
  one[0].device = "rpi4";
  one[0].unit = "ns";
  ASSERT_TRUE((*OpenSqliteLog("log.db", LogMode::kWrite))->Append(one).ok());
  ASSERT_EQ(Run({"log", "stats", "--log", "log.db"}).exit_code, 0);
  std::filesystem::create_directory("folder");
  ExpectRefused({"report", "log.db", "-o", "folder"}, "-o 'folder': it is a folder");
  ExpectRefused({"report", "log.db", "-o", ""}, "-o '': the name is empty");
  ExpectRefused({"report", "log.db", "-o", "no/such/report.html"},
                "-o 'no/such/report.html': No such");
  ExpectRefused({"report", "log.db", "-o", "/proc/report.html"}, "-o '/proc/report.html'");
  ExpectRefused({"report", "log.db", "--library", "folder"},
                "--library 'folder' has no manifest.json");
  ExpectRefused({"report", "log.db", "--against", "folder"}, "give that one with --library DIR");

  const ChildResult written = Run({"report", "log.db", "-o", "report.html"});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(written.out, "report.html\n");
  EXPECT_TRUE(std::filesystem::exists("report.html"));
}

TEST_F(BadInput, OutFolder) {
  std::ofstream("file") << "x";
  ExpectRefused(With({"--out", "file/out"}), "file");
  ExpectRefused(With({"--out", "/proc/halyard"}), "/proc");
}

std::vector<std::string> Recording(std::vector<std::string> more) {
  std::vector<std::string> args = {"record",   "--op", "softmax", "--shape",  "64x100",
                                   "--device", "rpi4", "--out",   "new.space"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST_F(BadInput, Record) {
  ExpectRefused({"record", "--shape", "8x8", "--device", "rpi4", "--out", "a"}, "--op");
  ExpectRefused({"record", "--op", "softmax", "--device", "rpi4", "--out", "a"}, "--shape");
  ExpectRefused({"record", "--op", "softmax", "--shape", "8x8", "--out", "a"}, "--device");
  ExpectRefused({"record", "--op", "softmax", "--shape", "8x8", "--device", "rpi4"}, "--out");
  ExpectRefused(Recording({"--frobnicate"}), "--frobnicate is not an option of tune record");
  ExpectRefused(Recording({"stray"}), "");
  ExpectRefused(Recording({"--configs", "2"}), "--configs is 2");
  ExpectRefused(Recording({"--configs", "few"}), "configs");
  ExpectRefused(Recording({"--restrict", "tile=8"}), "no knob named 'tile'");
  ExpectRefused(Recording({"--restrict", "vec"}), "'vec' is given no value");
  ExpectRefused(Recording({"--restrict", "vec=7"}), "no value '7'; it has 4, 8");
  ExpectRefused(Recording({"--restrict", "vec=4", "vec=8"}), "twice");
  ExpectRefused(Recording({"--restrict", "vec=8"}), "leaves out 4");
  ExpectRefused(Recording({"--from", "missing.db"}), "missing.db");
  std::ofstream("new.space") << "x";
  ExpectRefused(Recording({}), "'new.space' is there already");
  auto nowhere = Recording({});
  nowhere.back() = "no/such/folder/new.space";
  ExpectRefused(nowhere, "no/such/folder");
}

TEST_F(BadInput, PackageAgainst) {
  const auto against = [](const std::string& folder) {
    return std::vector<std::string>{"package", "--device", "rpi4", "--against", folder};
  };
  ExpectRefused(against(""), "--against is empty; give a shipped library's folder");
  ExpectRefused(against("none"), "--against 'none': there is no such folder; give a folder");
  fs::create_directory("bare");
  ExpectRefused(against("bare"), "--against 'bare' has no manifest.json");
  fs::create_directory("old");
  const auto manifest = [](const std::string& format, const std::string& device,
                           const std::string& unit) {
    std::ofstream("old/manifest.json")
        << R"({"format": )" << format << R"(, "device": {"id": ")" << device
        << R"("}, "board_kind": "virtual", "compiler": "c", "variants": [], "name": "x", )"
        << R"("commit": "a", "files": {}, "unit": ")" << unit << R"("})";
  };
  manifest("3", "rpi4", "virtual_cycles");
  ExpectRefused(against("old"), "'old': manifest.json is of format 3, this program reads 1 to 2");
  manifest("2", "rpi5", "virtual_cycles");
  ExpectRefused(against("old"), "'old' is a library for rpi5; give one for rpi4");
  manifest("2", "rpi4", "ns");
  ExpectRefused(against("old"), "'old' was measured in ns of a virtual board");
  std::ofstream("old/manifest.json") << "no JSON";
  ExpectRefused(against("old"), "'old': manifest.json is no manifest of a library");
}

TEST_F(BadInput, Explain) {
  const auto explain = [](std::vector<std::string> more, const std::string& shape = "64x300") {
    std::vector<std::string> args = {"explain", "--op",     "softmax", "--shape",
                                     shape,     "--device", "rpi4"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  };
  ExpectRefused({"explain", "--shape", "8x8", "--device", "rpi4"}, "--op is missing");
  ExpectRefused(explain({}, "8"), "1 sizes");
  ExpectRefused(explain({"--frobnicate"}), "--frobnicate is not an option of tune explain");
  ExpectRefused(explain({}), "tuned.db");
  ExpectRefused(explain({"--log", "missing.db"}), "missing.db");
  ExpectRefused(explain({"--rounds", "4"}), "--rounds is 4; give a number from 5 to 100");
  ExpectRefused(explain({"--rounds", "many"}), "rounds");
  ExpectRefused(explain({"--model", "missing.bin"}), "--model: no model 'missing.bin'");
  ExpectRefused(explain({"--config", "vec=4"}),
                "--config: knob 'form' is missing; give every knob");
  ExpectRefused(explain({"--config", "tile=4"}), "--config: no knob named 'tile'");
  const std::string rest = ",partials=1,unroll=1,block=1,grain=1,parallel=yes";
  ExpectRefused(explain({"--config", "form=store,vec=7" + rest}), "knob 'vec' has no value '7'");
  ExpectRefused(explain({"--config",
                         "form=store,vec=4,partials=1,unroll=1,block=8,grain=32,"
                         "parallel=yes"}),
                "more rows a task than the tensor has");
  ExpectRefused(explain({"--config", "form=store,vec=4" + rest, "--log", "missing.db"}),
                "missing.db");
  // There, and of another task.
  const auto log = OpenSqliteLog("other.db", LogMode::kWrite);
  ASSERT_TRUE(log.ok());
  std::vector<Record> records(1);
  records[0].workload = "softmax:64x301:f32";
  records[0].device = "rpi4";
  records[0].unit = "virtual_cycles";
  records[0].board_kind = BoardKind::kVirtual;
  records[0].config = "form=store";
  records[0].samples = {5};
  records[0].outcome = Outcome::kOk;
  ASSERT_TRUE((*log)->Append(records).ok());
  ExpectRefused(explain({"--log", "other.db"}),
                "'other.db' has no ok record of softmax:64x300:f32@rpi4; ./tune --op softmax "
                "--shape 64x300 --device rpi4 --log other.db gives it one",
                3);
  records[0].workload = "softmax:64x300:f32";
  records[0].space_version = 0;
  ASSERT_TRUE((*log)->Append(records).ok());
  ExpectRefused(explain({"--log", "other.db"}), "only older ones", 3);
}

TEST_F(BadInput, Model) {
  ExpectRefused({"model"}, "'model ' is not a command");
  ExpectRefused({"model", "praise"}, "'model praise' is not a command");
  ExpectRefused({"model", "eval", "--frobnicate"}, "--frobnicate is not an option of tune model");
  ExpectRefused({"model", "eval"}, "--log is missing");
  ExpectRefused({"model", "eval", "--log", "missing.db"}, "missing.db");
  ExpectRefused({"model", "eval", "--log", "missing.db", "--folds", "1"}, "--folds is 1");
  ExpectRefused({"model", "train", "--log", "missing.db"}, "--out is missing");
  ExpectRefused({"model", "train", "--log", "missing.db", "-o", "no/such/folder/m.bin"},
                "no/such/folder");
  ExpectRefused({"model", "show", "missing.bin"}, "missing.bin");
  std::ofstream("text.bin") << "not a model\n";
  ExpectRefused({"model", "show", "text.bin"}, "'text.bin' is not a base model");
  ASSERT_TRUE(OpenSqliteLog("empty.db", LogMode::kWrite).ok());
  const ChildResult nothing = Run({"model", "eval", "--log", "empty.db"});
  EXPECT_EQ(nothing.exit_code, 3);
  EXPECT_NE(nothing.err.find("0 tasks with records are too few"), std::string::npos) << nothing.err;
}

TEST_F(BadInput, Suite) {
  const auto suite = [](std::vector<std::string> more) {
    std::vector<std::string> args = {"suite", "list.txt", "--device", "rpi4"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  };
  ExpectRefused(suite({}), "'list.txt' cannot be read");
  std::ofstream("list.txt") << "# only a comment\n";
  ExpectRefused(suite({}), "'list.txt' has no workload; give lines such as");
  std::ofstream("list.txt") << "gemm 8x8x8\n\nsoftmax 8 # x3\n";
  ExpectRefused(suite({}), "list.txt:3: ");
  std::ofstream("list.txt") << "gemm 8x8x8\nfft 16x16\n";
  ExpectRefused(suite({}), "list.txt:2: ");
  std::ofstream("list.txt") << "gemm 8x8x8\nsoftmax\n";
  ExpectRefused(suite({}), "list.txt:2: not `OP SHAPE`");
  std::ofstream("list.txt") << "gemm 8x8x8\ngemm 8x8x8 # x2\n";
  ExpectRefused(suite({}), "list.txt:2: gemm:8x8x8:f32 stands twice");
  std::ofstream("list.txt") << "gemm 8x8x8 # x0\n";
  ExpectRefused(suite({}), "list.txt:1: x0");
  std::ofstream("list.txt") << "gemm 8x8x8 # x2\n";
  ExpectRefused({"suite", "--device", "rpi4"}, "the file is missing; give a suite");
  ExpectRefused({"suite", "list.txt"}, "--device is missing");
  ExpectRefused({"suite", "list.txt", "--device", "toaster"}, "toaster");
  ExpectRefused(suite({"stray"}), "");
  ExpectRefused(suite({"--frobnicate"}), "--frobnicate is not an option of tune suite");
  ExpectRefused(suite({"--trials", "0"}), "--trials is 0");
  ExpectRefused(suite({"--time", "soon"}), "'soon'");
  ExpectRefused(suite({"--stop-gain", "-1"}), "--stop-gain is -1");
  ExpectRefused(suite({"--stop-gain", "100"}), "--stop-gain is 100");
  ExpectRefused(suite({"--stop-gain", "nan"}), "--stop-gain");
  ExpectRefused(suite({"--strategy", "prayer"}), "'prayer'");
  ExpectRefused(suite({"--out", "/proc/halyard"}), "/proc");
  ExpectRefused(suite({"--log", "no/such/folder/tuned.db"}), "no/such/folder");
}

TEST_F(BadInput, SuiteFile) {
  const auto suite = [](const std::string& devices, const std::string& rest = "") {
    std::ofstream("night.toml") << "[[device]]\nid = \"rpi4\"\n" + devices + "[[workloads]]\n" +
                                       (rest.empty() ? "list = [\"gemm 8x8x8\"]\n" : rest);
    return std::vector<std::string>{"suite", "night.toml"};
  };
  ExpectRefused({"suite", "none.toml"}, "'none.toml' cannot be read");
  auto beside = suite("");
  beside.insert(beside.end(), {"--device", "rpi4"});
  ExpectRefused(beside, "--device beside 'night.toml': say it in the file");
  beside.back() = "7";
  beside[2] = "--trials";
  ExpectRefused(beside, "--trials beside 'night.toml'");
  ExpectRefused(suite("[[device]]\nid = \"rpi6\"\n"), "night.toml:3: ");
  ExpectRefused(suite("[[device]]\nid = \"rpi4\"\n"), "night.toml:3: rpi4 stands twice");
  ExpectRefused(suite("farm = \"lab\"\n"), "night.toml:1: --farm 'lab' is no address");
  ExpectRefused(suite("farm_tags = \"a\"\n"), "give --farm too");
  ExpectRefused(suite("", "file = \"none.txt\"\n"), "night.toml:3: 'none.txt' cannot be read");
  ExpectRefused(suite("", "file = \"none.onnx\"\n"), "none.onnx");
  ExpectRefused(suite("", "list = [\"gemm 8x8\"]\n"), "night.toml:3: list:1: ");
  ExpectRefused(suite("", "list = [\"gemm 8x8x8\"]\ndevices = [\"rpi5\"]\n"),
                "'rpi5' is no [[device]] of this suite");
  ExpectRefused(
      suite("[[device]]\nid = \"rpi5\"\n", "list = [\"gemm 8x8x8\"]\ndevices = [\"rpi5\"]\n"),
      "night.toml:1: no [[workloads]] are for rpi4");
  ExpectRefused(suite("", "list = [\"gemm 8x8x8\"]\n[suite]\nstrategy = \"luck\"\n"),
                "strategy 'luck' is not known; give one of");
  ExpectRefused(suite("", "list = [\"gemm 8x8x8\"]\n[suite]\ntime = \"long\"\n"),
                "time: 'long' is not a duration");
  ExpectRefused(suite("", "list = [\"gemm 8x8x8\"]\n[suite]\ndeadline = \"25:00\"\n"),
                "deadline '25:00' is no time of day");
  ExpectRefused(suite("", "list = [\"gemm 8x8x8\"]\n[suite]\nout = \"/proc/x\"\n"), "/proc");
}

TEST_F(BadInput, ReplayModes) {
  for (const std::string mode : {"--together", "--stops"}) {
    ExpectRefused({"replay", mode}, "no file");
    ExpectRefused({"replay", mode, "missing.space"}, "missing.space");
    ExpectRefused({"replay", mode, "a.space", "--frobnicate"}, "of tune replay " + mode);
    ExpectRefused({"replay", mode, "a.space", "--strategy", "sa,random"}, "'sa,random'");
    ExpectRefused({"replay", mode, "a.space", "--seeds", "0"}, "--seeds is 0");
    ExpectRefused({"replay", mode, "a.space", "--trials", "8"}, "--trials is 8");
    ExpectRefused({"replay", mode, "a.space", "--model", "missing.bin"}, "missing.bin");
  }
  ExpectRefused({"replay", "--together", "a.space", "--weights", "1,2"}, "--weights has 2");
  ExpectRefused({"replay", "--together", "a.space", "--weights", "-1"}, "'-1' is not a weight");
  ExpectRefused({"replay", "--together", "a.space", "--stop-gain", "200"}, "--stop-gain is 200");
}

TEST_F(BadInput, Replay) {
  ExpectRefused({"replay"}, "no file");
  ExpectRefused({"replay", "missing.space"}, "missing.space");
  ExpectRefused({"replay", "--frobnicate"}, "--frobnicate is not an option of tune replay");
  std::ofstream("text.space") << "not a recorded space\n";
  ExpectRefused({"replay", "text.space"}, "'text.space' is not a recorded space");
  std::ofstream("empty.space").flush();
  ExpectRefused({"replay", "empty.space"}, "'empty.space' is not a recorded space");
  std::ofstream("newer.space") << "halyard_recorded_space 9\n{}\n";
  ExpectRefused({"replay", "newer.space"}, "of format '9'");
  std::ofstream("cut.space") << "halyard_recorded_space 1\n{\"workload\":";
  ExpectRefused({"replay", "cut.space"}, "damaged or cut short");
  ExpectRefused({"replay", "."}, "'.'");
  ExpectRefused({"replay", "a.space", "--strategy", "sa,prayer"}, "'prayer'");
  ExpectRefused({"replay", "a.space", "--strategy", ""}, "--strategy");
  ExpectRefused({"replay", "a.space", "--seeds", "0"}, "--seeds is 0");
  ExpectRefused({"replay", "a.space", "--trials", "-1"}, "--trials is -1");
  ExpectRefused({"replay", "a.space", "--trials", "lots"}, "trials");
  ExpectRefused({"replay", "a.space", "--model", "missing.bin"}, "missing.bin");
}

}  // namespace
}  // namespace halyard
