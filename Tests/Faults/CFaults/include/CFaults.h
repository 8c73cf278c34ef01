// What a program does with the files of one folder, told before it happens, so that it can be refused.
//
// The system calls below are defined here under their own names: the dynamic linker prefers the program's definition
// to the C library's (ld.so(8), ELF symbol lookup), for shared libraries such as SQLite's, too.
#ifndef CFAULTS_H
#define CFAULTS_H

enum faults_operation {
  faults_create,    // path, count: flags of open(2); before
  faults_open,      // path, descriptor; after
  faults_close,     // descriptor; before
  faults_write,     // descriptor, bytes, count, offset; before
  faults_truncate,  // descriptor, count: the new size; before
  faults_allocate,  // descriptor, count: how large it must be able to be; before
  faults_sync,      // descriptor; before
  faults_rename,    // path, other; before
  faults_remove     // path; before
};

/// Returns 0, or the errno(3) that the call is to fail with; ignored for `faults_open` and `faults_close`.
typedef int (*faults_hook)(
  int operation, int descriptor, const char *path, const char *other, const void *bytes, long count, long offset);

/// Has `hook` told of everything below `folder`, whose path ends with a slash. One thread only may touch files there.
void faults_follow(const char *folder, faults_hook hook);

#endif
