// V4L2 through libv4l2, which is loaded for the first camera. Each step is wrapped: open and ioctl are variadic, the
// VIDIOC_ macros do not import, and the structures have unions.
#ifndef OPENSTARRY_CV4L2_H
#define OPENSTARRY_CV4L2_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

// The declarations of libv4l2.h, so that the build does not need the header.
struct openstarry_v4l2 {
  int (*open)(const char *file, int flags, ...);
  int (*close)(int fd);
  int (*ioctl)(int fd, unsigned long request, ...);
  void *(*mmap)(void *start, size_t length, int protection, int flags, int fd, int64_t offset);
  int (*munmap)(void *start, size_t length);
};

// Returns 0, or -1 when the library or one of its symbols is missing; dlerror(3) says which.
static inline int openstarry_v4l2_load(struct openstarry_v4l2 *v4l) {
  void *library = dlopen("libv4l2.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return -1;
  v4l->open = (int (*)(const char *, int, ...))dlsym(library, "v4l2_open");
  v4l->close = (int (*)(int))dlsym(library, "v4l2_close");
  v4l->ioctl = (int (*)(int, unsigned long, ...))dlsym(library, "v4l2_ioctl");
  v4l->mmap = (void *(*)(void *, size_t, int, int, int, int64_t))dlsym(library, "v4l2_mmap");
  v4l->munmap = (int (*)(void *, size_t))dlsym(library, "v4l2_munmap");
  return v4l->open && v4l->close && v4l->ioctl && v4l->mmap && v4l->munmap ? 0 : -1;
}
static inline const char *openstarry_v4l2_load_error(void) {
  const char *text = dlerror();
  return text ? text : "unknown";
}

// Everything below returns -1 with errno on failure, as the system calls do.
static inline int openstarry_v4l2_open(const struct openstarry_v4l2 *v4l, const char *path) {
  return v4l->open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
}
static inline int openstarry_v4l2_close(const struct openstarry_v4l2 *v4l, int fd) { return v4l->close(fd); }

static inline int openstarry_v4l2_call(const struct openstarry_v4l2 *v4l, int fd, unsigned long request, void *argument) {
  int result;
  do {
    result = v4l->ioctl(fd, request, argument);
  } while (result < 0 && errno == EINTR);
  return result;
}
// The capabilities of this node (`device_caps` if the driver fills it in). Does not use the library, as cameras are
// examined long before they are used.
static inline int openstarry_v4l2_capabilities(int fd, uint32_t *capabilities) {
  struct v4l2_capability answer;
  memset(&answer, 0, sizeof answer);
  int result;
  do {
    result = ioctl(fd, VIDIOC_QUERYCAP, &answer);
  } while (result < 0 && errno == EINTR);
  *capabilities = answer.capabilities & V4L2_CAP_DEVICE_CAPS ? answer.device_caps : answer.capabilities;
  return result;
}

struct openstarry_v4l2_picture { uint32_t fourcc, width, height, stride, size; };

// Requests a format and returns the driver's choice in `picture`; `set` 0 only tries it.
static inline int openstarry_v4l2_format(const struct openstarry_v4l2 *v4l, int fd, int set,
                                         struct openstarry_v4l2_picture *picture) {
  struct v4l2_format format;
  memset(&format, 0, sizeof format);
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  format.fmt.pix.width = picture->width;
  format.fmt.pix.height = picture->height;
  format.fmt.pix.pixelformat = picture->fourcc;
  format.fmt.pix.field = V4L2_FIELD_ANY;
  int result = openstarry_v4l2_call(v4l, fd, set ? VIDIOC_S_FMT : VIDIOC_TRY_FMT, &format);
  picture->fourcc = format.fmt.pix.pixelformat;
  picture->width = format.fmt.pix.width;
  picture->height = format.fmt.pix.height;
  picture->stride = format.fmt.pix.bytesperline;
  picture->size = format.fmt.pix.sizeimage;
  return result;
}
// Requests an interval between frames, as a fraction of a second. The driver's choice replaces it; 0/0 if it has none.
static inline int openstarry_v4l2_interval(const struct openstarry_v4l2 *v4l, int fd, uint32_t *numerator,
                                           uint32_t *denominator) {
  struct v4l2_streamparm parameters;
  memset(&parameters, 0, sizeof parameters);
  parameters.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  parameters.parm.capture.timeperframe.numerator = *numerator;
  parameters.parm.capture.timeperframe.denominator = *denominator;
  int result = openstarry_v4l2_call(v4l, fd, VIDIOC_S_PARM, &parameters);
  *numerator = result < 0 ? 0 : parameters.parm.capture.timeperframe.numerator;
  *denominator = result < 0 ? 0 : parameters.parm.capture.timeperframe.denominator;
  return result;
}
// Requests `*count` mappable buffers; 0 releases them. `*count` becomes the number granted.
static inline int openstarry_v4l2_request(const struct openstarry_v4l2 *v4l, int fd, uint32_t *count) {
  struct v4l2_requestbuffers request;
  memset(&request, 0, sizeof request);
  request.count = *count;
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.memory = V4L2_MEMORY_MMAP;
  int result = openstarry_v4l2_call(v4l, fd, VIDIOC_REQBUFS, &request);
  *count = request.count;
  return result;
}
// Maps buffer `index`; NULL with errno on failure.
static inline void *openstarry_v4l2_map(const struct openstarry_v4l2 *v4l, int fd, uint32_t index, size_t *length) {
  struct v4l2_buffer buffer;
  memset(&buffer, 0, sizeof buffer);
  buffer.index = index;
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  if (openstarry_v4l2_call(v4l, fd, VIDIOC_QUERYBUF, &buffer) < 0) return NULL;
  *length = buffer.length;
  void *start = v4l->mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, buffer.m.offset);
  return start == MAP_FAILED ? NULL : start;
}
static inline int openstarry_v4l2_unmap(const struct openstarry_v4l2 *v4l, void *start, size_t length) {
  return v4l->munmap(start, length);
}
static inline int openstarry_v4l2_queue(const struct openstarry_v4l2 *v4l, int fd, uint32_t index) {
  struct v4l2_buffer buffer;
  memset(&buffer, 0, sizeof buffer);
  buffer.index = index;
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  return openstarry_v4l2_call(v4l, fd, VIDIOC_QBUF, &buffer);
}

struct openstarry_v4l2_filled {
  uint32_t index, bytes, sequence;
  int damaged;    // V4L2_BUF_FLAG_ERROR
  int monotonic;  // whether `nanoseconds` is on CLOCK_MONOTONIC
  uint64_t nanoseconds;
};
static inline int openstarry_v4l2_dequeue(const struct openstarry_v4l2 *v4l, int fd,
                                          struct openstarry_v4l2_filled *filled) {
  struct v4l2_buffer buffer;
  memset(&buffer, 0, sizeof buffer);
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  int result = openstarry_v4l2_call(v4l, fd, VIDIOC_DQBUF, &buffer);
  filled->index = buffer.index;
  filled->bytes = buffer.bytesused;
  filled->sequence = buffer.sequence;
  filled->damaged = (buffer.flags & V4L2_BUF_FLAG_ERROR) != 0;
  filled->monotonic = (buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  filled->nanoseconds = (uint64_t)buffer.timestamp.tv_sec * 1000000000 + (uint64_t)buffer.timestamp.tv_usec * 1000;
  return result;
}
static inline int openstarry_v4l2_stream(const struct openstarry_v4l2 *v4l, int fd, int on) {
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  return openstarry_v4l2_call(v4l, fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}
#endif
