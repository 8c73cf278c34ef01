// libcurl-easy(3), libcurl-multi(3), libcurl-url(3): the functions that are used, looked up when the library is loaded, so
// that its absence is a sentence and not the end of the program. Either of Debian's libraries does: their interface is the
// same.
#ifndef OPENSTARRY_CCURL_H
#define OPENSTARRY_CCURL_H

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#define OPENSTARRY_CURL_FUNCTIONS(F) \
  F(global_init) F(easy_init) F(easy_cleanup) F(easy_setopt) F(easy_getinfo) F(easy_pause) F(easy_strerror) F(getdate) \
  F(slist_append) F(slist_free_all) F(url) F(url_set) F(url_get) F(url_cleanup) F(free) \
  F(multi_init) F(multi_cleanup) F(multi_setopt) F(multi_add_handle) F(multi_remove_handle) F(multi_perform) F(multi_poll) \
  F(multi_info_read)

#define OPENSTARRY_CURL_FIELD(name) __typeof__(curl_##name) *name;
struct openstarry_curl { OPENSTARRY_CURL_FUNCTIONS(OPENSTARRY_CURL_FIELD) };

// Looks up all functions. Returns NULL for an unsuitable library.
static inline const struct openstarry_curl *openstarry_curl_look_up(void *library) {
  struct openstarry_curl *functions = (struct openstarry_curl *)calloc(1, sizeof *functions);
  if (!functions) abort();
#define OPENSTARRY_CURL_LOOK_UP(name) \
  if (!(*(void **)(void *)&functions->name = dlsym(library, "curl_" #name))) { free(functions); return NULL; }
  OPENSTARRY_CURL_FUNCTIONS(OPENSTARRY_CURL_LOOK_UP)
  return functions;
}

// Functions with variable arguments do not import, and function pointers with them neither.
typedef size_t (*openstarry_curl_receiver)(char *bytes, size_t size, size_t count, void *context);
typedef int (*openstarry_curl_checker)(void *context, char *their_address, char *our_address, int their_port, int our_port);

static inline CURLcode openstarry_curl_set_number(const struct openstarry_curl *curl, CURL *easy, CURLoption option, long value) {
  return curl->easy_setopt(easy, option, value);
}
static inline CURLcode openstarry_curl_set_text(const struct openstarry_curl *curl, CURL *easy, CURLoption option, const char *value) {
  return curl->easy_setopt(easy, option, value);
}
static inline CURLcode openstarry_curl_set_pointer(const struct openstarry_curl *curl, CURL *easy, CURLoption option, void *value) {
  return curl->easy_setopt(easy, option, value);
}
// Bytes that stay the caller's, and must live as long as the transfer.
static inline CURLcode openstarry_curl_set_body(const struct openstarry_curl *curl, CURL *easy, const void *bytes, size_t count) {
  CURLcode code = curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
  return code != CURLE_OK ? code : curl->easy_setopt(easy, CURLOPT_POSTFIELDS, (char *)bytes);
}
// Bytes that are copied (CURLOPT_COPYPOSTFIELDS).
static inline CURLcode openstarry_curl_copy_body(const struct openstarry_curl *curl, CURL *easy, const void *bytes, size_t count) {
  CURLcode code = curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
  return code != CURLE_OK ? code : curl->easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, (char *)bytes);
}
static inline CURLcode openstarry_curl_set_receiver(const struct openstarry_curl *curl, CURL *easy, CURLoption option, openstarry_curl_receiver value) {
  return curl->easy_setopt(easy, option, value);
}
// Called before each request on a connection, which is open by then.
static inline CURLcode openstarry_curl_set_checker(const struct openstarry_curl *curl, CURL *easy, openstarry_curl_checker value) {
  return curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, value);
}
static inline CURLMcode openstarry_curl_set_multi(const struct openstarry_curl *curl, CURLM *multi, CURLMoption option, long value) {
  return curl->multi_setopt(multi, option, value);
}
// libcurl looks names up in threads, which need far less than the default stack of 8 MiB. Declared here since <pthread.h>
// does so only with _GNU_SOURCE.
extern int pthread_setattr_default_np(const pthread_attr_t *attributes);
static inline void openstarry_curl_limit_stacks(void) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  if (pthread_attr_setstacksize(&attributes, 256 << 10) == 0) pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}
// The transfer that has ended, and its code; NULL when none has.
static inline CURL *openstarry_curl_ended(const struct openstarry_curl *curl, CURLM *multi, CURLcode *code) {
  int rest;
  CURLMsg *message;
  while ((message = curl->multi_info_read(multi, &rest)))
    if (message->msg == CURLMSG_DONE) {
      *code = message->data.result;
      return message->easy_handle;
    }
  return NULL;
}
#endif
