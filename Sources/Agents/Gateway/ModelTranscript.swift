import Model
import OpenStarryAgent

/// The newest questions to models and their answers, in memory and within a bound, so that people can see what an agent was
/// told and has said. Keys are not in it: the daemon does not know them.
final class ModelTranscript {
  private var entries: [(agent: AgentID, fields: Fields, bytes: Int)] = []
  private var bytes = 0
  private let limit: Int

  /// The longest text of one message, in bytes; the rest is cut.
  private static let longestText = 4096
  /// The newest messages of a question that are kept: those before were in the questions before.
  private static let mostMessages = 8

  /// - Parameter limit: in bytes; 0 keeps nothing.
  init(limit: Int) { self.limit = limit }

  /// Keeps an exchange. The oldest make room.
  /// - Parameter event: the id of `model:answered`.
  func add(_ request: ModelRequest, _ answer: ModelAnswer, of agent: AgentID, at time: UInt64, event: ULID) {
    guard limit > 0 else { return }
    let messages = request.messages.suffix(Self.mostMessages).map { message -> Value in
      var copy = message
      copy.text = copy.text.shortened(Self.longestText)
      copy.pictures = []
      var fields = copy.wireValue.map ?? [:]
      if !message.pictures.isEmpty { fields["pictures"] = .int(Int64(message.pictures.count)) }
      return .map(fields)
    }
    let fields: Fields = [
      "agent": .string(agent.rawValue), "model": .string(answer.model), "time": .int(Int64(clamping: time)),
      "event": .string(event.description), "left_out": .int(Int64(request.messages.count - messages.count)),
      "messages": .list(messages), "text": .string(answer.text.shortened(Self.longestText)),
      "tool_calls": .list(answer.toolCalls.prefix(8).map(\.wireValue)), "finish": .string(answer.finish.shortened(32)),
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

  /// The newest exchanges, oldest first.
  /// - Parameter agent: nil for all.
  func newest(_ count: Int, of agent: AgentID?) -> [Fields] {
    Array(entries.lazy.filter { agent == nil || $0.agent == agent }.map(\.fields).suffix(count))
  }
}
