import OpenStarryAgent

/// The work on one event: asks the model, carries out the tools that it asks for, and asks again with their answers,
/// until it answers without a tool or a bound is reached.
struct Turn {
  private let settings: Settings
  private let box: ToolBox
  private var conversation: Transcript
  private var failures: FailureMeter
  private var calls: CallReader
  private var rounds = 0
  /// What the tools did, one line each.
  private(set) var done: [String] = []

  /// The most bytes of the texts of a conversation.
  static let mostBytes = 196_608
  /// The most bytes of a request as the daemon gets it, which takes lines of 1 MiB.
  static let mostRequestBytes = 1_000_000

  init(_ settings: Settings, _ box: ToolBox, _ conversation: Transcript) {
    self.settings = settings
    self.box = box
    self.conversation = conversation
    failures = FailureMeter(settings)
    calls = CallReader(most: settings.maxConcurrentTools)
  }

  /// Works until the end.
  /// - Returns: why it ended, and the model's last words.
  /// - Throws: the refusal of a model call: `denied`, `limited`, `unavailable` or `failed`. What was done until then
  ///   is done.
  mutating func run(_ context: inout Context, _ report: inout MindReport) throws(AgentError) -> (TurnEnd, String) {
    var text = ""
    for _ in 0..<settings.maxLoopTicks {
      guard let request = fittingRequest() else { return (.tooLong, text) }
      report.modelCalls += 1
      let answer: ModelAnswer
      do throws(AgentError) {
        answer = try context.chat(request)
      } catch {
        report.failures += 1
        if error.isRefusal { throw error }
        // Perhaps it is only too long for the model: try without what was said before.
        if error.code == .invalid, conversation.dropHistory() { continue }
        context.log("the model's server did not accept the request: \(error.message.bounded(400))", .error)
        return (.notAccepted, text)
      }
      report.note(answer)
      text = answer.text.bounded(Transcript.longestAnswer)
      // What is cut may be half a call.
      if answer.finish.isSame(as: "length") { return (.cut, text) }
      guard !answer.toolCalls.isEmpty else { return (.answered, text) }
      guard rounds < settings.maxToolRounds else { return (.toolRounds, text) }
      rounds += 1
      if let end = carryOut(answer.toolCalls, saying: text, &context, &report) { return (end, text) }
    }
    return (.loopTicks, text)
  }

  /// The next request. Of one that would be too long, earlier exchanges are left out; pictures before them where only the
  /// daemon's line is too short. nil if it is too long even then.
  private mutating func fittingRequest() -> ModelRequest? {
    while conversation.bytes > Self.mostBytes { guard conversation.dropHistory() else { return nil } }
    while true {
      let request = request
      if JSONText.write(request.wireValue).count <= Self.mostRequestBytes { return request }
      guard conversation.dropPictures() || conversation.dropHistory() else { return nil }
    }
  }

  private var request: ModelRequest {
    ModelRequest(
      conversation.messages, tools: box.declarations, maxTokens: settings.maxTokens, temperature: settings.temperature,
      model: settings.model)
  }

  /// Carries out the calls of one answer in order, and adds their answers to the conversation.
  private mutating func carryOut(
    _ asked: [ToolCall], saying text: String, _ context: inout Context, _ report: inout MindReport
  ) -> TurnEnd? {
    let wanted = calls.read(asked, box)
    conversation.add(ChatMessage(.assistant, text, toolCalls: wanted.map(\.recorded)))
    var (end, pictures) = (TurnEnd?.none, [(jpeg: [UInt8], from: String)]())
    for call in wanted {
      let id = call.recorded.id
      if let reason = call.skipped {
        conversation.answer(id, ["ok": false, "error": .string(reason)])
        continue
      }
      guard end == nil else {
        conversation.answer(id, ["ok": false, "error": "not carried out: too many calls have failed"])
        continue
      }
      report.toolCalls += 1
      let began = context.now
      var failed = false
      var why: String?
      do throws(ToolFailure) {
        let result = try perform(call, &context)
        conversation.answer(
          id, Fields([("ok", true)] + result.fields.map { ($0.key, $0.value) }), limit: result.mostBytes)
        if let picture = result.picture { pictures.append(picture) }
      } catch {
        (failed, why) = (true, error.message)
        conversation.answer(id, Fields([("ok", false)] + error.fields.map { ($0.key, $0.value) }))
      }
      let isLate = context.now > began && context.now - began > UInt64(max(0, settings.toolTimeout.nanoseconds))
      if isLate {
        context.log("\(call.recorded.name): it took longer than toolTimeout of \(settings.toolTimeout)", .warning)
      }
      if failed || isLate { report.failures += 1 }
      end = failures.note(call.recorded.name, call.recorded.arguments, failed: failed || isLate)
      note(call.recorded, failed: failed, why, &context)
    }
    for picture in pictures { conversation.show(picture.jpeg, from: picture.from) }
    return end
  }

  private func perform(_ call: CallReader.Call, _ context: inout Context) throws(ToolFailure) -> ToolResult {
    if let problem = call.problem { throw ToolFailure(problem) }
    guard let tool = call.tool, let arguments = call.recorded.arguments else {
      throw ToolFailure("the arguments are no JSON object")
    }
    try tool.arguments.check(arguments)
    return try tool.perform(arguments, &context)
  }

  /// Tells the log, and remembers it for the conversation's history.
  private mutating func note(_ call: ToolCall, failed: Bool, _ why: String?, _ context: inout Context) {
    let arguments = String(decoding: JSONText.write(.map(call.arguments ?? [:])), as: UTF8.self)
    let line = "\(call.name) \(arguments.bounded(120))\(failed ? ": failed" : "")"
    context.log(why.map { "\(line): \($0.bounded(300))" } ?? line, failed ? .notice : .info)
    if done.count < 8 { done.append(line) }
  }
}
