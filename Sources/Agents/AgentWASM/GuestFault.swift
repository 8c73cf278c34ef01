/// What a guest did that ends its activation: a trap of the host's.
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
  /// Not the end: a WASI function answers with this error, and the guest goes on.
  case refused(WASIError)

  var description: String {
    switch self {
    case .outOfBounds(let place, let length): "it handed over \(length) bytes at \(place), outside its memory"
    case .misaligned(let place): "it wants a result at \(place), which is no multiple of 4"
    case .tooLong(let length): "it handed over \(length) bytes, more than the \(Guest.longest) of one call"
    case .notText: "it handed over a text that is not UTF-8"
    case .tooManyCalls(let most): "it called the host more than \(most) times in one activation"
    case .inOneGo:
      "it had the host do more than \(Guest.callsInOneGo) calls or \(Guest.bytesInOneGo >> 20) MiB in one go,"
        + " without a loop or a call of its own in between"
    case .reentrant: "it called the host from within \(ABI.allocate)"
    case .notReady: "it called the host before it was instantiated"
    case .allocation(let why): "its \(ABI.allocate) did not give room: \(why)"
    case .exit(let code): "it ended itself with code \(code)"
    case .late: "it took longer than its time"
    case .stopped: "it was stopped"
    case .refused(let error): "WASI error \(error.number)"
    }
  }
}

/// What an activation of a guest may use.
public struct GuestLimits: Sendable, Hashable {
  /// Linear memory in bytes; the manifest's `budget.memory`, at most the engine's cap.
  public var memory = 4 << 20
  /// Instructions, as the engine counts them, for one activation; nil is `usualFuel`, or what the manifest's
  /// `budget.activation` needs.
  public var fuel: UInt64?
  /// Instructions between two looks at the clock and at other agents.
  public var slice: UInt64 = 200_000
  /// Wall-clock time of one activation, waiting for other agents included.
  public var activation: Duration = .seconds(5)
  /// Time a guest may sleep in one call of the host, as for a model's answer; it does not count as its own.
  public var wait: Duration = .seconds(120)
  /// Calls of the host in one activation.
  public var calls = 10_000
  /// Lines it may log in one activation.
  public var lines = 100

  /// The limits without a budget.
  public init() {}

  /// Instructions of an activation that has no `budget.activation`: 40 to 100 ms of a laptop (measured).
  public static let usualFuel: UInt64 = 1_000_000_000

  /// So many that the time is over first: a hundred each nanosecond, four times what a plain loop was measured to do.
  static func fuel(for activation: Duration) -> UInt64 {
    let (fuel, overflow) = UInt64(clamping: activation.nanoseconds).multipliedReportingOverflow(by: 100)
    return overflow ? .max / 2 : min(fuel, .max / 2)
  }

  /// How many there are.
  var instructions: UInt64 { fuel ?? Self.usualFuel }
}
