// TCP and names for openstarry-proxy, which is built without the C library's Swift module, and the listening socket inside
// a sandbox.
#ifndef OPENSTARRY_CLINUX_PROXY_H
#define OPENSTARRY_CLINUX_PROXY_H

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

// A non-blocking socket that listens on 127.0.0.1; -1 with errno on failure.
static inline int openstarry_listen_on_loopback(uint16_t port, int backlog) {
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -1;
  if (bind(listener, (struct sockaddr *)&place, sizeof place) == 0 && listen(listener, backlog) == 0) return listener;
  int reason = errno;
  close(listener);
  errno = reason;
  return -1;
}

// Small messages leave at once, the kernel finds out that a peer is gone, and it buffers no more than this for one who does
// not read (tcp(7), socket(7): it takes twice as much for its own use). Before connect(2) or accept(2) has agreed on a window.
static inline void openstarry_tune_tcp(int connection) {
  int on = 1, room = 64 << 10;
  setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  setsockopt(connection, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(connection, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

// The next connection as a non-blocking socket; -1 with errno when there is none.
static inline int openstarry_accept_tcp(int listener) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection >= 0) openstarry_tune_tcp(connection);
  return connection;
}

// Begins to connect to an address of 4 or 16 bytes. Returns a non-blocking socket, which becomes writable once the outcome
// is known; -1 with errno on failure.
static inline int openstarry_connect_tcp(const uint8_t *address, size_t count, uint16_t port) {
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int is_six = count == 16;
  int connection = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection < 0) return -1;
  openstarry_tune_tcp(connection);
  int result;
  if (is_six) {
    // So an address that contains one of IPv4 leads nowhere.
    int only = 1;
    setsockopt(connection, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    memcpy(&six.sin6_addr, address, 16);
    result = connect(connection, (struct sockaddr *)&six, sizeof six);
  } else {
    memcpy(&four.sin_addr, address, 4);
    result = connect(connection, (struct sockaddr *)&four, sizeof four);
  }
  if (result == 0 || errno == EINPROGRESS) return connection;
  int reason = errno;
  close(connection);
  errno = reason;
  return -1;
}

// The outcome of connecting: 0, or the errno.
static inline int openstarry_connect_outcome(int connection) {
  int outcome = 0;
  socklen_t length = sizeof outcome;
  return getsockopt(connection, SOL_SOCKET, SO_ERROR, &outcome, &length) == 0 ? outcome : errno;
}

// send(2) without SIGPIPE.
static inline ssize_t openstarry_send_bytes(int connection, const uint8_t *bytes, size_t count) {
  ssize_t sent;
  do sent = send(connection, bytes, count, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
  return sent;
}
static inline ssize_t openstarry_receive_bytes(int connection, uint8_t *bytes, size_t count) {
  ssize_t received;
  do received = recv(connection, bytes, count, 0); while (received < 0 && errno == EINTR);
  return received;
}
static inline void openstarry_end_output(int connection) { shutdown(connection, SHUT_WR); }

// The addresses of a name, in the order of getaddrinfo(3).
#define OPENSTARRY_MOST_ADDRESSES 8
struct openstarry_addresses {
  uint32_t query;
  // 0, or an EAI_ number.
  int32_t error;
  uint32_t count;
  // 4 or 16 each.
  uint8_t lengths[OPENSTARRY_MOST_ADDRESSES];
  uint8_t bytes[OPENSTARRY_MOST_ADDRESSES * 16];
};

struct openstarry_query {
  int pipe;
  uint32_t number;
  char name[256];
};

static __attribute__((unused)) void *openstarry_look_up(void *argument) {
  struct openstarry_query *query = argument;
  struct openstarry_addresses answer = {.query = query->number};
  struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
  answer.error = getaddrinfo(query->name, NULL, &wanted, &found);
  for (struct addrinfo *one = found; one && answer.count < OPENSTARRY_MOST_ADDRESSES; one = one->ai_next) {
    uint8_t *place = answer.bytes + 16 * answer.count;
    if (one->ai_family == AF_INET) {
      memcpy(place, &((struct sockaddr_in *)(void *)one->ai_addr)->sin_addr, 4);
      answer.lengths[answer.count++] = 4;
    } else if (one->ai_family == AF_INET6) {
      memcpy(place, &((struct sockaddr_in6 *)(void *)one->ai_addr)->sin6_addr, 16);
      answer.lengths[answer.count++] = 16;
    }
  }
  if (found) freeaddrinfo(found);
  // Less than PIPE_BUF, so that answers do not mix (pipe(7)).
  while (write(query->pipe, &answer, sizeof answer) < 0 && errno == EINTR) {}
  free(query);
  return NULL;
}

// Looks a name up in a thread of its own, because getaddrinfo(3) blocks for many seconds. The answer goes into the pipe.
// Returns 0, or an errno; then no answer follows.
static __attribute__((unused)) int openstarry_start_lookup(int pipe, uint32_t number, const uint8_t *name, size_t count) {
  struct openstarry_query *query;
  pthread_attr_t attributes;
  pthread_t thread;
  if (count >= sizeof query->name) return ENAMETOOLONG;
  query = calloc(1, sizeof *query);
  if (!query) return ENOMEM;
  query->pipe = pipe;
  query->number = number;
  memcpy(query->name, name, count);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Resolvers need far less; the default is 8 MiB of address space.
  pthread_attr_setstacksize(&attributes, 256 << 10);
  int result = pthread_create(&thread, &attributes, openstarry_look_up, query);
  pthread_attr_destroy(&attributes);
  if (result != 0) free(query);
  return result;
}

// Why a look-up failed: 1 there is no such name, 2 no answer for now, 0 something else.
static inline int openstarry_lookup_failure(int error) {
  // EAI_NODATA, which <netdb.h> declares only with _GNU_SOURCE, is -5.
  if (error == EAI_NONAME || error == -5) return 1;
  return error == EAI_AGAIN ? 2 : 0;
}

// A pipe whose reading end does not block.
static inline int openstarry_answer_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

// Gives up what a process that only moves bytes does not need: new privileges, core dumps and inspection by others of its
// user, files that it could write, more memory than its bounded buffers take.
static inline void openstarry_renounce(uint64_t descriptors, uint64_t data) {
  struct rlimit none = {0, 0}, limit = {descriptors, descriptors}, memory = {data, data};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_FSIZE, &none);
  setrlimit(RLIMIT_NOFILE, &limit);
  setrlimit(RLIMIT_DATA, &memory);
  // Threads that look names up share the memory of the first one.
  mallopt(-8 /* M_ARENA_MAX */, 1);
}
#endif
