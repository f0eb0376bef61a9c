// What a program without shared libraries has to settle before it does anything: it can load none,
// so nothing may be left to the configuration files of the machine it runs on. Called by
// run_program, first; does nothing in other builds.
#pragma once

namespace toehold {

/// Names of users and hosts come from files and DNS, whatever nsswitch.conf says (its modules are
/// for the machine's C library, and a static program that loads one crashes); OpenSSL reads no
/// openssl.cnf, which may name engines.
void settle_static_program();

}  // namespace toehold
