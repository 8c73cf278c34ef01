import Agent
import HAL
import Model

/// The daemon's operations for the control plane. The daemon implements it.
package protocol DaemonControl: AnyObject {
  /// The daemon's version, e.g. `0.1.0`.
  var version: String { get }

  /// The daemon's own fields of `daemon.status`: board, home, memory, threads and others.
  func status() -> Fields

  /// Puts every actuator into its safe state, ends every lease and pauses the agents, until the stop is cleared.
  ///
  /// Every actuator has been commanded when this call returns.
  /// - Parameters:
  ///   - client: the caller's name, for events.
  ///   - reason: the caller's reason; nil for none.
  ///   - done: called once, when the stop is stored: whether it is new, and why it could not be stored (nil on
  ///     success).
  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void)

  /// Ends an emergency stop. Nothing moves by itself.
  /// - Parameter done: called once, when the end is stored: whether a stop was in force, and why its end could not be
  ///   stored (nil on success).
  /// - Throws: `limited` while an emergency-stop input is active.
  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) throws(HALError)

  /// Reads the newest lines of the restart ledger, oldest first; section 4.14 of the protocol.
  /// - Parameters:
  ///   - agent: only this agent's lines; nil for all lines, including the daemon's and the board's.
  ///   - last: the greatest number of lines.
  ///   - done: called once, now or later; the only error is `storage`.
  func history(_ agent: AgentID?, last: Int, _ done: @escaping (Result<[Fields], AgentControlError>) -> Void)

  /// Proves the limits of sandboxed agents: programs try to exceed them, one after the other.
  /// - Parameter done: called once, later, with the result of `daemon.probe`.
  /// - Returns: false when such programs run already; `done` is not called then.
  func probeLimits(_ done: @escaping (Fields) -> Void) -> Bool

  /// Checks the text of a rule file against this board, as `openstarry check` does.
  func problems(inRules text: String) -> [Diagnostic]

  /// Reads the board file and the rule files from the disk: `kind` (`board` or `rules`), `file`, and `text` or `error`.
  func files() -> [Fields]

  /// Starts an orderly exit of the daemon, after the caller has returned to the loop.
  func stop()

  /// Reloads rules and manifests. On an error nothing changes.
  /// - Returns: the result of `daemon.reload`.
  func reload() throws(Diagnostics) -> Fields

  /// Leaves safe mode: starts rules and agents.
  /// - Parameter done: called once, with false when the daemon was not in safe mode.
  func leaveSafeMode(_ done: @escaping (Bool) -> Void)
}
