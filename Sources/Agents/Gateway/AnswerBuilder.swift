import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent

/// Puts an answer together from the pieces that a model's server sends.
struct AnswerBuilder {
  /// The longest text and the longest arguments of one call, in bytes.
  static let longest = 262_144
  /// The most calls of tools in an answer.
  static let mostCalls = 32

  private(set) var text = ""
  private var calls: [(index: Int, id: String, name: String, arguments: String)] = []
  /// In which way the answer is longer than anybody asks for, in a sentence; nil if it is not.
  private(set) var excess: String?
  /// The bytes that have come.
  private(set) var bytes = 0

  /// Takes a piece of the answer.
  mutating func take(_ news: LanguageModelLink.News) {
    switch news {
    case .text(let piece):
      bytes += piece.utf8.count
      text += piece
    case .toolCall(let index, let id, let name):
      bytes += name.utf8.count
      calls.append((index, id, name, ""))
    case .arguments(let index, let piece):
      bytes += piece.utf8.count
      guard let place = calls.lastIndex(where: { $0.index == index }) else { return }
      calls[place].arguments += piece
    case .answered, .failed: break
    }
    if calls.count > Self.mostCalls {
      excess = "the answer asks for more than \(Self.mostCalls) tools at once"
    } else if bytes > Self.longest {
      excess = "the answer is longer than \(Self.longest) bytes"
    }
  }

  /// The answer.
  /// - Parameter usesSchema: whether tools were described as a schema of the answer.
  func answer(finish: String, usesSchema: Bool) -> ModelAnswer {
    if usesSchema, calls.isEmpty {
      let (text, calls) = SchemaTools.read(text)
      return ModelAnswer(text: text, toolCalls: calls, finish: calls.isEmpty ? finish : "tool_calls")
    }
    var seen: Set<String> = []
    let tools = calls.enumerated().map { place, call -> ToolCall in
      // Some servers give no id, or the same one twice; the answers have to name one.
      let id = !call.id.isEmpty && seen.insert(call.id).inserted ? call.id : "call_\(place + 1)"
      let text = call.arguments.isEmpty ? "{}" : call.arguments
      return ToolCall(id: id, name: call.name, arguments: (try? JSONText.read(Array(text.utf8)))?.map)
    }
    return ModelAnswer(text: text, toolCalls: tools, finish: finish)
  }
}
