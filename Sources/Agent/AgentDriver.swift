import Model

/// One way of running agents: in-process, sandboxed process, WASM, container.
///
/// A driver executes what the lifecycle decides; it decides nothing itself. Everything happens on the loop's thread;
/// what takes time answers through its completion.
public protocol AgentDriver: AnyObject {
  /// Which `runtime.driver` it is for.
  var kind: Manifest.Driver { get }

  /// Looks whether a manifest can run here at all: the entry exists, the engine is installed.
  /// - Throws: what is missing and what to do about it.
  func validate(_ manifest: Manifest) throws(AgentFailure)

  /// The budget that the driver holds an agent to, where the manifest says nothing or more than anybody gets.
  func inForce(_ manifest: Manifest) -> Budget

  /// Makes an instance ready for events.
  /// - Parameters:
  ///   - host: the calls the agent may make; the instance keeps it until it ends.
  ///   - done: called once, now or later.
  func start(
    _ manifest: Manifest, host: any AgentHost, _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void)
}

extension AgentDriver {
  public func inForce(_ manifest: Manifest) -> Budget { manifest.budget }
}

/// One running agent.
public protocol AgentInstance: AnyObject {
  /// The process that runs it; nil when that is the daemon.
  var pid: Int32? { get }

  /// What the last activation used; nil before the first, and where the driver does not measure it.
  var lastCost: ActivationCost? { get }

  /// Hands it an event. Not called again before `done`.
  /// - Parameter done: called once, now or later, with how the activation ended.
  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void)

  /// Counters, gauges and state for the projection.
  func snapshot(_ done: @escaping (Value) -> Void)

  /// Ends it. After `done` nothing of it is left.
  /// - Parameter now: true does not wait for anything (SIGKILL), false lets it finish (SIGTERM).
  func stop(now: Bool, _ done: @escaping () -> Void)
}

extension AgentInstance {
  public var lastCost: ActivationCost? { nil }
}

/// What one activation used, from its event to its end.
public struct ActivationCost: Sendable, Hashable {
  /// Instructions, as the sandbox counts them; 0 where it does not.
  public var fuel: UInt64
  /// The most bytes of memory the agent had: with a sandbox's linear memory, what it has grown to.
  public var peakMemory: Int
  /// Calls of the host.
  public var hostCalls: Int
  /// Time within those calls, in nanoseconds.
  public var hostTime: UInt64
  /// Time on the processor, host calls included, in nanoseconds; 0 where only `totalTime` is measured.
  public var runTime: UInt64
  /// Time from beginning to end, waiting for other agents and for a model included, in nanoseconds.
  public var totalTime: UInt64
  /// What of it was spent waiting for a model.
  public var waitTime: UInt64

  /// The time that passed of its own: what `budget.activation` is held against where others run in between.
  public var ownTime: UInt64 { totalTime - min(waitTime, totalTime) }

  /// Puts a cost together.
  public init(
    fuel: UInt64 = 0, peakMemory: Int = 0, hostCalls: Int = 0, hostTime: UInt64 = 0, runTime: UInt64 = 0,
    totalTime: UInt64 = 0, waitTime: UInt64 = 0
  ) {
    self.fuel = fuel
    self.peakMemory = peakMemory
    self.hostCalls = hostCalls
    self.hostTime = hostTime
    self.runTime = runTime
    self.totalTime = totalTime
    self.waitTime = waitTime
  }
}

/// Why an agent could not start, or why an activation failed.
public struct AgentFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The typed reason, as `history` shows it.
  public var reason: ExitReason
  /// One sentence for people.
  public var message: String

  /// Puts a failure together.
  public init(_ reason: ExitReason, _ message: String) {
    self.reason = reason
    self.message = message
  }

  public var description: String { "\(reason.rawValue): \(message)" }
}

/// Why an agent ended, or an activation did.
public enum ExitReason: String, Sendable, Hashable, CaseIterable {
  /// It finished what it was for.
  case completed
  /// Somebody asked for it.
  case killed
  /// The daemon is ending.
  case shutdown
  /// It could not be started.
  case startFailed = "start-failed"
  /// Its handler threw.
  case error
  /// It was ended by a signal or a trap.
  case crash = "crash.signal"
  /// No progress.
  case stuck
  /// It had, or wanted, more memory than its budget.
  case memory = "budget.memory"
  /// It computed for longer than its budget.
  case cpu = "budget.cpu"
  /// One activation took longer than its budget.
  case activation = "budget.activation"
  /// It emitted, or tried to, far more events than its budget.
  case events = "budget.events"
  /// It used, or tried to, the hardware far more often than its budget.
  case hardware = "budget.hardware"
  /// It asked a model for far more tokens than its budget.
  case tokens = "budget.tokens"
  /// One activation used up the instructions that its sandbox gives to an agent without a budget of time.
  case instructions = "limit.instructions"
  /// One activation called the host more often than its sandbox lets anybody.
  case calls = "limit.calls"
  /// The board was short of memory, and others are more important.
  case pressure = "pressure.memory"
}
