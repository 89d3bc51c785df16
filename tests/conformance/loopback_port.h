// Ports of this machine's loopback, for servers that a test starts.
#pragma once

namespace halyard {

// Nobody listens there, as of now. Throws std::runtime_error where there is none.
int FreeLoopbackPort();
bool ListensAt(int port);
// Within ten seconds.
bool SoonListensAt(int port);

}  // namespace halyard
