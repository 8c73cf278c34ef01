import Model

/// The schema of a rule, and the forms of its values that are read without a shape.
extension RuleReader {
  /// A rule, as `read` asks for its keys: once as a rule on events, and once as a state rule.
  static var schema: Schema {
    let (event, state) = (SchemaRecord(), SchemaRecord())
    let reader = RuleReader(file: "", known: KnownNames(), places: SourcePlaces([]), findings: Findings())
    reader.read(FieldReader(recording: event, probe: ["on": "probe:event"]))
    reader.read(FieldReader(recording: state, probe: ["id": "probe", "while": "true"]))
    event.merge(state)
    return event.schema
  }

  /// A condition in CEL. YAML reads `true` as a boolean.
  static var conditionSchema: Schema {
    Schema.either(.bool, .text(least: 1)).described("a condition in CEL such as value > 30.0")
  }

  /// An action such as `wake(climate)`.
  static var actionSchema: Schema {
    .text("\\s*(?:\(ActionParser.names.joined(separator: "|")))\\s*\\([\\s\\S]*\\)\\s*")
  }

  /// A level that a rule keeps, or an expression for it.
  static var levelSchema: Schema {
    Schema.either(.bool, .number(["minimum": 0, "maximum": 1]), .text(least: 1))
      .described("on, off, a level such as 40% or an expression")
  }

}
