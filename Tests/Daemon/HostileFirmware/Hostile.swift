import Glibc
import OpenStarryAgent

/// Does to the daemon what the `how` of an event says; an agent with bugs does the same by accident.
struct Hostile: Agent {
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    switch event["how"]?.string {
    case "spin": while true { unsafe Self.spins &+= 1 }
    case "block": while true { pause() }
    case "trap": Self.trap()
    case "overflow": _ = Self.fall(1)
    case "segfault": Self.writeNowhere()
    case "exit": exit(0)
    case "late": Self.spin(milliseconds: event["ms"]?.int ?? 0)
    default: context.log("nothing done")
    }
  }

  nonisolated(unsafe) private static var spins: UInt64 = 0

  /// An index out of range, which Swift traps.
  @inline(never) private static func trap() {
    let none = [Int](CommandLine.arguments.dropFirst(1000).map(\.utf8.count))
    print(none[0])
  }

  /// Recursion up to the guard page of the stack.
  @inline(never) private static func fall(_ depth: Int) -> Int {
    unsafe spins &+= 1
    return depth == .max ? 0 : fall(depth + 1) + Int(truncatingIfNeeded: unsafe spins)
  }

  @inline(never) private static func writeNowhere() {
    // SAFETY: none; the crash is the purpose.
    unsafe UnsafeMutablePointer<Int>(bitPattern: 0x10)?.pointee = 1
  }

  private static func spin(milliseconds: Int64) {
    var time = timespec()
    var now: Int64 {
      _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
      return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
    let end = now + milliseconds
    while now < end {}
  }
}

/// Traps in its initialiser.
struct Stillborn: Agent {
  init() { preconditionFailure("not today") }
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {}
}
