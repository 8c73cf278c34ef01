import Glibc

/// A program to start: its arguments, environment, descriptors and limits.
package struct SpawnPlan: Sendable, Hashable {
  /// The target of a standard stream.
  package enum Stream: Sendable, Hashable {
    /// This process's own stream.
    case inherited
    /// /dev/null.
    case null
    /// This descriptor; the caller keeps ownership.
    case descriptor(Int32)
  }

  /// A resource limit of a process and its children (setrlimit(2)).
  package enum Limit: Sendable, Hashable {
    /// Bytes of address space.
    case addressSpace
    /// Bytes of private, writable memory.
    case data
    /// The size of a core file in bytes.
    case core
    /// The size of a file that it writes, in bytes.
    case fileSize
    /// The greatest descriptor number plus one.
    case descriptors
    /// The number of processes and threads of its user.
    case processes
  }

  /// The path of the program's file.
  package var program: String
  /// The argument vector: the program's name first, then its arguments.
  package var words: [String]
  /// The environment, `NAME=value` each; nil for this process's environment.
  package var environment: [String]?
  /// Its standard input.
  package var input = Stream.inherited
  /// Its standard output.
  package var output = Stream.inherited
  /// Its standard error.
  package var errors = Stream.inherited
  /// Descriptors that the program gets as 3, 4 and so on; the caller keeps ownership. All others are closed in it.
  package var descriptors: [Int32] = []
  /// The resource limits of the program and its children, in force from the first instruction.
  package var limits: [Limit: UInt64] = [:]
  /// Signals to reset to their default action in the program. It starts with no signal blocked.
  package var defaultSignals: [Int32] = []
  /// Whether the program gets a session of its own, detached from our terminal and its signals (setsid(2)).
  package var ownSession = false
  /// The program's working directory; nil for ours.
  package var folder: String?

  /// A plan with our own standard streams and no limits.
  package init(_ program: String, _ words: [String], environment: [String]? = nil) {
    self.program = program
    self.words = words
    self.environment = environment
  }
}
