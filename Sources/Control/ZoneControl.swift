import Agent
import HAL
import Model

/// What the control plane needs of the daemon as a whole. The daemon implements it.
public protocol ZoneControl: AnyObject {
  /// The daemon's version, e.g. `0.1.0`.
  var version: String { get }

  /// What `daemon.status` shows beside what the control plane knows itself: board, home, memory, threads, …
  func status() -> Fields

  /// Devices, leases, agents, budgets, rules and the agents' snapshots as one tree.
  /// - Parameter done: called once, now or later.
  func stateTree(_ done: @escaping (Value) -> Void)

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

  /// What all agents together use, and the daemon itself.
  var boardBudgets: [BudgetStatus] { get }

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
  /// - Returns: false when the daemon is not in safe mode.
  func leaveSafeMode() -> Bool

  /// Registers an agent or replaces its manifest; kept across restarts.
  /// - Parameters:
  ///   - manifest: the contents of an `agent.json`.
  ///   - file: where it stands; relative paths in it start there.
  ///   - done: called once, now or later: with its status when it would survive a power cut, or why it was not taken.
  func register(manifest: Value, file: String, _ done: @escaping (Result<AgentStatus, ZoneError>) -> Void)

  /// Forgets an agent that does not run.
  /// - Parameter done: called once, now or later, when that would survive a power cut.
  func unregister(_ agent: AgentID, _ done: @escaping (Result<Void, ZoneError>) -> Void)
}

/// Why the daemon did not take a manifest, or did not forget one.
public enum ZoneError: Error, Sendable {
  /// The manifest has errors.
  case invalid(Diagnostics)
  /// It may be right, and cannot be registered now.
  case agent(AgentControlError)
}
