import Agent
import Model

/// Registers, enables and removes agents for the control plane. Each change is stored before it is confirmed.
package protocol RegistryControl: AnyObject {
  /// Registers an agent, or replaces it even if it is running.
  /// - Parameters:
  ///   - cause: the `system:command` event.
  ///   - done: called once, now or later: with the agent's status once the registration is stored, or with the error.
  func register(
    _ registration: AgentRegistration, cause: Cause?, _ done: @escaping (Result<AgentStatus, RegistrationError>) -> Void
  )

  /// Reads the manifest of a child from a file in or below the folder of its parent's manifest. It is not checked.
  /// - Parameter values: what stands for `${NAME}` in the file. Names that are not among them stay as they are.
  func childManifest(
    _ path: String, parent: Manifest, values: [String: String]
  ) throws(RegistrationError) -> Value

  /// Lets an agent run, or keeps it from running.
  /// - Parameter done: called once, now or later, when that is stored: with the agent's status, which is nil for one
  ///   that is not registered, or with the error.
  func setEnabled(
    _ agent: AgentID, _ isEnabled: Bool, cause: Cause?,
    _ done: @escaping (Result<AgentStatus?, RegistrationError>) -> Void)

  /// Removes an agent that is not running from the registry.
  /// - Parameter done: called once, now or later, when the removal is stored.
  func unregister(_ agent: AgentID, _ done: @escaping (Result<Void, RegistrationError>) -> Void)
}

/// A request to register an agent.
package struct AgentRegistration: Sendable {
  /// The contents of an `agent.json`.
  package var manifest: Value
  /// The manifest's absolute path, or `noFile`; relative paths in the manifest start in its folder.
  package var file: String
  /// The contents of the module that `runtime.entry` names; nil if the daemon reads the file itself.
  package var module: [UInt8]?
  /// The time that the new version must run without a failure, or the previous version is restored; nil for no trial.
  package var trial: Duration?

  /// What stands for the path of a manifest that is in no file; it is shown in messages.
  package static let noFile = "<request>"

  /// Creates a request.
  package init(manifest: Value, file: String = Self.noFile, module: [UInt8]? = nil, trial: Duration? = nil) {
    self.manifest = manifest
    self.file = file
    self.module = module
    self.trial = trial
  }
}

/// The reason that the daemon refused to register or unregister an agent.
package enum RegistrationError: Error, Sendable {
  /// The manifest has errors.
  case invalid(Diagnostics)
  /// The agent's state or the storage prevents it.
  case agent(AgentControlError)
}
