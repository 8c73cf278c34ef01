import CLinux

/// The only owner of a file descriptor: closes it when it goes.
public struct Descriptor: ~Copyable, Sendable {
  /// The number, to be lent to system calls; never to be closed.
  public let number: Int32

  /// Takes ownership of an open descriptor.
  public init(owning number: Int32) {
    precondition(number >= 0, "not a descriptor: \(number)")
    self.number = number
  }

  /// Takes ownership of what a system call returned.
  /// - Throws: when it returned -1, with the thread's errno.
  public init(checking result: Int32, _ operation: String, _ object: String = "") throws(SystemError) {
    guard result >= 0 else { throw SystemError(operation, object) }
    number = result
  }

  deinit { _ = CLinux.close(number) }

  /// Gives up ownership: the caller closes it.
  public consuming func release() -> Int32 {
    let number = self.number
    discard self
    return number
  }
}
