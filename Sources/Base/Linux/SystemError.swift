import Glibc

/// A system call that failed: what was done, to what, and what the kernel answered.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The call, e.g. `open`.
  public var operation: String
  /// What it was done to: a path, an address; may be empty.
  public var object: String
  /// errno(3).
  public var errno: Int32

  /// Puts an error together; `errno` is the thread's own unless given.
  public init(_ operation: String, _ object: String = "", errno: Int32 = Glibc.errno) {
    self.operation = operation
    self.object = object
    self.errno = errno
  }

  /// `open /run/x: Permission denied`.
  public var description: String {
    "\(operation)\(object.isEmpty ? "" : " \(object)"): \(SystemError.text(errno))"
  }

  /// The kernel's text for an error number, as strerror(3) gives it.
  public static func text(_ errno: Int32) -> String {
    // SAFETY: strerror returns a C string that stays valid until the next call on this thread (glibc 2.32).
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text)
  }
}
