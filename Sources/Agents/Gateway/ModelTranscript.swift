import Model
import OpenStarryAgent

/// The newest questions to models and their answers, in memory and within a bound, so that people can see what an agent was
/// told and has said. Keys are not in it: the daemon does not know them.
final class ModelTranscript {
  private var entries: [(agent: AgentID, fields: Fields, bytes: Int)] = []
  private var bytes = 0
  private let limit: Int

  /// The longest text of one message, and the longest arguments of one call, in bytes; the rest is cut.
  private static let longestText = 4096
  /// The newest messages of a question that are kept: those before were in the questions before.
  private static let mostMessages = 8
  /// The most calls of tools in a message.
  private static let mostCalls = 8

  /// - Parameter limit: in bytes; 0 keeps nothing.
  init(limit: Int) { self.limit = limit }

  /// Keeps an exchange. The oldest make room.
  /// - Parameter event: the id of `model:answered`.
  func add(_ request: ModelRequest, _ answer: ModelAnswer, of agent: AgentID, at time: UInt64, event: ULID) {
    guard limit > 0 else { return }
    let messages = request.messages.suffix(Self.mostMessages).map { message -> Value in
      var copy = message
      copy.text = copy.text.shortened(Self.longestText)
      (copy.pictures, copy.toolCalls) = ([], [])
      var fields = copy.wireValue.map ?? [:]
      if !message.toolCalls.isEmpty { fields["tool_calls"] = Self.shown(message.toolCalls) }
      if !message.pictures.isEmpty { fields["pictures"] = .int(Int64(message.pictures.count)) }
      return .map(fields)
    }
    let fields: Fields = [
      "agent": .string(agent.rawValue), "model": .string(answer.model), "time": .int(Int64(clamping: time)),
      "event": .string(event.description), "left_out": .int(Int64(request.messages.count - messages.count)),
      "messages": .list(messages), "text": .string(answer.text.shortened(Self.longestText)),
      "tool_calls": Self.shown(answer.toolCalls), "finish": .string(answer.finish.shortened(32)),
    ]
    let size = Value.map(fields).memory
    guard size <= limit else { return }
    entries.append((agent, fields, size))
    bytes += size
    var excess = 0
    while bytes > limit {
      bytes -= entries[excess].bytes
      excess += 1
    }
    entries.removeFirst(excess)
  }

  /// The first calls; arguments that are too long as a text with their beginning.
  private static func shown(_ calls: [ToolCall]) -> Value {
    .list(
      calls.prefix(mostCalls).map { call in
        guard let arguments = call.arguments else { return call.wireValue }
        let text = JSONText.write(.map(arguments))
        guard text.count > longestText else { return call.wireValue }
        let beginning = String(decoding: text, as: UTF8.self).shortened(longestText)
        return ["id": .string(call.id), "name": .string(call.name), "arguments": .string(beginning)]
      })
  }

  /// The newest exchanges, oldest first.
  /// - Parameter agent: nil for all.
  func newest(_ count: Int, of agent: AgentID?) -> [Fields] {
    Array(entries.lazy.filter { agent == nil || $0.agent == agent }.map(\.fields).suffix(count))
  }
}
