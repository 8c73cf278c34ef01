import CLinux

/// The only owner of a file descriptor; closes it at the end of its life.
package struct Descriptor: ~Copyable, Sendable {
  /// The number for system calls. Do not close it.
  package let number: Int32

  /// Takes ownership of an open descriptor.
  package init(owning number: Int32) {
    precondition(number >= 0, "not a descriptor: \(number)")
    self.number = number
  }

  /// Takes ownership of the descriptor that a system call returned.
  /// - Parameters:
  ///   - result: the call's result; -1 for failure.
  ///   - operation: the call's name for the error.
  ///   - object: the path or other object of the call for the error.
  /// - Throws: the thread's errno when the call failed.
  package init(checking result: Int32, _ operation: String, _ object: String = "") throws(SystemError) {
    guard result >= 0 else { throw SystemError(operation, object) }
    number = result
  }

  deinit { _ = CLinux.close(number) }

  /// Gives up ownership; the caller must close the descriptor.
  package consuming func release() -> Int32 {
    let number = self.number
    discard self
    return number
  }
}
