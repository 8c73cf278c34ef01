import ArgumentParser
import Model

struct Messages: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what rules have told people (notify), until somebody removes it.",
    discussion: "The newest 100 are kept, also over restarts and power cuts.")
  @OptionGroup var shared: SharedOptions

  @Flag(help: "Remove them after they were shown.")
  var remove = false

  func run() throws {
    let remote = try shared.connect()
    let result = try remote.call("messages.list")
    try shared.show(result) { result, terminal in
      MessageText.lines(result["messages"]?.list ?? [], colour: terminal.colour, utcOffset: localOffset)
    }
    guard remove, let last = result["messages"]?.list?.last?["id"]?.string else { return }
    // Only those that were shown: another may have come meanwhile.
    let removed = try remote.call("messages.remove", ["through": .string(last)])
    if let warning = removed["warning"]?.string { throw Failure(.notKept, warning) }
  }
}
