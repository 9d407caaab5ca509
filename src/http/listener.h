// SPDX-License-Identifier: Apache-2.0
// Opens listening sockets from their text form.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "http/request.h"

namespace berth::http {

struct ListeningSocket {
  base::Fd fd;          // non-blocking, close-on-exec, listening
  std::string address;  // "127.0.0.1:8000", "[::1]:8000", "unix:/path"
  bool loopback = false;
  bool unix_socket = false;
  std::string path;  // Unix sockets: the file, and what it was when it was made
  dev_t device = 0;
  ino_t inode = 0;
};

/// Whether nobody on another machine can reach this entry of ServerOptions::listen. kBadRequest for
/// a text that is no address.
base::Result<bool> stays_local(const std::string& text);

/// One entry of ServerOptions::listen; a name may stand for several sockets. kBadRequest for a text
/// that is no address, kIoError with advice when the address cannot be had.
base::Result<std::vector<ListeningSocket>> open_listener(const std::string& text, int unix_mode);

/// Removes the socket file if it is still the one made here.
void remove_socket_file(const ListeningSocket& socket);

/// Accepts one connection (non-blocking, close-on-exec, TCP_NODELAY) and learns who it is. The
/// error is errno: EAGAIN when nobody waits.
struct Accepted {
  base::Fd fd;
  int family = 0;
  Peer peer;
  int error = 0;
};
Accepted accept_one(const ListeningSocket& socket);

}  // namespace berth::http
