// The first program in a container of a Docker engine: takes the agent's socket and log from the launcher's stage, and
// becomes the agent's program with them as descriptors 3, 1 and 2. An engine, unlike podman, passes no descriptors into its
// containers; the kernel does (unix(7), SCM_RIGHTS).
//
//     openstarry-door PROGRAM ARGUMENTS …
//
// Linked statically: an image may have no C library, or another one.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what) {
  int error = errno;
  dprintf(2, "%s: %s\n", what, strerror(error));
  return error == ENOENT ? 127 : 126;
}

// Receives two descriptors; -1 with errno on failure.
static int receive(int connection, int descriptors[2]) {
  char byte;
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(2 * sizeof(int))];
  } control;
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  if (count < 0) return -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  errno = EPROTO;
  if (count != 1 || !header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(2 * sizeof(int))) return -1;
  memcpy(descriptors, CMSG_DATA(header), 2 * sizeof(int));
  return 0;
}

int main(int count, char **words) {
  struct sockaddr_un address = {AF_UNIX, "/openstarry/door/socket"};
  int descriptors[2];
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0 ||
      receive(connection, descriptors) != 0)
    return fail("the launcher cannot be reached from the container");
  // Above all targets, so that none is overwritten before it is in its place.
  int socket = dup2(descriptors[0], 20), log = dup2(descriptors[1], 21);
  if (socket < 0 || log < 0 || dup2(log, 1) != 1 || dup2(log, 2) != 2 || dup2(socket, 3) != 3) return fail("descriptors");
  close(socket);
  close(log);
  if (count < 2) {
    dprintf(2, "the image names no program, and neither does runtime.args\n");
    return 127;
  }
  execvp(words[1], words + 1);
  return fail(words[1]);
}
