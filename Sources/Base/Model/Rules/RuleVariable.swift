/// A variable that a rule file declares under `vars:`.
package struct RuleVariable: Sendable, Hashable {
  /// Its name, as in `vars.armed`.
  package var name: String
  /// Its first value, which also gives its type.
  package var value: Value
  /// Where it is declared.
  package var location: Location

  /// Whether a text may be a name: letters, digits and `_`, beginning with a letter; 64 characters at most.
  package static func isName(_ text: String) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, isLetter(first), bytes.count <= 64 else { return false }
    return bytes.allSatisfy {
      isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

  /// A variable.
  package init(_ name: String, _ value: Value, location: Location = Location(file: "<rules>")) {
    self.name = name
    self.value = value
    self.location = location
  }
}

/// What rule files declare: rules and their variables.
package struct RuleDeclarations: Sendable {
  /// The rules, in the order of the files.
  package var rules: [RuleDeclaration] = []
  /// The variables.
  package var variables: [RuleVariable] = []

  /// No declarations.
  package init() {}

  /// Adds those of another file.
  /// - Returns: an error for each variable that is declared a second time.
  package mutating func add(_ other: RuleDeclarations) -> [Diagnostic] {
    rules += other.rules
    return other.variables.compactMap { variable in
      if let first = variables.first(where: { $0.name == variable.name }) {
        return Diagnostic(
          variable.location, "the variable '\(variable.name)' is declared (\(first.location)), expected one of its own")
      }
      variables.append(variable)
      return nil
    }
  }

  /// The first values by name.
  package var firstValues: Fields { Fields(variables.map { ($0.name, $0.value) }) }
}
