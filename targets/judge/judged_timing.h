// How the candidates of a request are run, checked and timed on a Linux board.
#pragma once

#include <cstdint>
#include <string>

#include "targets/judge/judge.h"
#include "targets/run_protocol.h"

namespace halyard {

// Of memory that the judge and the worker of `request` share.
int64_t SharedBytes(const RunRequest& request);

// REQUIRES: a request for kMeasure, kInterleave or kCount. `sys_root`: where the board's /sys lies.
// Throws Judge::WorkerGone and std::bad_alloc; everything else is in the reply.
RunReply RunJudged(const RunRequest& request, const std::string& sys_root, Judge& judge);

}  // namespace halyard
