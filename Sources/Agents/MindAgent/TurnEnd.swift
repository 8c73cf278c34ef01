/// Why the work on an event has ended.
enum TurnEnd: String, CaseIterable {
  /// The model has answered without asking for a tool.
  case answered
  /// The answer was cut at the most tokens of an answer. The text is kept; tool calls in it are not carried out.
  case cut = "length"
  /// The model asked for tools once more than `maxToolRounds` allows.
  case toolRounds = "max-tool-rounds"
  /// The model was called as often as `maxLoopTicks` allows.
  case loopTicks = "max-loop-ticks"
  /// The same call failed as often as `repetitiveFailThreshold` allows.
  case repetitiveFail = "repetitive-fail"
  /// As many calls failed one after the other as `frustrationThreshold` allows.
  case frustration
  /// Among the last `errorWindowSize` calls, the share that failed reached `errorRateThreshold`.
  case errorRate = "error-rate"
  /// The conversation became longer than a message to the daemon may be.
  case tooLong = "conversation-too-long"
  /// The model's server did not accept the request, or there is no such model.
  case notAccepted = "not-accepted"
  /// The daemon refused the model call: no budget, no model, no answer. The refusal is thrown.
  case refused

  /// For the log.
  var sentence: String {
    switch self {
    case .answered: "the model has answered"
    case .cut: "the answer was cut at the most tokens of an answer (cognition.maxTokens)"
    case .toolRounds: "the model asked for tools again and again (maxToolRounds)"
    case .loopTicks: "the model was called as often as safety.maxLoopTicks allows"
    case .repetitiveFail: "the same tool call failed again and again (safety.repetitiveFailThreshold)"
    case .frustration: "tool calls failed one after the other (safety.frustrationThreshold)"
    case .errorRate: "too many tool calls failed (safety.errorRateThreshold)"
    case .tooLong: "the conversation has become too long"
    case .notAccepted: "the model's server did not accept the request"
    case .refused: "the call of the model was refused"
    }
  }
}
