import OpenStarryAgent

/// Reads the tool calls of a model's answers: names and arguments as they may be written into the conversation, ids
/// that occur once, and at most so many calls as may be carried out.
struct CallReader {
  /// A call of an answer.
  struct Call {
    /// As the conversation has it.
    var recorded: ToolCall
    /// The tool; nil if it was not given.
    var tool: Tool?
    /// Why it fails without being tried.
    var problem: String?
    /// Why it is passed over, which is no failure.
    var skipped: String?
  }

  private let most: Int
  private var used: Set<[UInt8]> = []
  private var number = 0
  /// How many calls beyond `most` are answered at all.
  private static let answered = 4

  /// - Parameter most: the most calls in one answer that are carried out.
  init(most: Int) { self.most = most }

  /// The calls of one answer, in order. Those far beyond the bound are left out.
  mutating func read(_ calls: [ToolCall], _ box: ToolBox) -> [Call] {
    var (ids, count, read) = (Set<[UInt8]>(), 0, [Call]())
    for call in calls.prefix(most + Self.answered) {
      let tool = box.tool(call.name)
      // Servers refuse a conversation with odd names, and with arguments that are no object.
      let name = tool?.name ?? (ModelTool.isName(call.name) ? call.name : "unknown")
      var one = Call(recorded: ToolCall(id: call.id, name: name, arguments: call.arguments ?? [:]), tool: tool)
      let weight = call.arguments?.weight ?? 0
      if tool == nil {
        one.problem = "there is no tool of that name; there are: \(box.tools.map(\.name).joined(separator: ", "))"
      } else if call.arguments == nil {
        one.problem = "the arguments are no JSON object"
      } else if weight > tool?.mostBytes ?? 0 {
        one.problem = "the arguments are too long: at most \(tool?.mostBytes ?? 0) bytes"
      }
      if weight > tool?.mostBytes ?? 8192 { one.recorded.arguments = [:] }
      if !ids.insert(Array(call.id.utf8)).inserted, !call.id.isEmpty {
        one.skipped = "not carried out: another call of this answer has the same id"
      } else if count >= most {
        one.skipped = "not carried out: at most \(most) in one answer; ask again for the others"
      } else {
        count += 1
      }
      one.recorded.id = unique(call.id)
      read.append(one)
    }
    return read
  }

  /// The model's own id, or a new one where servers would refuse it.
  private mutating func unique(_ id: String) -> String {
    let isPlain = ModelTool.isName(id)
    if isPlain, used.insert(Array(id.utf8)).inserted { return id }
    while true {
      number += 1
      // Nine characters, which some servers demand.
      let digits = String(number)
      let id = "call" + String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
      if used.insert(Array(id.utf8)).inserted { return id }
    }
  }
}
