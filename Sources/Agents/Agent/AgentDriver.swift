import Model

/// Runs the agents of one isolation: in-process, WASM, sandboxed process, container.
///
/// A driver carries out the lifecycle's decisions and makes none itself. It is called on the loop's thread and never
/// blocks it: slow operations answer through their completion.
package protocol AgentDriver: AnyObject {
  /// The properties of this isolation: limits it enforces, resources it meters, whether its agents may wait.
  var isolation: Isolation { get }

  /// Checks whether a manifest can run here: the entry exists, the engine is installed.
  /// - Throws: what is missing, and how to supply it.
  func validate(_ manifest: Manifest) throws(AgentFailure)

  /// The effective budget: the manifest's, with the driver's defaults filled in and cut to the driver's maxima.
  func inForce(_ manifest: Manifest) -> Budget

  /// Creates an instance that is ready for events.
  /// - Parameters:
  ///   - host: receives the agent's calls. The instance retains it until it ends.
  ///   - ended: called at most once, at any time after `done`, when the instance ends without being asked to. Never
  ///     called after `stop`. It replaces the completion of a running activation.
  ///   - done: called once, now or later.
  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void)

  /// Gives up a start whose `done` has not been called: it follows soon, with the reason `killed`, or with an instance if
  /// this comes too late. By default the start goes on, for isolations whose starts take no time.
  func cancelStart(of agent: AgentID)
}

extension AgentDriver {
  /// The `runtime.driver` that this driver runs.
  package var kind: Manifest.Driver { isolation.kind }

  package func inForce(_ manifest: Manifest) -> Budget { manifest.budget }

  package func cancelStart(of agent: AgentID) {}
}

/// One running instance of an agent.
package protocol AgentInstance: AnyObject {
  /// The process that runs the instance; nil when it runs inside the daemon.
  var pid: Int32? { get }

  /// What the last activation used; nil before the first, and where the driver does not measure it.
  var lastCost: ActivationCost? { get }

  /// Runs the handler for one event. Not called again before `done`.
  /// - Parameter done: called once, now or later, with the result of the activation. Not called when the instance ends
  ///   during the activation: then `ended` or the completion of `stop` is the answer. After a failure with a reason
  ///   other than `error` the instance is unusable, and the caller must stop it.
  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void)

  /// The agent's report for the projection: its own counters, gauges and state. Calls `done` once, now or later.
  func snapshot(_ done: @escaping (Value) -> Void)

  /// Stops the instance. May be called a second time with `now: true` when a graceful stop takes too long. Harmless
  /// when the instance has already ended.
  /// - Parameters:
  ///   - now: true does not wait for anything (SIGKILL), false lets it finish (SIGTERM).
  ///   - done: called once, when the instance and everything it holds is gone.
  func stop(now: Bool, _ done: @escaping () -> Void)
}

extension AgentInstance {
  package var lastCost: ActivationCost? { nil }
}

/// The resources that one activation used.
package struct ActivationCost: Sendable, Hashable {
  /// Instructions, as the sandbox counts them; 0 where it does not count.
  package var fuel: UInt64
  /// Peak memory of the agent in bytes; for a WASM agent the size that its linear memory has grown to.
  package var peakMemory: Int
  /// Number of host calls.
  package var hostCalls: Int
  /// Time spent inside host calls, in nanoseconds.
  package var hostTime: UInt64
  /// CPU time, host calls included, in nanoseconds; 0 where only `totalTime` is measured.
  package var runTime: UInt64
  /// Elapsed time, including waits for other agents and for a model, in nanoseconds.
  package var totalTime: UInt64
  /// The part of `totalTime` spent waiting for a model, in nanoseconds.
  package var waitTime: UInt64

  /// Whether the activation's CPU time is charged with it: false where the driver reports it through `UsageRecorder`.
  package var chargesCPU = true

  /// `totalTime` without waits for a model, in nanoseconds: compared with `budget.activation`.
  package var ownTime: UInt64 { totalTime - min(waitTime, totalTime) }

  /// Leave at 0 what is not measured.
  package init(
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
