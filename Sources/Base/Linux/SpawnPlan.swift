import Glibc

/// How a program is started: its words, environment, descriptors and limits.
public struct SpawnPlan: Sendable, Hashable {
  /// Where one of its standard streams leads.
  public enum Stream: Sendable, Hashable {
    /// Where ours does.
    case inherited
    /// To /dev/null.
    case null
    /// To this descriptor, which stays the caller's.
    case descriptor(Int32)
  }

  /// Something that the kernel limits for a process and its children (setrlimit(2)).
  public enum Limit: Sendable, Hashable {
    /// Bytes of address space.
    case addressSpace
    /// Bytes of private memory that can be written.
    case data
    /// Bytes of a core file.
    case core
    /// Bytes of the largest file it may write.
    case fileSize
    /// One more than the greatest number of a descriptor.
    case descriptors
    /// Processes and threads of its user.
    case processes
  }

  /// The program's file.
  public var program: String
  /// Its name, as it will see it, and its arguments.
  public var words: [String]
  /// `NAME=value` each; nil hands on our own.
  public var environment: [String]?
  /// Its standard input.
  public var input = Stream.inherited
  /// Its standard output.
  public var output = Stream.inherited
  /// Its standard error.
  public var errors = Stream.inherited
  /// These become 3, 4 and so on in it; all others are closed. They stay the caller's.
  public var descriptors: [Int32] = []
  /// What it and its children may not go beyond, from its first instruction.
  public var limits: [Limit: UInt64] = [:]
  /// Signals that have their default effect in it, whatever this process does with them. None is blocked.
  public var defaultSignals: [Int32] = []
  /// Whether it gets a session of its own, away from our terminal and its signals (setsid(2)).
  public var ownSession = false
  /// The folder it starts in; nil for ours.
  public var folder: String?

  /// A program on our own streams, without limits.
  public init(_ program: String, _ words: [String], environment: [String]? = nil) {
    self.program = program
    self.words = words
    self.environment = environment
  }
}
