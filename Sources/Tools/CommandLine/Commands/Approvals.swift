import ArgumentParser
import Document
import Linux
import Model

struct Approvals: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the commands that wait for a person.",
    discussion: """
      Outputs with 'approval' in the board file wait for an approver before an agent, a model's program or somebody else \
      may command them: a member of the group that 'groups.approve' in openstarry.yaml names, or root.
      """)
  @OptionGroup var shared: SharedOptions

  @Flag(help: "Shows the latest that were decided, too.")
  var all = false

  func run() throws {
    try shared.ask("approvals.list") { result, _ in
      let approvals = result["approvals"]?.list ?? []
      return ApprovalText.table(
        all ? approvals : approvals.filter { $0["state"] == "waiting" || $0["permitted_ms"] != nil })
    }
  }
}

struct Approve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Approves a command that waits: it passes all limits again, and its lease begins.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The approval's id, or the end of it.")
  var id: String

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "Lets the asker repeat the command, or one to a lower level, for this time without asking, e.g. 1h.",
      valueName: "time"), transform: SpanArgument.read)
  var length: Duration?

  func validate() throws { try Bounds.check(length, "--for") }

  func run() throws {
    let remote = try shared.connect()
    var params: Fields = ["approval": .string(try WaitingApproval.id(id, remote))]
    if let length { params["for_ms"] = .int(max(1, length.nanoseconds / 1_000_000)) }
    let receipt = try remote.move("approvals.approve", params)
    try shared.show(receipt) { receipt, _ in
      ["approved: \(DeviceText.receipt(receipt, showsLease: true))", BoardText.line(receipt)]
    }
  }
}

struct Deny: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Denies a command that waits; its asker may ask for that output again after two minutes.",
    discussion: "A command that its asker may repeat (approve --for) it may not repeat any more.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The approval's id, or the end of it.")
  var id: String

  @Option(help: ArgumentHelp("What the asker is told.", valueName: "text"))
  var why: String?

  func run() throws {
    let remote = try shared.connect()
    var params: Fields = ["approval": .string(try WaitingApproval.id(id, remote))]
    if let why { params["why"] = .string(why) }
    let result = try remote.call("approvals.deny", params)
    try shared.show(result) { result, _ in
      ["\(result["state"] == "denied" ? "denied" : "may not be repeated any more"): \(ApprovalText.command(result))"]
    }
  }
}

/// Finds an approval by the end of its id.
private enum WaitingApproval {
  /// The fewest characters of an id.
  private static let fewest = 4

  static func id(_ text: String, _ remote: Remote) throws(Failure) -> String {
    if ULID(text) != nil { return text }
    if text.utf8.count < fewest {
      throw Failure(.usage, "'\(text)' is too short: give at least the last \(fewest) characters of the id")
    }
    let known = (try remote.call("approvals.list")["approvals"]?.list ?? [])
      .filter { $0["state"] == "waiting" || $0["permitted_ms"] != nil }.compactMap { $0["approval"]?.string }
    let meant = known.filter { $0.hasSuffix(text.uppercased()) }
    if let id = meant.first, meant.count == 1 { return id }
    throw Failure(
      .notFound,
      meant.isEmpty
        ? "nothing that waits has an id that ends with '\(text.cut(to: 64))'; 'openstarry approvals' lists what waits"
        : "\(meant.count) that wait have an id that ends with '\(text)': give more of it", details: meant)
  }
}
