import OpenStarryAgent

/// The arguments of a tool: the JSON Schema that the model gets, and the same rules as a check of what it writes.
struct Arguments {
  /// A declared argument.
  struct Argument {
    let name: String
    let kind: Kind
    let about: String
    let isRequired: Bool

    static func required(_ name: String, _ kind: Kind, _ about: String) -> Argument {
      Argument(name: name, kind: kind, about: about, isRequired: true)
    }

    static func optional(_ name: String, _ kind: Kind, _ about: String) -> Argument {
      Argument(name: name, kind: kind, about: about, isRequired: false)
    }
  }

  /// What an argument may be.
  enum Kind {
    /// At most so many bytes.
    case text(Int)
    case choice([String])
    case integer(ClosedRange<Int64>)
    case number(ClosedRange<Double>)
    case flag
    /// An object with any fields.
    case object
  }

  /// nil where the schema is somebody else's, who checks it.
  private let declared: [Argument]?
  let schema: Value

  init(_ arguments: [Argument]) {
    declared = arguments
    let properties = arguments.map { ($0.name, Value.map($0.kind.schema($0.about))) }
    schema = [
      "type": "object", "properties": .map(Fields(properties)),
      "required": .list(arguments.filter(\.isRequired).map { .string($0.name) }), "additionalProperties": false,
    ]
  }

  /// Arguments whose schema somebody else has written, and checks.
  init(foreign schema: Value) {
    declared = nil
    self.schema = schema.map == nil ? ["type": "object", "properties": [:]] : schema
  }

  /// - Throws: what is wrong with the arguments.
  func check(_ fields: Fields) throws(ToolFailure) {
    guard let declared else { return }
    for argument in declared {
      guard let value = fields[argument.name], value != .null || !argument.isRequired else {
        if argument.isRequired {
          throw ToolFailure("the argument '\(argument.name)' is missing: \(argument.kind.words)")
        }
        continue
      }
      guard value == .null || argument.kind.allows(value) else {
        throw ToolFailure("'\(argument.name)' has to be \(argument.kind.words)")
      }
    }
    if let stray = fields.keys.first(where: { key in !declared.contains { $0.name.isSame(as: key) } }) {
      let names = declared.map { "'\($0.name)'" }.joined(separator: ", ")
      throw ToolFailure("there is no argument '\(stray.bounded(40))'; there are: \(names.isEmpty ? "none" : names)")
    }
  }
}

extension Arguments.Kind {
  fileprivate func schema(_ about: String) -> Fields {
    var fields: Fields =
      switch self {
      case .text(let most): ["type": "string", "maxLength": .int(Int64(most))]
      case .choice(let words): ["type": "string", "enum": .list(words.map(Value.string))]
      case .integer(let range):
        ["type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
      case .number(let range):
        ["type": "number", "minimum": .double(range.lowerBound), "maximum": .double(range.upperBound)]
      case .flag: ["type": "boolean"]
      case .object: ["type": "object"]
      }
    if !about.isEmpty { fields["description"] = .string(about) }
    return fields
  }

  /// Whether a value is of this kind. Small models write numbers with a point.
  fileprivate func allows(_ value: Value) -> Bool {
    switch self {
    case .text(let most): value.string.map { $0.utf8.count <= most } ?? false
    case .choice(let words): value.string.map { text in words.contains { $0.isSame(as: text) } } ?? false
    case .integer(let range): value.int.map(range.contains) ?? false
    case .number(let range): value.double.map(range.contains) ?? false
    case .flag: value.bool != nil
    case .object: value.map != nil
    }
  }

  fileprivate var words: String {
    switch self {
    case .text(let most): "a text of at most \(most) bytes"
    case .choice(let words): "one of \(words.prefix(64).map { "'\($0)'" }.joined(separator: ", "))"
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .flag: "true or false"
    case .object: "an object"
    }
  }
}
