import Launcher
import Linux
import Model

/// How an agent's program is confined: what the launcher executes for it. `Sandbox` and `Container` make it.
package struct Confinement: Sendable {
  /// The command line; the first word is a full path.
  package var words: [String]
  /// `NAME=value` each.
  package var environment: [String]
  /// Those of `fs_allow_paths` that are not shown to the agent, each with the reason.
  package var refused: [String]
  /// The file of a seccomp filter that becomes descriptor 4; nil for none.
  package var filter: String?
  /// The folder that the launcher makes for it; nil for none.
  package var data: String?
  /// What the launcher starts.
  package var kind = LaunchPlan.Kind.program

  /// The plan for the launcher.
  package func plan(_ id: UInt32, name: AgentID, _ limits: LaunchLimits) -> LaunchPlan {
    let letters = name.rawValue.utf8.map { byte -> UInt8 in
      let isPlain = byte | 32 >= 0x61 && byte | 32 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x2D
      return isPlain ? byte : UInt8(ascii: "_")
    }
    return LaunchPlan(
      id: id, name: letters.prefix(64) + Array("-\(id)".utf8), words: words.map { Array($0.utf8) },
      environment: environment.map { Array($0.utf8) }, limits: limits, kind: kind,
      data: Array((data ?? "").utf8))
  }

  /// The plan of a command that is not confined, for tests and diagnosis of the launcher itself.
  package static func none(_ words: [String], _ environment: [String]) -> (UInt32) -> LaunchPlan {
    { id in
      LaunchPlan(
        id: id, name: Array("plain-\(id)".utf8), words: words.map { Array($0.utf8) },
        environment: environment.map { Array($0.utf8) })
    }
  }
}
