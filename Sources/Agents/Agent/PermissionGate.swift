import Model

extension Permissions {
  /// Whether it may read the sensor or input.
  public func mayRead(sensor: String) -> Bool { sensors.contains { $0.matches(sensor) } }

  /// Whether it may emit events of the type: a well-formed name outside the built-in domains that `emit` allows.
  public func mayEmit(type: String) -> Bool {
    EventPattern.isEventName(type) && EventPattern.builtInDomain(of: type) == nil && emit.contains { $0.matches(type) }
  }

  /// Whether it may read the file: it is a granted path, or lies below one. No path is granted by a prefix of a name:
  /// `/data` does not grant `/database`.
  /// - Parameters:
  ///   - path: as the agent wrote it.
  ///   - resolve: gives the path with symbolic links, `.` and `..` resolved (realpath(3)); nil when it leads nowhere.
  ///     Asked for the file and for each granted path, so that a link inside a granted folder does not lead out of it.
  /// - Returns: the resolved path, which is the one to open; nil when it is not granted or leads nowhere.
  public func mayReadFile(_ path: String, resolve: (String) -> String?) -> String? {
    guard !paths.isEmpty, !path.utf8.contains(0), let file = resolve(path) else { return nil }
    let granted = paths.contains { resolve($0).map { Self.contains($0, file) } ?? false }
    return granted ? file : nil
  }

  /// Whether the resolved path `file` is `folder` or lies below it. False for paths that are not resolved.
  static func contains(_ folder: String, _ file: String) -> Bool {
    guard let outer = parts(folder), let inner = parts(file) else { return false }
    return inner.starts(with: outer)
  }

  private static func parts(_ path: String) -> [Substring]? {
    guard path.hasPrefix("/") else { return nil }
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    return parts.contains(".") || parts.contains("..") ? nil : parts
  }
}

extension AgentError {
  /// What an agent is told when its manifest does not grant what it asked for.
  /// - Parameters:
  ///   - operation: what it asked, e.g. `read sensor`.
  ///   - object: of what.
  ///   - key: the list under `capabilities.permissions` that would have to name it.
  public static func notGranted(_ agent: AgentID, _ operation: String, _ object: String, key: String) -> AgentError {
    AgentError(
      .denied, "agent '\(agent)' may not \(operation) '\(object)': capabilities.permissions.\(key) does not allow it")
  }
}
