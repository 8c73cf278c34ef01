/// A map of named fields that crosses between agents, the daemon and its clients.
///
/// A shape declares its fields once, in `visit`. Every encoding is written and read from that declaration.
package protocol WireShape {
  /// What error messages call it, such as `an event`.
  static var title: String { get }

  /// A shape whose fields have the values that stand for missing fields.
  init()

  /// Visits every field, in the order of the wire.
  mutating func visit<Pass: FieldPass>(_ pass: inout Pass) throws(Pass.Failure)
}

/// One pass over the fields of a shape: it writes them or reads them.
package protocol FieldPass {
  /// `Never` for passes that write, `AgentError` for passes that read.
  associatedtype Failure: Error

  /// Writes `value`, or replaces it with what was read. A field of the wrong kind counts as missing.
  /// - Parameters:
  ///   - name: the field's name; a unit, if there is one, is part of it.
  ///   - former: an earlier name that is still read; empty if there is none.
  ///   - isRequired: whether reading fails if the field is missing. Otherwise `value` stays as it is.
  mutating func field<Field: WireField>(
    _ name: String, former: String, isRequired: Bool, _ value: inout Field
  ) throws(Failure)
}

extension FieldPass {
  /// A field that may be missing.
  mutating func field(_ name: String, former: String = "", _ value: inout some WireField) throws(Failure) {
    try field(name, former: former, isRequired: false, &value)
  }

  /// A field that must be present.
  mutating func required(_ name: String, _ value: inout some WireField) throws(Failure) {
    try field(name, former: "", isRequired: true, &value)
  }
}

extension AgentError {
  /// The error for a required field of a shape.
  static func missing(_ field: String, in title: String) -> AgentError {
    AgentError(.invalid, "\(title) without a valid '\(field)'")
  }
}

// MARK: Trees of values

extension WireShape {
  /// The fields as a map.
  package var fields: Fields { fields(withFormerNames: false) }

  /// The fields as a map.
  /// - Parameter withFormerNames: whether renamed fields appear under their former names as well, for programs that
  ///   were built before.
  package func fields(withFormerNames: Bool) -> Fields {
    var (copy, writer) = (self, FieldsWriter(withFormerNames: withFormerNames))
    copy.visit(&writer)
    return Fields(uniquePairs: writer.pairs)
  }

  /// Reads a map. Unknown fields are ignored.
  /// - Throws: `invalid` if a required field is missing or of the wrong kind.
  package init(fields: Fields) throws(AgentError) {
    self.init()
    var reader = FieldsReader(fields: fields, title: Self.title)
    try visit(&reader)
  }

  /// Reads a value that should be a map.
  /// - Throws: `invalid` if it is not a map, or if a required field is missing or of the wrong kind.
  package init(_ value: Value) throws(AgentError) {
    guard let fields = value.map else { throw AgentError(.invalid, "\(Self.title) is a map") }
    try self.init(fields: fields)
  }
}

private struct FieldsWriter: FieldPass {
  let withFormerNames: Bool
  var pairs: [(key: String, value: Value)] = []

  init(withFormerNames: Bool) {
    self.withFormerNames = withFormerNames
    pairs.reserveCapacity(12)
  }

  mutating func field(_ name: String, former: String, isRequired: Bool, _ value: inout some WireField) {
    pairs.append((name, value.wireValue))
    if withFormerNames && !former.isEmpty { pairs.append((former, value.wireValue)) }
  }
}

private struct FieldsReader: FieldPass {
  let fields: Fields
  let title: String

  func field<Field: WireField>(
    _ name: String, former: String, isRequired: Bool, _ value: inout Field
  ) throws(AgentError) {
    let old = former.isEmpty ? nil : fields[former]
    if let read = fields[name].flatMap({ Field(wireValue: $0) }) ?? old.flatMap({ Field(wireValue: $0) }) {
      value = read
    } else if isRequired {
      throw .missing(name, in: title)
    }
  }
}
