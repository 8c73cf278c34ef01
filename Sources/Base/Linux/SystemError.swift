import Glibc

/// A failed system call: operation, object and errno.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The call, e.g. `open`.
  package var operation: String
  /// The object of the call, such as a path or an address; may be empty.
  package var object: String
  /// The error number (errno(3)).
  package var errno: Int32

  /// The number of an error that the kernel does not have: the file is a pipe, a device or a socket. The kernel's
  /// numbers are positive.
  package static let notRegular: Int32 = -1

  /// An error with the thread's errno unless another is given.
  package init(_ operation: String, _ object: String = "", errno: Int32 = Glibc.errno) {
    self.operation = operation
    self.object = object
    self.errno = errno
  }

  /// For example `open /run/x: Permission denied`.
  package var description: String {
    "\(operation)\(object.isEmpty ? "" : " \(object)"): \(SystemError.text(errno))"
  }

  /// The C library's text for an error number (strerror(3)), or that of `notRegular`.
  package static func text(_ errno: Int32) -> String {
    if errno == notRegular { return "it is not a regular file" }
    // SAFETY: strerror returns a C string that stays valid until the next call on this thread (glibc 2.32).
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text)
  }
}
