import ArgumentParser
import Model

struct Emit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Publishes an event.",
    discussion: """
      In key=value the value may be true, false, null, a number or JSON; any other value is text. key:=json accepts \
      only JSON, and key==text takes everything as text, for values such as a commit of digits.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The event's name, domain:verb, e.g. git:commit_pushed.")
  var type: String

  @Argument(help: ArgumentHelp("The event's payload.", valueName: "key=value"))
  var payload: [String] = []

  @Option(
    help: "The priority: emergency, critical, high, normal, low, background, or 0 to 5.",
    transform: PriorityArgument.read)
  var priority: Priority?

  func run() throws {
    var params: Fields = ["type": .string(type), "payload": .map(try PayloadArgument.fields(payload))]
    if let priority { params["priority"] = .int(Int64(priority.rawValue)) }
    try shared.ask("events.emit", params) { result, _ in [result["event"]?.string?.printable ?? "-"] }
  }
}

/// An event's priority by name or number.
enum PriorityArgument {
  static func read(_ text: String) throws -> Priority {
    let names = Priority.allCases.map { "\($0)" }
    if let index = names.firstIndex(of: text.lowercased()) { return Priority.allCases[index] }
    if let number = Int(text), let priority = Priority(rawValue: number) { return priority }
    throw ValidationError("'\(text)' is not \(names.joined(separator: ", ")), or a number from 0 to 5")
  }
}
