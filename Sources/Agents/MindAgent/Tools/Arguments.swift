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
    /// So many bytes.
    case text(ClosedRange<Int>)
    /// At most so many letters, digits, `-`, `_` and `.`.
    case name(Int)
    case choice([String])
    /// The name of an event that one of the patterns matches.
    case event([String])
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
      case .text(let range): Self.lengths(range)
      case .name(let most): ["type": "string", "pattern": .string("^[A-Za-z0-9_.-]{1,\(most)}$")]
      case .choice(let words): ["type": "string", "enum": .list(words.map(Value.string))]
      case .event(let patterns): Self.form(patterns)
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

  /// The schema of a text. Servers that make a grammar of it refuse large numbers; the check knows them.
  private static func lengths(_ range: ClosedRange<Int>) -> Fields {
    var fields: Fields = ["type": "string"]
    if range.lowerBound > 0 { fields["minLength"] = .int(Int64(range.lowerBound)) }
    if range.upperBound <= 1000 { fields["maxLength"] = .int(Int64(range.upperBound)) }
    return fields
  }

  /// The schema of an event's name. A pattern for all events has none.
  private static func form(_ patterns: [String]) -> Fields {
    if patterns.count > 16 || patterns.contains(where: { !$0.utf8.contains(UInt8(ascii: ":")) }) {
      return lengths(3...128)
    }
    let forms = patterns.map { pattern in
      pattern.reduce(into: "") { form, character in
        switch character {
        case "*": form += "[A-Za-z0-9_.-]{1,32}"
        case ".": form += "\\."
        default: form.append(character)
        }
      }
    }
    return ["type": "string", "pattern": .string("^(\(forms.joined(separator: "|")))$")]
  }

  /// Whether a value is of this kind. Small models write numbers with a point.
  fileprivate func allows(_ value: Value) -> Bool {
    switch self {
    case .text(let range): value.string.map { range.contains($0.utf8.count) } ?? false
    case .name(let most): value.string.map { $0.utf8.count <= most && ModelTool.isName($0) } ?? false
    case .choice(let words): value.string.map { text in words.contains { $0.isSame(as: text) } } ?? false
    case .event(let patterns): value.string.map { Pattern.anyMatches(patterns, $0) } ?? false
    case .integer(let range): value.int.map(range.contains) ?? false
    case .number(let range): value.double.map(range.contains) ?? false
    case .flag: value.bool != nil
    case .object: value.map != nil
    }
  }

  fileprivate var words: String {
    switch self {
    case .text(let range): "a text of at most \(range.upperBound) bytes\(range.lowerBound > 0 ? ", not empty" : "")"
    case .name(let most): "1 to \(most) letters, digits, '-', '_' and '.'"
    case .choice(let words): "one of \(words.prefix(64).map { "'\($0)'" }.joined(separator: ", "))"
    case .event(let patterns): "the name of an event: \(patterns.prefix(16).joined(separator: ", "))"
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .flag: "true or false"
    case .object: "an object"
    }
  }
}
