import CLinux
import Glibc

/// Starts programs. No Swift runs between fork and exec: `openstarry_spawn` of CLinux does the steps there.
package enum Spawn {
  /// Starts a program. It gets only the plan's descriptors: all others become close-on-exec in it.
  /// - Returns: the process id; the caller must wait for it.
  /// - Throws: when it cannot be started; no child is left then.
  package static func start(_ plan: SpawnPlan) throws(SystemError) -> Int32 {
    let null = try plan.usesNull ? System.open("/dev/null", O_RDWR).release() : -1
    defer { if null >= 0 { close(null) } }
    // Copy the descriptors above all target numbers, so that none is overwritten before it is in its place.
    let places: [Int32] = [plan.input, plan.output, plan.errors].map { stream in
      switch stream {
      case .inherited: -1
      case .null: null
      case .descriptor(let number): number
      }
    }
    var copies: [Int32] = []
    defer { for number in copies where number >= 0 { close(number) } }
    for number in places + plan.descriptors {
      let copy = number < 0 ? -1 : openstarry_fcntl(number, F_DUPFD_CLOEXEC, Int32(3 + plan.descriptors.count))
      guard number < 0 || copy >= 0 else { throw SystemError("dup", plan.program) }
      copies.append(copy)
    }
    let limits = Array(plan.limits)
    let kinds = limits.map(\.key.kind)
    let amounts = limits.map(\.value)
    // SAFETY: every pointer is valid during the call, which returns once the child no longer shares our memory.
    let child = unsafe withCStrings(plan.words) { words in
      unsafe withCStrings(plan.environment ?? []) { environment in
        unsafe withCStrings([plan.program] + (plan.folder.map { [$0] } ?? [])) { paths in
          unsafe copies.withUnsafeBufferPointer { copies in
            unsafe kinds.withUnsafeBufferPointer { kinds in
              unsafe amounts.withUnsafeBufferPointer { amounts in
                var steps = unsafe openstarry_spawn()
                unsafe steps.program = unsafe UnsafePointer(paths[0])
                unsafe steps.folder = unsafe UnsafePointer(paths[1])
                unsafe steps.words = unsafe UnsafePointer(words)
                unsafe steps.environment = unsafe UnsafePointer(plan.environment == nil ? environ : environment)
                unsafe steps.descriptors = copies.baseAddress
                unsafe steps.descriptor_count = Int32(copies.count)
                unsafe steps.only_these = 1
                unsafe steps.limit_kinds = kinds.baseAddress
                unsafe steps.limits = amounts.baseAddress
                unsafe steps.limit_count = Int32(limits.count)
                unsafe steps.default_signals = plan.defaultSignals.reduce(0) { $0 | 1 << UInt64($1 - 1) }
                unsafe steps.own_session = plan.ownSession ? 1 : 0
                unsafe steps.group = -1
                return unsafe openstarry_spawn(&steps)
              }
            }
          }
        }
      }
    }
    guard child > 0 else { throw SystemError("start", plan.program) }
    return child
  }

  /// Starts a program with this process's standard streams; see `SpawnPlan` for the parameters.
  package static func start(
    _ program: String, _ words: [String], environment: [String]? = nil, defaultSignals: [Int32] = [],
    descriptors: [Int32] = [], ownSession: Bool = false
  ) throws(SystemError) -> Int32 {
    var plan = SpawnPlan(program, words, environment: environment)
    plan.defaultSignals = defaultSignals
    plan.descriptors = descriptors
    plan.ownSession = ownSession
    return try start(plan)
  }

  /// Waits for a child's end and reaps it; blocks the thread.
  /// - Returns: the exit code; 128 plus the signal's number when a signal ended it, as in shells.
  package static func wait(for child: Int32) throws(SystemError) -> Int32 {
    var status: Int32 = 0
    // SAFETY: waitpid writes only the local status.
    guard System.retry({ unsafe waitpid(child, &status, 0) }) == child else { throw SystemError("waitpid") }
    let signal = openstarry_exit_signal(status)
    return signal != 0 ? 128 + signal : openstarry_exit_code(status)
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    // SAFETY: the vector ends with a null pointer; every copy is freed after the call.
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
  }
}

extension SpawnPlan {
  fileprivate var usesNull: Bool { [input, output, errors].contains(.null) }
}

extension SpawnPlan.Limit {
  /// The constant of setrlimit(2).
  fileprivate var kind: Int32 {
    switch self {
    case .addressSpace: OPENSTARRY_RLIMIT_AS
    case .data: OPENSTARRY_RLIMIT_DATA
    case .core: OPENSTARRY_RLIMIT_CORE
    case .fileSize: OPENSTARRY_RLIMIT_FSIZE
    case .descriptors: OPENSTARRY_RLIMIT_NOFILE
    case .processes: OPENSTARRY_RLIMIT_NPROC
    }
  }
}
