import Agent
import Document
import Model

/// Parses and decodes configuration files. Files with the extension `.json` are JSON, all others YAML.
package enum ConfigText {
  /// Parses a text without checking its meaning.
  /// - Throws: the parser's errors.
  package static func parse(_ bytes: [UInt8], file: String) throws(Diagnostics) -> Node {
    try DocumentText.parse(bytes, file: file)
  }

  /// Reads a board file; see `BoardFile`.
  package static func board(_ bytes: [UInt8], file: String) throws(Diagnostics) -> (Board, warnings: [Diagnostic]) {
    try BoardFile.decode(try parse(bytes, file: file), file: file)
  }

  /// Reads a manifest; see `ManifestFile`.
  package static func manifest(
    _ bytes: [UInt8], file: String, environment: [String: String], isolations: [Isolation], board: Board? = nil
  ) throws(Diagnostics) -> (Manifest, warnings: [Diagnostic]) {
    try ManifestFile.decode(
      try parse(bytes, file: file), file: file, environment: environment, isolations: isolations, board: board)
  }

  /// Reads a manifest without checking it.
  /// - Parameter values: what stands for `${NAME}`. Names that are not among them stay as they are.
  package static func manifestDocument(
    _ bytes: [UInt8], file: String, values: [String: String]
  ) throws(Diagnostics) -> Value {
    EnvironmentVariables(values: values, findings: Findings(), isPartial: true).substitute(
      try parse(bytes, file: file)
    ).value
  }

  /// Reads a rule file; see `RuleFile`.
  package static func rules(
    _ bytes: [UInt8], file: String, known: KnownNames = KnownNames()
  ) throws(Diagnostics) -> (RuleDeclarations, warnings: [Diagnostic]) {
    try RuleFile.decode(try parse(bytes, file: file), file: file, known: known, source: bytes)
  }

  /// Reads a rule file even if it has errors.
  /// - Returns: the declarations, including the readable parts of invalid ones, and all errors and warnings.
  package static func readRules(
    _ bytes: [UInt8], file: String, known: KnownNames = KnownNames()
  ) -> (declarations: RuleDeclarations, found: [Diagnostic]) {
    do throws(Diagnostics) {
      let (declarations, findings) = RuleFile.read(
        try parse(bytes, file: file), file: file, known: known, source: bytes)
      return (declarations, findings.sorted)
    } catch {
      return (RuleDeclarations(), error.all)
    }
  }

  /// Reads the daemon's settings; see `SettingsFile`.
  package static func settings(
    _ bytes: [UInt8], file: String, environment: [String: String]
  ) throws(Diagnostics) -> (Settings, warnings: [Diagnostic]) {
    try SettingsFile.decode(try parse(bytes, file: file), file: file, environment: environment)
  }

  /// Checks a file of any kind, for `openstarry check`.
  /// - Parameters:
  ///   - isolations: the known isolations, for manifests.
  ///   - known: the names that rules may refer to.
  ///   - board: the board whose devices manifests may refer to; nil for no check.
  /// - Returns: the kind of the file (nil if it is unknown, which is an error in the list), and all errors and warnings
  ///   in the order of the file.
  package static func check(
    _ bytes: [UInt8], file: String, environment: [String: String], isolations: [Isolation],
    known: KnownNames = KnownNames(), board: Board? = nil
  ) -> (kind: ConfigKind?, found: [Diagnostic]) {
    let node: Node
    do { node = try parse(bytes, file: file) } catch { return (ConfigKind.guess(fileName: file), error.all) }
    guard let kind = ConfigKind.guess(fileName: file, node) else { return (nil, [ConfigKind.unknown(file)]) }
    do throws(Diagnostics) {
      switch kind {
      case .board: return (kind, try BoardFile.decode(node, file: file).warnings)
      case .agent:
        let (_, warnings) = try ManifestFile.decode(
          node, file: file, environment: environment, isolations: isolations, board: board)
        return (kind, warnings)
      case .orchestration: return (kind, try RuleFile.decode(node, file: file, known: known, source: bytes).warnings)
      case .settings: return (kind, try SettingsFile.decode(node, file: file, environment: environment).warnings)
      }
    } catch { return (kind, error.all) }
  }
}
