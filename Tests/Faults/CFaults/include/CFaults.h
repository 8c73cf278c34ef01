// Intercepts a program's operations on the files of one folder before they happen, so that a test can make them fail.
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
  faults_allocate,  // descriptor, count: the size to reserve; before
  faults_sync,      // descriptor; before
  faults_rename,    // path, other; before
  faults_remove     // path; before
};

/// Returns 0, or the errno(3) that the call is to fail with; ignored for `faults_open` and `faults_close`.
typedef int (*faults_hook)(
  int operation, int descriptor, const char *path, const char *other, const void *bytes, long count, long offset);

/// Calls `hook` for every operation below `folder`, whose path ends with a slash. Only one thread may use files there.
void faults_follow(const char *folder, faults_hook hook);

#endif
