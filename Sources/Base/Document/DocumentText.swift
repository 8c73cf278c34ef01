import Model

/// YAML or JSON text, told apart by the file's name.
package enum DocumentText {
  /// Reads a text as JSON when `file` ends in `.json`, as YAML otherwise.
  /// - Parameters:
  ///   - bytes: the text, UTF-8.
  ///   - file: the name for messages.
  ///   - limits: the largest size and nesting.
  /// - Returns: the text's one value; every part carries its location.
  /// - Throws: all problems found.
  package static func parse(
    _ bytes: [UInt8], file: String, limits: DocumentLimits = .defaultValue
  ) throws(Diagnostics) -> Node {
    file.hasSuffix(".json")
      ? try JSON.parse(bytes, file: file, limits: limits) : try YAML.parse(bytes, file: file, limits: limits)
  }
}
