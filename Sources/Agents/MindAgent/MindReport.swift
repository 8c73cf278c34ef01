import OpenStarryAgent

/// The agent's report: what it has done since it was started.
struct MindReport {
  var events: Int64 = 0
  var modelCalls: Int64 = 0
  var toolCalls: Int64 = 0
  /// Tool calls that failed, and calls of the model that were refused.
  var failures: Int64 = 0
  var promptTokens: Int64 = 0
  var answerTokens: Int64 = 0
  var lastEnd: TurnEnd?
  var lastAnswer = ""

  mutating func note(_ answer: ModelAnswer) {
    promptTokens += Int64(max(0, answer.promptTokens))
    answerTokens += Int64(max(0, answer.answerTokens))
  }

  var value: Value {
    [
      "events": .int(events), "model_calls": .int(modelCalls), "tool_calls": .int(toolCalls),
      "failures": .int(failures), "prompt_tokens": .int(promptTokens), "answer_tokens": .int(answerTokens),
      "last_end": .string(lastEnd?.rawValue ?? ""), "last_answer": .string(lastAnswer.bounded(1024)),
    ]
  }
}
