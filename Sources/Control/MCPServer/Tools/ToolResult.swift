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

  private static func success(_ tool: Tool, _ arguments: Fields, _ answer: Answer, _ cuts: [String]) -> Fields {
    var result = answer.result.map ?? ["value": answer.result]
    // Says how the control socket sends pictures.
    result["descriptor"] = nil
    var cuts = cuts + tool.cuts(arguments, result)
    cuts += shorten(&result)
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
    for name in ["hint", "device", "holder", "rule", "retry_after_ms", "param", "expected"] {
      fields[name] = error.data[name]
    }
    // Command lines are for people: a model with a shell shall not work around a refusal.
    if error.hint?.holds("openstarry ") == true { fields["hint"] = nil }
    return ["content": [["type": "text", "text": .string(text(.map(fields)))]], "isError": true]
  }

  private static func text(_ value: Value) -> String { DataText.escaped(json: JSON.text(value)) }

  /// Drops the oldest entries of the longest list until the result is short enough.
  /// - Returns: what was dropped.
  private static func shorten(_ result: inout Fields) -> [String] {
    guard JSON.encode(.map(result)).count > mostBytes else { return [] }
    let lists = result.compactMap { field in field.value.list.map { (field.key, $0) } }
    guard let (name, list) = lists.max(by: { $0.1.count < $1.1.count }) else {
      let text = JSON.text(.map(result)).cut(to: mostBytes / 2)
      result = ["text": .string(text)]
      return ["the result is longer than \(mostBytes) bytes: only its beginning is shown, as 'text'"]
    }
    var room = mostBytes
    let kept = list.reversed().prefix { item in
      room -= JSON.encode(item).count + 1
      return room >= 0
    }
    result[name] = .list(kept.reversed())
    return ["'\(name)' has only the last \(kept.count) of \(list.count): results have at most \(mostBytes) bytes"]
  }
}
