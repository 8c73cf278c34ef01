import ArgumentParser
import Model

struct Shadow: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares what a shadow would have done with what was done.",
    discussion: """
      A shadow is an agent or a rule with 'shadow: true': it decides on real events, moves nothing, and is recorded \
      since the daemon's start.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent or the rule.")
  var name: String

  @Flag(help: "Takes the name to be a rule's, where an agent has it, too.")
  var rule = false

  @Option(
    help: ArgumentHelp("How far back, e.g. 24h; by default as far as the record reaches.", valueName: "time"),
    transform: SpanArgument.read)
  var last: Duration?

  func validate() throws { try Bounds.check(last, "--last") }

  func run() throws {
    let remote = try shared.connect()
    let result = try rule ? compare(remote, "rule") : anything(remote)
    try shared.show(result) { ShadowText.lines($0, colour: $1.colour) }
  }

  private func compare(_ remote: Remote, _ kind: String) throws(Failure) -> Value {
    var params: Fields = [kind: .string(name)]
    if let last { params["last_ms"] = .int(max(1, last.nanoseconds / 1_000_000)) }
    return try remote.call("shadow.compare", params)
  }

  /// An agent, or else a rule.
  private func anything(_ remote: Remote) throws(Failure) -> Value {
    do throws(Failure) { return try compare(remote, "agent") } catch {
      guard error.status == .notFound else { throw error }
      do throws(Failure) { return try compare(remote, "rule") } catch let other {
        // What is wrong with the agent of that name, if there is one.
        throw other.status == .notFound
          ? Failure(.notFound, "\(error.message); \(other.message)", details: error.details) : other
      }
    }
  }
}
