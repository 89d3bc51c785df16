#include "tests/conformance/firmware_artifacts.h"

#include <fstream>
#include <stdexcept>

#include "targets/child_process.h"

namespace halyard {

void BuildFirmwareKernel(const Device& device, const std::string& path, const std::string& body,
                         const std::string& pack, const std::string& outside) {
  const std::string pointers = R"(
  volatile float* IN = ((Buffer*)args[1])->host;
  volatile float* OUT = ((Buffer*)args[2])->host;
  int N = ((Buffer*)args[2])->dim[0].extent;
  (void)IN; (void)OUT; (void)N;
)";
  std::ofstream(path + ".c") << R"(
typedef struct { int min, extent, stride, flags; } Dim;
typedef struct { unsigned long long device; void* iface; float* host; unsigned long long flags;
                 unsigned type; int dimensions; Dim* dim; void* padding; } Buffer;
)" << outside << "\nint kernel_argv(void** args) {"
                             << pointers << body << "\n  return 0;\n}\n"
                             << (pack.empty() ? ""
                                              : "int pack_argv(void** args) {" + pointers + pack +
                                                    "\n  return 0;\n}\n");
  const ChildResult r =
      RunChild({"arm-none-eabi-gcc", "-mcpu=" + device.firmware->llc_cpu, "-mthumb",
                "-mfloat-abi=hard", "-mfpu=auto", "-O1", "-ffreestanding", "-fno-builtin",
                "-fno-common", "-c", path + ".c", "-o", path},
               "", ChildLimits{});
  if (r.exit_code != 0) throw std::runtime_error("arm-none-eabi-gcc: " + r.err);
}

}  // namespace halyard
