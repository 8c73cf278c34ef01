/// An error of a guest that ends its activation: a trap that the host raises.
enum GuestFault: Error, Hashable, CustomStringConvertible {
  case outOfBounds(UInt32, UInt32)
  case misaligned(UInt32)
  case tooLong(UInt32)
  case notText
  case tooManyCalls(Int)
  case inOneGo
  case reentrant
  case notReady
  case allocation(String)
  case exit(Int32)
  case late
  case stopped
  /// An error that a WASI function returns; the guest continues.
  case refused(WASIError)

  var description: String {
    switch self {
    case .outOfBounds(let place, let length): "it passed \(length) bytes at \(place), outside its memory"
    case .misaligned(let place): "it passed the address \(place) for a result, which is not a multiple of 4"
    case .tooLong(let length): "it passed \(length) bytes, more than the \(Guest.longest) of one call"
    case .notText: "it passed a text that is not UTF-8"
    case .tooManyCalls(let most): "it called the host more than \(most) times in one activation"
    case .inOneGo:
      "it made more than \(Guest.callsInOneGo) host calls, or transferred more than \(Guest.bytesInOneGo >> 20) MiB, in one go,"
        + " without a loop or a function call in between"
    case .reentrant: "it called the host from within \(ABI.allocate)"
    case .notReady: "it called the host before it was instantiated"
    case .allocation(let why): "its \(ABI.allocate) failed: \(why)"
    case .exit(let code): "it ended itself with code \(code)"
    case .late: "it took longer than its time"
    case .stopped: "it was stopped"
    case .refused(let error): "WASI error \(error.number)"
    }
  }
}

/// The limits of a guest.
package struct GuestLimits: Sendable, Hashable {
  /// Linear memory in bytes; the manifest's `budget.memory`, at most the engine's cap.
  package var memory = 4 << 20
  /// Instructions, as the engine counts them, for one activation; nil is `defaultFuel`, or what the manifest's
  /// `budget.activation` needs.
  package var fuel: UInt64?
  /// Instructions of a slice. Between slices the clock is checked, and other agents run.
  package var slice: UInt64 = 200_000
  /// Wall-clock time of one activation, including the time of other agents.
  package var activation: Duration = .seconds(5)
  /// The longest wait in one host call, such as for a model's answer; it does not count as the activation's time.
  package var wait: Duration = .seconds(120)
  /// Host calls in one activation.
  package var calls = 10_000
  /// Log lines in one activation.
  package var lines = 100

  /// The default limits.
  package init() {}

  /// Instructions of an activation without `budget.activation`: 40 to 100 ms on a laptop (measured).
  package static let defaultFuel: UInt64 = 1_000_000_000

  /// Enough that the time ends first: a hundred per nanosecond, four times the measured rate of a plain loop.
  static func fuel(for activation: Duration) -> UInt64 {
    let (fuel, overflow) = UInt64(clamping: activation.nanoseconds).multipliedReportingOverflow(by: 100)
    return overflow ? .max / 2 : min(fuel, .max / 2)
  }

  /// The instructions of one activation.
  var instructions: UInt64 { fuel ?? Self.defaultFuel }
}
