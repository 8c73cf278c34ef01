import Model

/// The environment variables of agents that are programs, in a sandbox or in a container (docs/process-abi.md 1.3).
enum AgentVariables {
  /// `NAME=value` each, beside what the isolation itself needs.
  /// - Parameters:
  ///   - hasProxy: whether it reaches the hosts of its manifest through the proxy.
  ///   - hasData: whether it has a folder of its own.
  static func of(_ manifest: Manifest, hasProxy: Bool, hasData: Bool) -> [String] {
    let home = Sandbox.home
    var variables = [
      "OPENSTARRY_AGENT_ID=\(manifest.id)", "OPENSTARRY_HOME=\(home)", "HOME=/tmp", "PYTHONPATH=\(home)/python",
      "PYTHONDONTWRITEBYTECODE=1",
    ]
    if hasProxy { variables += AgentNetwork.environment }
    if hasData, let limit = manifest.permissions.data {
      variables += [DataFolders.variable, "OPENSTARRY_DATA_LIMIT=\(limit)"]
    }
    return variables
  }
}
