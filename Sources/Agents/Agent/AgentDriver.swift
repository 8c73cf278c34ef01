import Model

/// One way of running agents: in-process, sandboxed process, WASM, container.
///
/// A driver executes what the lifecycle decides; it decides nothing itself. Everything happens on the loop's thread;
/// what takes time answers through its completion.
public protocol AgentDriver: AnyObject {
  /// What the isolation says of itself.
  var isolation: Isolation { get }

  /// Looks whether a manifest can run here at all: the entry exists, the engine is installed.
  /// - Throws: what is missing and what to do about it.
  func validate(_ manifest: Manifest) throws(AgentFailure)

  /// The budget that the driver holds an agent to, where the manifest says nothing or more than anybody gets.
  func inForce(_ manifest: Manifest) -> Budget

  /// Makes an instance ready for events.
  /// - Parameters:
  ///   - host: the calls the agent may make; the instance keeps it until it ends.
  ///   - ended: called at most once, at any time after `done`, when the instance is gone without having been asked to
  ///     end. Never called once `stop` was. An activation that was running is answered by this call alone.
  ///   - done: called once, now or later.
  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void)
}

extension AgentDriver {
  /// Which `runtime.driver` it is for.
  public var kind: Manifest.Driver { isolation.kind }

  public func inForce(_ manifest: Manifest) -> Budget { manifest.budget }
}

/// One running agent.
public protocol AgentInstance: AnyObject {
  /// The process that runs it; nil when that is the daemon.
  var pid: Int32? { get }

  /// What the last activation used; nil before the first, and where the driver does not measure it.
  var lastCost: ActivationCost? { get }

  /// Hands it an event. Not called again before `done`.
  /// - Parameter done: called once, now or later, with how the activation ended; not at all when the instance ends in
  ///   the middle of it, which `ended` and `stop` say. After a failure with another reason than `error` the instance is
  ///   of no further use, and is to be stopped.
  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void)

  /// Counters, gauges and state for the projection.
  func snapshot(_ done: @escaping (Value) -> Void)

  /// Ends it. Called again when an end that may take its time takes too long, and harmless when it is gone.
  /// - Parameters:
  ///   - now: true does not wait for anything (SIGKILL), false lets it finish (SIGTERM).
  ///   - done: called once, when nothing of it is left.
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

  /// What is not measured is 0.
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
