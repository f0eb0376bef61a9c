// Where this machine keeps the certificates that it trusts. Called by http.cpp for every request:
// the static agent's libcurl comes from no distribution and knows none of their places, while a
// shared one is the distribution's own and is left to itself. Never downloads or bundles any.
#pragma once

#include <string>

namespace toehold {

/// What SSL_CERT_FILE names; else in the static agent the first bundle found where Debian, Red Hat,
/// SUSE, Alpine and their relatives keep it; else empty.
std::string tls_roots();

/// The first of those places below `root` ("" for this machine) that can be read, or empty.
std::string find_tls_roots(const std::string& root);

}  // namespace toehold
