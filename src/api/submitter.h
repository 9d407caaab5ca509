// SPDX-License-Identifier: Apache-2.0
// Who asks, and as whom a task of theirs runs.
#pragma once

#include "http/request.h"
#include "model/record.h"

namespace berth::api {

/// Whose request it is: over the Unix socket the peer's name, with the token the daemon's own; what
/// came over TCP without one belongs to the user "berth" where the daemon is root and there is such
/// a user, else to the daemon's own.
std::string user_of(const http::Request& request);

/// Sets Request::user and run_as: as user_of() says, with the resource limits of the peer's
/// process. Only a daemon that is root can start tasks as somebody else.
void set_submitter(const http::Request& request, model::TaskRecord& record);

}  // namespace berth::api
