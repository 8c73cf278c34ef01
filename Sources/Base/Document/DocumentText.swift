import Model

/// YAML or JSON, whichever a file's name says.
public enum DocumentText {
  /// Reads a text as JSON when `file` ends in `.json`, as YAML otherwise.
  /// - Parameters:
  ///   - bytes: the text, UTF-8.
  ///   - file: what to call it in messages.
  ///   - limits: how large it may be.
  /// - Returns: the text's one value, every part of which knows its place.
  /// - Throws: everything found wrong.
  public static func parse(
    _ bytes: [UInt8], file: String, limits: DocumentLimits = .standard
  ) throws(Diagnostics) -> Node {
    file.hasSuffix(".json")
      ? try JSON.parse(bytes, file: file, limits: limits) : try YAML.parse(bytes, file: file, limits: limits)
  }
}
