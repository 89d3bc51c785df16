// Ports of this machine's loopback, for servers that a test starts.
#pragma once

namespace halyard {

int FreeLoopbackPort();  // nobody listens there, as of now
bool ListensAt(int port);
// Within ten seconds.
bool SoonListensAt(int port);

}  // namespace halyard
