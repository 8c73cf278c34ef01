import Agent
import Linux
import Model

/// What users without special rights may reach.
enum Access {
  /// The error for an agent whose files the launcher's user may not use.
  /// - Parameter obstacle: as `obstacle(to:)` returns it.
  static func failure(of manifest: Manifest, _ obstacle: String) -> AgentFailure {
    AgentFailure(
      .startFailed,
      "agents run as a user of their own, who may not use what agent '\(manifest.id)' needs: \(obstacle)")
  }

  /// The first folder on the way that others may not enter, or the file if they may not read and execute it.
  /// - Parameter path: absolute, without links.
  /// - Returns: a sentence with the remedy; nil when they may.
  static func obstacle(to path: String) -> String? {
    var place = ""
    let parts = path.split(separator: "/")
    for (index, part) in parts.enumerated() {
      place += "/\(part)"
      let isFile = index == parts.count - 1
      let wanted: UInt32 = isFile ? 0o005 : 0o001
      guard let mode = (try? FileStatus(place))?.mode, mode & wanted != wanted else { continue }
      let octal = String(mode & 0o7777, radix: 8)
      return "\(place) has mode \(octal): chmod o+\(isFile ? "rx" : "x") \(place), or move the agent elsewhere"
    }
    return nil
  }
}
