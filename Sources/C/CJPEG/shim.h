// libturbojpeg, loaded for the first picture, so that a daemon without a camera does not pay for it.
#ifndef OPENSTARRY_CJPEG_H
#define OPENSTARRY_CJPEG_H

#include <dlfcn.h>
#include <stddef.h>
#include <turbojpeg.h>

struct openstarry_jpeg {
  __typeof__(&tjInitCompress) init_compress;
  __typeof__(&tjInitDecompress) init_decompress;
  __typeof__(&tjCompress2) compress;
  __typeof__(&tjCompressFromYUVPlanes) compress_planes;
  __typeof__(&tjDecompressHeader3) header;
  __typeof__(&tjDecompress2) decompress;
  __typeof__(&tjDestroy) destroy;
  __typeof__(&tjFree) free;
  __typeof__(&tjGetErrorStr2) error;
};

// Returns 0, or -1 when the library or one of its symbols is missing; dlerror(3) says which.
static inline int openstarry_jpeg_load(struct openstarry_jpeg *jpeg) {
  void *library = dlopen("libturbojpeg.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return -1;
#define OPENSTARRY_SYMBOL(field, name) \
  if (!(jpeg->field = (__typeof__(jpeg->field))dlsym(library, #name))) return -1
  OPENSTARRY_SYMBOL(init_compress, tjInitCompress);
  OPENSTARRY_SYMBOL(init_decompress, tjInitDecompress);
  OPENSTARRY_SYMBOL(compress, tjCompress2);
  OPENSTARRY_SYMBOL(compress_planes, tjCompressFromYUVPlanes);
  OPENSTARRY_SYMBOL(header, tjDecompressHeader3);
  OPENSTARRY_SYMBOL(decompress, tjDecompress2);
  OPENSTARRY_SYMBOL(destroy, tjDestroy);
  OPENSTARRY_SYMBOL(free, tjFree);
  OPENSTARRY_SYMBOL(error, tjGetErrorStr2);
#undef OPENSTARRY_SYMBOL
  return 0;
}
static inline const char *openstarry_jpeg_load_error(void) {
  const char *text = dlerror();
  return text ? text : "unknown";
}

// Wrappers that call through the table.
static inline void *openstarry_jpeg_compressor(const struct openstarry_jpeg *jpeg) { return jpeg->init_compress(); }
static inline void *openstarry_jpeg_decompressor(const struct openstarry_jpeg *jpeg) { return jpeg->init_decompress(); }
static inline void openstarry_jpeg_destroy(const struct openstarry_jpeg *jpeg, void *handle) { jpeg->destroy(handle); }
static inline void openstarry_jpeg_free(const struct openstarry_jpeg *jpeg, unsigned char *bytes) { jpeg->free(bytes); }
static inline const char *openstarry_jpeg_error(const struct openstarry_jpeg *jpeg, void *handle) {
  return jpeg->error(handle);
}
// Encodes a packed picture. The caller frees `*out` with openstarry_jpeg_free.
static inline int openstarry_jpeg_compress(const struct openstarry_jpeg *jpeg, void *handle, const unsigned char *pixels,
                                           int width, int height, int grey, int quality, unsigned char **out,
                                           unsigned long *count) {
  return jpeg->compress(handle, pixels, width, 0, height, grey ? TJPF_GRAY : TJPF_RGB, out, count,
                        grey ? TJSAMP_GRAY : TJSAMP_420, quality, TJFLAG_FASTDCT);
}
// Encodes three planes without padding; chroma has half the width and, with `half_height`, half the height.
static inline int openstarry_jpeg_compress_planes(const struct openstarry_jpeg *jpeg, void *handle,
                                                  const unsigned char *y, const unsigned char *u,
                                                  const unsigned char *v, int width, int height, int half_height,
                                                  int quality, unsigned char **out, unsigned long *count) {
  const unsigned char *planes[3] = {y, u, v};
  return jpeg->compress_planes(handle, planes, width, NULL, height, half_height ? TJSAMP_420 : TJSAMP_422, out, count,
                               quality, TJFLAG_FASTDCT);
}
static inline int openstarry_jpeg_header(const struct openstarry_jpeg *jpeg, void *handle, const unsigned char *bytes,
                                         unsigned long count, int *width, int *height) {
  int subsampling = 0, colours = 0;
  return jpeg->header(handle, bytes, count, width, height, &subsampling, &colours);
}
// Decodes to grey or RGB, scaled to `width` × `height`, which must be a size that TJSCALED gives.
static inline int openstarry_jpeg_decompress(const struct openstarry_jpeg *jpeg, void *handle,
                                             const unsigned char *bytes, unsigned long count, unsigned char *pixels,
                                             int width, int height, int grey) {
  return jpeg->decompress(handle, bytes, count, pixels, width, 0, height, grey ? TJPF_GRAY : TJPF_RGB,
                          TJFLAG_FASTDCT | TJFLAG_FASTUPSAMPLE);
}
#endif
