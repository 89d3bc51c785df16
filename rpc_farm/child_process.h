// Where this lay before the code that runs on a board needed it too.
#pragma once

#include "targets/child_process.h"
