import ArgumentParser
import Config
import Document
import Isolations
import Linux
import Model

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints the JSON Schema of a kind of file, for editors.",
    discussion: """
      The schema (draft 2020-12) comes from the code that reads the files: it knows every key and the form of its value. \
      An editor with yaml-language-server uses it where a file begins with '# yaml-language-server: $schema=PATH'. \
      'openstarry check' checks more, such as names of devices and conditions.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(
    help: ArgumentHelp(
      "The kind of file: \(SchemaFile.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "kind"),
    transform: { text in
      guard let file = SchemaFile(rawValue: text) else {
        let names = SchemaFile.allCases.map(\.rawValue)
        throw ValidationError(
          "'\(text)' is not one of \(names.joined(separator: ", "))\(Suggestion.phrase(for: text, in: names))")
      }
      return file
    })
  var file: SchemaFile

  func run() throws { try shared.show(.map(file.schema)) { _, _ in [file.text] } }
}

/// The kinds of files with a schema, as people call them.
enum SchemaFile: String, CaseIterable, ExpressibleByArgument {
  case board
  case agent
  case rules
  case settings

  /// The schema.
  var schema: Fields {
    let kind: ConfigKind =
      switch self {
      case .board: .board
      case .agent: .agent
      case .rules: .orchestration
      case .settings: .settings
      }
    return kind.schema(isolations: Isolations.known)
  }

  /// The schema as indented JSON, without a newline at its end.
  var text: String { JSON.text(.map(schema), pretty: true) }
}
