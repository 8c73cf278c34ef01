import Agent
import HAL
import Model

/// What the control plane needs of the daemon as a whole. The daemon implements it.
public protocol DaemonControl: AnyObject {
  /// The daemon's version, e.g. `0.1.0`.
  var version: String { get }

  /// The part of `daemon.status` that neither the control plane nor the projection knows: board, home, memory, threads, …
  func status() -> Fields

  /// Puts every actuator into its safe state, ends every lease and pauses the agents, until it is cleared.
  /// - Parameters:
  ///   - client: who asks.
  ///   - reason: in words.
  ///   - done: called once, when that would survive a power cut: whether it was not in force already, and what went
  ///     wrong with keeping it if something did. The hardware is safe before this call returns.
  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void)

  /// Ends an emergency stop; nothing moves by itself.
  /// - Parameter done: called once: whether one was in force, and what went wrong with forgetting it.
  /// - Throws: `limited` while an input holds it.
  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) throws(HALError)

  /// The newest lines of the restart ledger, oldest first; section 4.14 of the protocol.
  /// - Parameters:
  ///   - agent: whose; nil is everybody's, and the daemon's and the board's.
  ///   - done: called once, now or later; the only error is `storage`.
  func history(_ agent: AgentID?, last: Int, _ done: @escaping (Result<[Fields], AgentControlError>) -> Void)

  /// Ends the daemon in good order, after the caller has returned to the loop.
  func stop()

  /// Reads rules and manifests again. All or nothing.
  /// - Returns: what was read, for people.
  func reload() throws(Diagnostics) -> Fields

  /// Starts what safe mode has left out: rules and agents.
  /// - Parameter done: called once, with false when the daemon is not in safe mode.
  func leaveSafeMode(_ done: @escaping (Bool) -> Void)

  /// Registers an agent or replaces it, whether it runs or not; kept across restarts.
  /// - Parameters:
  ///   - cause: what led to it.
  ///   - done: called once, now or later: with its status when it would survive a power cut, or why it was not taken.
  func register(
    _ registration: AgentRegistration, cause: Cause?, _ done: @escaping (Result<AgentStatus, RegistrationError>) -> Void
  )

  /// Forgets an agent that does not run.
  /// - Parameter done: called once, now or later, when that would survive a power cut.
  func unregister(_ agent: AgentID, _ done: @escaping (Result<Void, RegistrationError>) -> Void)
}

/// An agent that is to be registered.
public struct AgentRegistration: Sendable {
  /// The contents of an `agent.json`.
  public var manifest: Value
  /// Where it stands; relative paths in it start there.
  public var file: String
  /// The module that `runtime.entry` names, where the client hands it over; nil has the daemon read it there.
  public var module: [UInt8]?
  /// How long it must run without a failure, or the former version comes back; nil for no trial.
  public var trial: Duration?

  /// A registration with these members.
  public init(manifest: Value, file: String = "<request>", module: [UInt8]? = nil, trial: Duration? = nil) {
    self.manifest = manifest
    self.file = file
    self.module = module
    self.trial = trial
  }
}

/// Why the daemon did not take a manifest, or did not forget one.
public enum RegistrationError: Error, Sendable {
  /// The manifest has errors.
  case invalid(Diagnostics)
  /// It may be right, and cannot be registered now.
  case agent(AgentControlError)
}
