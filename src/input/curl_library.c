#include "input/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>

/* Debian's builds for OpenSSL and for GnuTLS: either will do. */
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

static struct hd_curl library;
static bool loaded;

#define LOAD(name) ((library.name = (__typeof__(library.name))dlsym(handle, "curl_" #name)) != NULL)

/* It stays loaded: its TLS library's hooks do not survive dlclose. */
static void load(void)
{
  void *handle = NULL;
  for (size_t i = 0; !handle && i < sizeof names / sizeof *names; i++)
    handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  loaded = handle && LOAD(global_init) && LOAD(easy_init) && LOAD(easy_setopt) &&
           LOAD(easy_getinfo) && LOAD(easy_perform) && LOAD(easy_reset) && LOAD(easy_cleanup) &&
           LOAD(easy_strerror) && LOAD(slist_append) && LOAD(slist_free_all) &&
           library.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool hd_curl_load(const struct hd_curl **curl, struct hd_error *error)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  *curl = &library;
  return loaded || hd_fail_input(error, "libcurl, which fetches from URLs, is not installed "
                                        "(Debian's package libcurl4)");
}
