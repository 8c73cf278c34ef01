import Agent
import Model

/// An agent's questions to models whose answers come to it as events. One counts until its answer can be delivered.
struct Questions {
  /// What a model has answered.
  struct Answer {
    /// What the agent calls the question.
    let name: String
    let result: Result<ModelAnswer, AgentError>
    let cause: Cause?
    /// How many emergency stops there were when it was asked.
    let stops: UInt64
  }

  private enum State {
    case asked(CompletionID)
    case answered(Answer)
  }

  /// The most at a time.
  static let most = 4
  private var states: [UInt64: State] = [:]
  private var last: UInt64 = 0

  /// Whether no further one may be asked.
  var isFull: Bool { states.count >= Self.most }

  /// The number of the next question.
  mutating func next() -> UInt64 {
    last += 1
    return last
  }

  /// A model works on a question.
  mutating func asked(_ number: UInt64, _ completion: CompletionID) { states[number] = .asked(completion) }

  /// Keeps an answer that cannot be delivered yet.
  mutating func keep(_ answer: Answer, of number: UInt64) { states[number] = .answered(answer) }

  /// A question has its answer.
  mutating func end(_ number: UInt64) { states[number] = nil }

  /// Takes the answers that could not be delivered, in the order of their questions.
  mutating func takeAnswers() -> [Answer] {
    let kept = states.sorted { $0.key < $1.key }.compactMap { number, state -> (UInt64, Answer)? in
      if case .answered(let answer) = state { (number, answer) } else { nil }
    }
    for (number, _) in kept { states[number] = nil }
    return kept.map(\.1)
  }

  /// Ends all questions.
  /// - Returns: how many there were, and those that models work on.
  mutating func endAll() -> (count: Int, underWay: [CompletionID]) {
    defer { states = [:] }
    let underWay = states.sorted { $0.key < $1.key }.compactMap { _, state -> CompletionID? in
      if case .asked(let completion) = state { completion } else { nil }
    }
    return (states.count, underWay)
  }
}
