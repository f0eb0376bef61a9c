#include "runner/base/curl_library.hpp"

#include <dlfcn.h>

#include "runner/base/error.hpp"
#include "runner/base/http.hpp"

#undef curl_easy_setopt
#undef curl_easy_getinfo

namespace toehold {

namespace {

#ifndef TOEHOLD_STATIC
template <class Function>
void look_up(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (!function) {
    throw Error(Error::Kind::network, std::string("libcurl is too old: it has no ") + name,
                "toehold needs libcurl 7.68 or later");
  }
}
#endif

CurlLibrary load() {
  CurlLibrary curl{};
#ifdef TOEHOLD_STATIC
  curl = {&::curl_global_init,         &::curl_easy_init,       &::curl_easy_setopt,
          &::curl_easy_getinfo,        &::curl_easy_reset,      &::curl_easy_cleanup,
          &::curl_easy_strerror,       &::curl_multi_init,      &::curl_multi_add_handle,
          &::curl_multi_remove_handle, &::curl_multi_perform,   &::curl_multi_poll,
          &::curl_multi_wakeup,        &::curl_multi_info_read, &::curl_multi_cleanup,
          &::curl_slist_append,        &::curl_slist_free_all};
#else
  void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    throw Error(Error::Kind::network, std::string("libcurl cannot be loaded: ") + ::dlerror(),
                "install it: apt-get install libcurl4, or dnf install libcurl");
  }
  look_up(library, "curl_global_init", curl.global_init);
  look_up(library, "curl_easy_init", curl.easy_init);
  look_up(library, "curl_easy_setopt", curl.easy_setopt);
  look_up(library, "curl_easy_getinfo", curl.easy_getinfo);
  look_up(library, "curl_easy_reset", curl.easy_reset);
  look_up(library, "curl_easy_cleanup", curl.easy_cleanup);
  look_up(library, "curl_easy_strerror", curl.easy_strerror);
  look_up(library, "curl_multi_init", curl.multi_init);
  look_up(library, "curl_multi_add_handle", curl.multi_add_handle);
  look_up(library, "curl_multi_remove_handle", curl.multi_remove_handle);
  look_up(library, "curl_multi_perform", curl.multi_perform);
  look_up(library, "curl_multi_poll", curl.multi_poll);
  look_up(library, "curl_multi_wakeup", curl.multi_wakeup);
  look_up(library, "curl_multi_info_read", curl.multi_info_read);
  look_up(library, "curl_multi_cleanup", curl.multi_cleanup);
  look_up(library, "curl_slist_append", curl.slist_append);
  look_up(library, "curl_slist_free_all", curl.slist_free_all);
#endif
  curl.global_init(CURL_GLOBAL_DEFAULT);
  return curl;
}

}  // namespace

const CurlLibrary& curl_library() {
  static const CurlLibrary curl = load();
  return curl;
}

void load_http_library() {
  curl_library();
}

}  // namespace toehold
