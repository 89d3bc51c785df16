// A way to a Linux board that is not this machine: copies a file there and runs a command of the
// board's POSIX shell. Everything that is not transport is in LinkExecutor.
#pragma once

#include <chrono>
#include <string>

#include "targets/child_process.h"

namespace halyard {

class BoardLink {
 public:
  virtual ~BoardLink() = default;

  // Runs `command` in the board's shell, with `input` to be read from descriptor 3. Its stdin has
  // no bytes, but ends when this side is gone or the deadline has passed. The exit code is the
  // client program's, which need not be the command's.
  virtual ChildResult Run(const std::string& command, const std::string& input,
                          std::chrono::milliseconds deadline) = 0;

  // Copies a file to `to`, executable, and runs `after` there. `to` is there whole or not at all.
  virtual ChildResult Push(const std::string& from, const std::string& to, const std::string& after,
                           std::chrono::milliseconds deadline) = 0;

  // Ends what is kept of a connection, so that the next use makes a new one.
  virtual void Disconnect() = 0;

  // Why a command that did not come to its end was cut off, in one line that says what to do.
  virtual std::string WhyLost(const ChildResult& child) const = 0;

  // Shell text of the board's folder that the runner and the artifacts are kept in.
  virtual std::string folder() const = 0;

  virtual std::string board_id() const = 0;
  // "ssh pi@pi4.lan", for messages.
  virtual std::string name() const = 0;
};

// HALYARD_BOARD_FOLDER, for boards whose usual folder is read-only, full or mounted noexec; empty:
// not set.
std::string NamedBoardFolder();

// In single quotes for a POSIX shell.
std::string ShellQuoted(const std::string& text);

// Whether a program's message has these words, which are lower case.
bool Says(const std::string& message, const char* words);

// What the two transports share: a command that must leave its result in place or nothing.
std::string MoveInPlace(const std::string& part, const std::string& to, const std::string& after);

}  // namespace halyard
