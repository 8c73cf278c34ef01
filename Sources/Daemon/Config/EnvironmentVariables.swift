import Document
import Model

/// Substitutes environment variables in texts: `${NAME}` becomes the variable's value, and `$${` becomes `${`.
struct EnvironmentVariables {
  let values: [String: String]
  let findings: Findings
  /// Whether texts are left as they are where no variable of `values` is named, for a later substitution.
  var isPartial = false

  /// The node with all texts except keys substituted. An unset variable is reported as an error.
  func substitute(_ node: Node) -> Node {
    var result = node
    switch node.content {
    case .string(let text) where text.utf8.contains(UInt8(ascii: "$")):
      result.content = .string(substitute(text, at: node.location))
    case .list(let nodes): result.content = .list(nodes.map(substitute))
    case .map(let entries):
      result.content = .map(
        entries.map { Node.Entry(key: $0.key, keyLocation: $0.keyLocation, value: substitute($0.value)) })
    default: break
    }
    return result
  }

  private func substitute(_ text: String, at location: Location) -> String {
    var result = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        result += isPartial ? "$${" : "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        guard let end = rest.firstIndex(of: "}") else {
          findings.error(location, "a '${' has no '}', expected ${NAME}, or $${ for the characters themselves")
          return result + rest
        }
        result += value(of: rest[..<end].dropFirst(2), at: location)
        rest = rest[end...].dropFirst()
      } else {
        result += "$"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }

  private func value(of name: Substring, at location: Location) -> String {
    if isPartial { return values[String(name)] ?? "${\(name)}" }
    let isName =
      !name.isEmpty && name.first?.isNumber == false
      && name.unicodeScalars.allSatisfy {
        $0 == "_" || ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
      }
    guard isName else {
      findings.error(
        location,
        "\(Wording.quoted("${\(name)}")) names no environment variable, expected letters, digits and '_' between the"
          + " braces, or $${ for the characters themselves")
      return "${\(name)}"
    }
    if let value = values[String(name)] { return value }
    findings.error(
      location,
      "environment variable '\(name)' is not set\(Suggestion.phrase(for: String(name), in: values.keys)),"
        + " expected it in the daemon's environment")
    // Return the original text, so that no further errors follow from the missing variable.
    return "${\(name)}"
  }
}
