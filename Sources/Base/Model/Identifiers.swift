/// An id in files and commands. Each kind is a type of its own, so that ids of different kinds cannot be confused.
package protocol Identifier: RawRepresentable<String>, Hashable, Comparable, Sendable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  /// The id's text, compared byte by byte.
  var name: Name { get }
  /// An unchecked id; `isWellFormed` checks it.
  init(_ name: Name)
}

extension Identifier {
  /// An unchecked id; `isWellFormed` checks it.
  package init(_ text: String) { self.init(Name(text)) }
  package init?(rawValue: String) { self.init(rawValue) }
  package init(stringLiteral value: String) { self.init(value) }
  package var rawValue: String { name.text }
  package var description: String { name.text }
  package static func == (left: Self, right: Self) -> Bool { left.name == right.name }
  package static func < (left: Self, right: Self) -> Bool { left.name < right.name }
  // Declared here because RawRepresentable would hash the raw value, by Unicode equivalence.
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// Whether it is 1 to 64 ASCII letters, digits, `.`, `_` or `-`, and begins with a letter or digit.
  ///
  /// Such a name is safe as a file name, an event name and an environment variable's value.
  package var isWellFormed: Bool {
    let text = rawValue.utf8
    guard (1...64).contains(text.count), let first = text.first, Self.isAlphanumeric(first) else { return false }
    return text.allSatisfy {
      Self.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
    }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}

/// The id of a device in the board file.
package struct DeviceID: Identifier {
  package let name: Name
  package init(_ name: Name) { self.name = name }
}

/// The id of an agent, `identity.id` in its manifest.
package struct AgentID: Identifier {
  package let name: Name
  package init(_ name: Name) { self.name = name }
}

/// The id of a rule: `id` in the rule file, or `<file name>:<line>`.
package struct RuleID: Identifier {
  package let name: Name
  package init(_ name: Name) { self.name = name }
}
