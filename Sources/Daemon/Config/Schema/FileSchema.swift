import Agent
import Model

extension ConfigKind {
  /// The JSON Schema (draft 2020-12) of files of this kind, for editors. It comes from the code that reads them.
  ///
  /// It describes keys and the forms of their values. What depends on other files, or on other values, only the reader
  /// checks.
  /// - Parameter isolations: the known isolations, for manifests.
  package func schema(isolations: [Isolation]) -> Fields {
    var keywords: Fields = [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": .string(title),
    ]
    let schema =
      switch self {
      case .board: BoardFile.schema
      case .agent: ManifestFile.schema(isolations: isolations)
      case .orchestration: RuleFile.schema
      case .settings: SettingsFile.schema
      }
    for (name, value) in schema.keywords { keywords[name] = value }
    return keywords
  }

  private var title: String {
    switch self {
    case .board: "board.yaml of openstarryd: a board and its devices"
    case .agent: "agent.json of openstarryd: an agent, what it may do and use"
    case .orchestration: "orchestration.yaml of openstarryd: rules"
    case .settings: "openstarry.yaml of openstarryd: the daemon's settings"
    }
  }
}

extension Schema {
  /// The same, in which a variable `${NAME}` may stand in every text that has a pattern.
  var withVariables: Schema { Schema(Self.withVariables(.map(keywords)).map ?? [:]) }

  private static func withVariables(_ value: Value) -> Value {
    switch value {
    case .list(let values): return .list(values.map(withVariables))
    case .map(let fields):
      var result = Fields(fields.map { ($0.key, withVariables($0.value)) })
      if fields["type"] == "string" || fields["type"] == ["string", "null"], let pattern = fields["pattern"]?.string {
        result["pattern"] = .string("\(pattern)|\\$\\{")
      }
      return .map(result)
    default: return value
    }
  }
}
