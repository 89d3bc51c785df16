// Artifacts for devices without an operating system, good and bad.
#pragma once

#include <string>

#include "targets/device.h"

namespace halyard {

// int kernel_argv(void**) with this body in C; IN and OUT are float pointers, N the output's size.
// `pack`, where not empty, is the body of a second function, pack_argv; `outside` stands before
// both.
void BuildFirmwareKernel(const Device& device, const std::string& path, const std::string& body,
                         const std::string& pack = "", const std::string& outside = "");

}  // namespace halyard
