#include "runner/base/static_program.hpp"

#ifdef TOEHOLD_STATIC
#include <nss.h>
#include <openssl/crypto.h>

#include <initializer_list>
#endif

namespace toehold {

void settle_static_program() {
#ifdef TOEHOLD_STATIC
  for (const char* database :
       {"passwd", "group", "shadow", "initgroups", "services", "protocols"}) {
    ::__nss_configure_lookup(database, "files");
  }
  ::__nss_configure_lookup("hosts", "files dns");
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
#endif
}

}  // namespace toehold
