import MCP
import OpenStarryAgent

/// Earlier exchanges, without their pictures and tool calls: what was said, what was done, what was answered.
struct History {
  /// A question with its answer.
  struct Exchange {
    /// The message, as the model got it.
    var question: String
    /// What the tools did, one line each.
    var done: [String]
    var answer: String

    var weight: Int { question.utf8.count + answer.utf8.count + done.reduce(32) { $0 + $1.utf8.count + 4 } }
  }

  private static let key = "mind.history"
  /// The most bytes in the durable state.
  static let mostBytes = 24_576

  private(set) var exchanges: [Exchange] = []
  private let window: Int
  /// Whether the daemon has refused to keep it.
  private(set) var isOnlyInMemory = false

  /// Reads what was kept.
  /// - Parameter window: the most exchanges.
  init(window: Int, _ context: inout Context) {
    self.window = window
    guard window > 0 else { return }
    for value in context.state(Self.key)?.list ?? [] {
      guard let question = value["question"]?.string, let answer = value["answer"]?.string else { continue }
      exchanges.append(
        Exchange(question: question, done: (value["done"]?.list ?? []).compactMap(\.string), answer: answer))
    }
    trim()
  }

  /// Adds an exchange, and keeps all within the bounds.
  /// - Parameter exchange: its question is of bounded length.
  /// - Returns: the refusal, when the daemon refuses to keep it for the first time; the history then lives in memory.
  mutating func add(_ exchange: Exchange, _ context: inout Context) -> AgentError? {
    guard window > 0 else { return nil }
    exchanges.append(
      Exchange(
        question: exchange.question, done: exchange.done.prefix(8).map { $0.bounded(160) },
        answer: exchange.answer.bounded(4096)))
    trim()
    let value = Value.list(
      exchanges.map { exchange in
        [
          "question": .string(exchange.question), "done": .list(exchange.done.map(Value.string)),
          "answer": .string(exchange.answer),
        ]
      })
    do throws(AgentError) {
      try context.setState(Self.key, value)
      isOnlyInMemory = false
      return nil
    } catch {
      defer { isOnlyInMemory = true }
      return isOnlyInMemory ? nil : error
    }
  }

  private mutating func trim() {
    if exchanges.count > window { exchanges.removeFirst(exchanges.count - window) }
    var weight = exchanges.reduce(0) { $0 + $1.weight }
    while weight > Self.mostBytes, !exchanges.isEmpty { weight -= exchanges.removeFirst().weight }
  }

  /// The messages of all exchanges, oldest first.
  var messages: [ChatMessage] {
    exchanges.flatMap { exchange -> [ChatMessage] in
      // In the question: a model copies the form of its own answers.
      let done =
        exchange.done.isEmpty ? "" : "\nWhat you did: \(DataText.block(.list(exchange.done.map(Value.string))))"
      let answer = exchange.answer.isEmpty ? "(no words)" : exchange.answer
      return [ChatMessage(.user, exchange.question + done), ChatMessage(.assistant, answer)]
    }
  }
}
