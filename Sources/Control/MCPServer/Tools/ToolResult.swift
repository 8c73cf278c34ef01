import Document
import MCP
import Model
import OpenStarryAgent
import RPC

/// Results of `tools/call`.
enum ToolResult {
  /// The most bytes of a result's text. A model has to read all of it.
  static let mostBytes = 65_536

  /// The result of a call.
  static func of(
    _ tool: Tool, _ arguments: Fields, _ outcome: Result<Answer, RPCError>, _ cuts: [String]
  ) -> Fields {
    switch outcome {
    case .failure(let error): self.error(error)
    case .success(let answer): success(tool, arguments, answer, cuts)
    }
  }

  /// The same for a result without a file.
  static func of(
    _ tool: Tool, _ arguments: Fields, _ outcome: Result<Value, RPCError>, _ cuts: [String]
  ) -> Fields {
    of(tool, arguments, outcome.map { Answer(result: $0) }, cuts)
  }

  static func success(_ tool: Tool, _ arguments: Fields, _ answer: Answer, _ cuts: [String]) -> Fields {
    var result = answer.result.map ?? ["value": answer.result]
    // Says how the control socket sends pictures.
    result["descriptor"] = nil
    var cuts = cuts + tool.cuts(arguments, result)
    cuts += shorten(&result, keepsNewest: tool.isByTime)
    if !cuts.isEmpty { result["cut"] = .list(cuts.map { .string($0) }) }
    var content: [Value] = []
    if let picture = answer.contents {
      content.append(["type": "image", "data": .string(Base64.text(picture)), "mimeType": "image/jpeg"])
    }
    content.append(["type": "text", "text": .string(text(.map(result)))])
    return ["content": .list(content), "structuredContent": .map(result), "isError": false]
  }

  /// A refusal, for the model that called: what, why, what to do, and after which time it may be tried again.
  static func error(_ error: RPCError) -> Fields {
    var fields: Fields = ["code": .int(Int64(error.code))]
    fields["error"] = error.known.map { .string("\($0)") }
    fields["message"] = .string(error.message.cut(to: 1024))
    for name in [
      "hint", "device", "holder", "rule", "retry_after_ms", "param", "expected", "approval", "state", "expires_ms",
      "by", "why",
    ] {
      fields[name] = error.data[name]
    }
    // Command lines are for people: a model with a shell shall not work around a refusal.
    if error.hint?.holds("openstarry ") == true { fields["hint"] = nil }
    return ["content": [["type": "text", "text": .string(text(.map(fields)))]], "isError": true]
  }

  private static func text(_ value: Value) -> String { DataText.escaped(json: JSON.text(value)) }

  /// Drops entries of the lists, of the longest first, until the result is short enough.
  /// - Parameter keepsNewest: whether the last entries are kept, and otherwise the first.
  /// - Returns: what was dropped.
  private static func shorten(_ result: inout Fields, keepsNewest: Bool) -> [String] {
    // How many entries the shortened lists had.
    var former: [String: Int] = [:]
    while true {
      let excess = JSON.encode(.map(result)).count - mostBytes
      guard excess > 0 else { break }
      let lists = result.compactMap { field in
        field.value.list.map { (name: field.key, entries: $0, bytes: JSON.encode(.list($0)).count) }
      }
      guard let longest = lists.filter({ !$0.entries.isEmpty }).max(by: { $0.bytes < $1.bytes }) else {
        let text = JSON.text(.map(result)).cut(to: mostBytes / 2)
        result = ["text": .string(text)]
        return ["the result is longer than \(mostBytes) bytes: only its beginning is shown, as 'text'"]
      }
      // At most half of it, so that another long list gives its share, and at least one entry.
      let room = max(longest.bytes - excess, longest.bytes / 2) - 1
      former[longest.name] = former[longest.name] ?? longest.entries.count
      result[longest.name] = .list(part(longest.entries, of: room, keepsNewest: keepsNewest))
    }
    return result.compactMap { field in
      guard let all = former[field.key], let kept = field.value.list?.count else { return nil }
      let which = keepsNewest ? "last" : "first"
      return "'\(field.key)' has only the \(which) \(kept) of \(all): results have at most \(mostBytes) bytes"
    }
  }

  /// As many of the last or the first entries as fit into some bytes.
  private static func part(_ entries: [Value], of room: Int, keepsNewest: Bool) -> [Value] {
    var room = room
    let kept = (keepsNewest ? entries.reversed() : entries).prefix { entry in
      room -= JSON.encode(entry).count + 1
      return room >= 0
    }
    return keepsNewest ? kept.reversed() : Array(kept)
  }
}
