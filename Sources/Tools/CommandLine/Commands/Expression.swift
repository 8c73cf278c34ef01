import ArgumentParser
import CEL
import Document
import Linux
import Model

struct Expression: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expr",
    abstract: "Evaluates a CEL expression as a rule would, without a daemon.",
    discussion: """
      --with gives the variables. sensor('tank') is the member "tank" of its map "sensor", and state('climate') the \
      member "climate" of its map "state". 'now' is by default the current time.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(
    help: ArgumentHelp("The expression, e.g. 'value > 30.0 && !door'.", valueName: "expr"),
    transform: MinusSign.restore)
  var text: String

  @Option(help: ArgumentHelp("Variables, as a JSON object: '{\"value\": 31.5}'.", valueName: "json"))
  var with: String = "{}"

  func run() throws {
    let given = try variables()
    let value: CELValue
    let document: Value
    do throws(CELError) {
      (value, document) = try evaluate(given)
    } catch {
      return try refuse(error)
    }
    try shared.show(document) { _, _ in [value.description.printable] }
  }

  private func evaluate(_ variables: Fields) throws(CELError) -> (CELValue, document: Value) {
    let value = try CELProgram(text, functions: .rules).evaluate(GivenScope(variables))
    return (value, ["type": .string(value.type.description), "value": try value.converted()])
  }

  private func refuse(_ error: CELError) throws {
    let (line, column) = place(error)
    guard shared.json else { throw Failure(.failed, "line \(line), column \(column): \(error.message)") }
    try Terminal().line(
      JSON.text([
        "error": [
          "kind": .string(error.kind.rawValue), "message": .string(error.message), "line": .int(Int64(line)),
          "column": .int(Int64(column)),
        ]
      ]))
    throw ShellStatus.failed
  }

  private func variables() throws(Failure) -> Fields {
    do {
      if case .map(let fields) = try JSON.decode(Array(with.utf8)[...]) { return fields }
    } catch {
      throw Failure(.usage, "--with is not JSON: \(error.message)")
    }
    throw Failure(.usage, "--with must be a JSON object such as {\"value\": 31.5}")
  }

  /// The line and the column of an error, in characters, counted from 1.
  private func place(_ error: CELError) -> (line: Int, column: Int) {
    let lines = String(decoding: text.utf8.prefix(error.offset), as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    return (max(lines.count, 1), (lines.last?.count ?? 0) + 1)
  }
}

/// The variables and maps of `--with`.
private struct GivenScope: CELScope {
  private let fields: Fields
  private let zones = TimeZones(read: ZoneFiles.read)

  init(_ fields: Fields) { self.fields = fields }

  func variable(_ name: String) -> CELValue? {
    if let value = fields[name] { return CELValue(value) }
    return name == "now" ? .timestamp(CELTimestamp(milliseconds: System.wallMilliseconds())) : nil
  }

  func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    guard case .string(let name)? = arguments.first else { return nil }
    guard let value = fields[function]?[name] else {
      throw CELError(message: "--with has no \"\(name)\" in a map \"\(function)\"", kind: .missing)
    }
    return CELValue(value)
  }

  func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? {
    guard zone == "local" else { return zones.utcOffset(zone, at: time) }
    return .seconds(localOffset(UInt64(clamping: time.sinceEpoch.components.seconds * 1000)))
  }
}
