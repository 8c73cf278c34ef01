import Linux
import Model

extension Permissions {
  /// Whether the agent may read the sensor or input.
  package func mayRead(sensor: String) -> Bool { sensors.contains { $0.matches(sensor) } }

  /// Whether the agent may emit events of the type: a well-formed name that `emit` allows. The built-in domains are
  /// always denied.
  package func mayEmit(type: String) -> Bool {
    EventPattern.isEventName(type) && EventPattern.builtInDomain(of: type) == nil && emit.contains { $0.matches(type) }
  }

  /// Whether the agent may read the file: its path is granted, or lies below a granted folder. Paths are compared by
  /// component: `/data` does not grant `/database`.
  /// - Parameters:
  ///   - path: as the agent wrote it.
  ///   - resolve: resolves symbolic links, `.` and `..` (realpath(3)); returns nil for a path that does not exist.
  ///     Applied to the file and to every granted path, so that a symbolic link cannot lead out of a granted folder.
  /// - Returns: the resolved path, which is the one to open; nil when it is not granted or does not exist.
  package func mayReadFile(_ path: String, resolve: (String) -> String?) -> String? {
    guard !paths.isEmpty, !path.utf8.contains(0), let file = resolve(path) else { return nil }
    let granted = paths.contains { resolve($0).map { Self.contains($0, file) } ?? false }
    return granted ? file : nil
  }

  /// Whether the resolved path `file` is `folder` or lies below it. False for paths that are not resolved.
  static func contains(_ folder: String, _ file: String) -> Bool {
    isResolved(folder) && isResolved(file) && Files.contains(folder, file)
  }

  private static func isResolved(_ path: String) -> Bool {
    Files.isAbsolute(path) && !Files.parts(of: path).contains { $0 == "." || $0 == ".." }
  }
}

extension AgentError {
  /// The error for an operation that the agent's manifest does not grant.
  /// - Parameters:
  ///   - operation: e.g. `read sensor`.
  ///   - object: the device, event type or path.
  ///   - key: the list under `capabilities.permissions` that would have to name the object.
  package static func notGranted(_ agent: AgentID, _ operation: String, _ object: String, key: String) -> AgentError {
    AgentError(
      .denied, "agent '\(agent)' may not \(operation) '\(object)': capabilities.permissions.\(key) does not allow it")
  }
}
