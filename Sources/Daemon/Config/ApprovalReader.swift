import Document
import Model

/// Reads `approval`, `approval_time` and `approve_with` of an actuator.
struct ApprovalReader {
  let fields: FieldReader
  /// The ids of the board's inputs.
  let inputs: [String]

  func read() -> ApprovalSettings? {
    let node = fields.node("approval", .either(.choice(["required"]), .map { _ = Self.scope($0) }))
    let scope = node.flatMap(scope)
    let time = fields.optional("approval_time", .duration(atLeast: .seconds(1)))
    let input = fields.optional("approve_with", self.input)
    guard let scope else {
      for key in ["approval_time", "approve_with"] where node == nil && fields.node(key) != nil {
        fields.findings.error(
          fields.place(of: key), "'\(key)' needs 'approval', expected for instance approval: required beside it")
      }
      return nil
    }
    return ApprovalSettings(scope, time: time ?? ApprovalSettings.defaultTime, input: input)
  }

  private func scope(_ node: Node) -> ApprovalSettings.Scope? {
    switch node.content {
    case .string("required"): return .required
    case .map(let entries):
      let map = FieldReader(entries, what: "'approval'", location: node.location, findings: fields.findings)
      let scope = Self.scope(map)
      if scope == nil, entries.isEmpty { complain(node, "an empty map") }
      return scope
    default:
      complain(node)
      return nil
    }
  }

  private func complain(_ node: Node, _ shown: String? = nil) {
    fields.findings.error(
      node.location,
      "'approval' is \(shown ?? Wording.shown(node)), expected required, {above: 50%} or {if: \"level > 0.5\"}")
  }

  private static func scope(_ map: FieldReader) -> ApprovalSettings.Scope? {
    let above = map.optional("above", DeviceSettings.level)
    let condition = map.optional("if", DeviceSettings.condition)
    map.close()
    if above != nil, condition != nil {
      map.findings.error(
        map.place(of: "if"),
        "'approval' has both 'above' and 'if', expected one of them: a condition knows 'level', too")
    }
    return condition.map { .condition($0) } ?? above.map { .above($0) }
  }

  private var input: Shape<DeviceID> {
    Shape(
      inputs.isEmpty ? "an input, but there is none" : "an input: " + Wording.alternatives(inputs), names: inputs,
      .text(Schema.id)
    ) { node in
      guard case .string(let text) = node.content, inputs.contains(text) else { return nil }
      return DeviceID(text)
    }
  }
}
