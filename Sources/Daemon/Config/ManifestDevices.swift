import Document
import Model

/// Checks the devices in a manifest against those of a board.
struct ManifestDevices {
  let board: Board
  let findings: Findings

  /// Warns about names that the board does not have. Not an error: another board may have them.
  func check(_ fields: FieldReader, _ manifest: Manifest) {
    if let permissions = fields.node("capabilities")?["permissions"] {
      check(permissions["sensors"], kinds: ["sensor", "input"])
      check(permissions["actuators"], kinds: ["actuator"])
      check(permissions["cameras"], kinds: ["camera"])
    }
    let known = KnownNames(board: board)
    for node in fields.node("subscribe").map(Self.entries) ?? [] {
      guard case .string(let text) = node.content else { continue }
      let pattern = EventPattern(text)
      if let message = known.complaint(about: pattern) ?? known.doubt(about: pattern) {
        findings.warning(node.location, message)
      }
    }
  }

  private func check(_ list: Node?, kinds: [String]) {
    let known = board.devices.filter { kinds.contains($0.kind.name) }.map(\.id.rawValue)
    for node in list.map(Self.entries) ?? [] {
      guard case .string(let text) = node.content, !known.contains(where: { EventPattern(text).matches($0) }) else {
        continue
      }
      let noun = Wording.alternatives(kinds)
      findings.warning(
        node.location,
        "board '\(board.name)' has no \(noun) \(Wording.quoted(text))\(Suggestion.phrase(for: text, in: known))")
    }
  }

  private static func entries(_ node: Node) -> [Node] {
    if case .list(let nodes) = node.content { nodes } else { [node] }
  }
}
