import Agent
import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent
import Tokens

/// One request of an agent on its way through the models: the first that answers ends it.
///
/// Each attempt is reserved in the ledger before, and settled after. A model that is out of reach, overloaded or wrong makes
/// way for the next one; the last one is tried again where waiting helps.
final class ModelCall {
  /// What a call needs of the gateway.
  struct Site {
    let clock: any Timekeeper
    let ledger: any TokenAccounting
    let server: any ModelServer
    let events: any EventSink
    let transcript: ModelTranscript
    let slots = CallSlots()
  }

  let id: CompletionID
  private let request: ModelRequest
  private let caller: ModelCaller
  private let site: Site
  private var models: [LanguageModelState]
  private let done: (Result<ModelAnswer, AgentError>, Cause?) -> Void
  /// Called with each piece of text, for people who watch.
  var onText: (String) -> Void = { _ in }

  /// Whether it is its turn.
  private var hasSlot = false
  /// The attempt under way.
  private var reservation: TokenCallID?
  private var call: UInt32?
  private var timer: TimerID?
  private var attempts = 0
  private var isWaitingTold = false
  private var lastFailure: LanguageModelFailure?
  private var builder = AnswerBuilder()
  private var began: Instant
  private var first: Instant?

  /// Attempts with the same model while it is the only one left.
  private static let mostAttempts = 6
  /// What a call may take longer than its model's time, before the daemon itself gives it up.
  private static let patience = Duration.seconds(15)
  /// The longest wait for a server that asks to be left alone.
  private static let longestWait = Duration.seconds(30)

  /// Begins with `start`.
  /// - Parameter models: those to try, the first first; not empty.
  init(
    _ id: CompletionID, _ request: ModelRequest, _ caller: ModelCaller, _ models: [LanguageModelState], _ site: Site,
    _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
  ) {
    self.id = id
    self.request = request
    self.caller = caller
    self.site = site
    self.done = done
    began = site.clock.now
    // Those that rest come last, the one that rests the shortest time first.
    let now = site.clock.now
    self.models = models.filter { !$0.rests(at: now) } + models.filter { $0.rests(at: now) }
  }

  /// Makes the first attempt. `done` may be called within this call.
  func start() { attempt() }

  /// Gives the call up; `done` is not called.
  func cancel() {
    defer { leave() }
    if site.slots.giveUp(id.number) { return }
    if let timer = timer.take() { site.clock.cancel(timer) }
    if let call = call.take() { site.server.cancel(call) }
    guard let reservation = reservation.take() else { return }
    // What has been handed over may have been worked on.
    if !site.ledger.cancel(reservation) { site.ledger.settle(reservation, nil) }
  }

  // MARK: An attempt

  private func attempt() {
    site.slots.enter(id.number) { [weak self] in
      self?.hasSlot = true
      self?.begin()
    }
  }

  private func leave() {
    guard hasSlot else { return }
    hasSlot = false
    site.slots.leave()
  }

  private func begin() {
    guard let model = models.first else {
      leave()
      return fail()
    }
    attempts += 1
    let encoder = ChatEncoder(settings: model.settings, request: request, maxTokens: 0)
    let (bytes, pictures) = (encoder.textBytes, encoder.pictureCount)
    let prompt = model.estimate.tokens(bytes: bytes, messages: request.messages.count, pictures: pictures)
    var most = Int64(min(request.maxTokens ?? model.settings.maxTokens, 1_000_000))
    if let context = model.settings.context {
      let left = Int64(context) - prompt
      // The estimate is an upper bound: let the server decide about a request that may just fit.
      most = max(16, min(most, left))
    }
    let full = ChatEncoder(settings: model.settings, request: request, maxTokens: Int(most))
    let cost = model.settings.price?.cost(prompt: prompt, answer: most) ?? 0
    let accounts = ([caller.agent] + caller.parents).map(TokenCall.account) + [TokenCall.board]
    let sum = TokenCall(
      accounts: accounts, tokens: prompt + most, money: cost, agent: caller.agent, model: model.settings.name)
    var answered: Result<TokenCallID, TokenRefusal>?
    var isInside = true
    let id = site.ledger.reserve(sum) { [weak self] result in
      if isInside { answered = result } else { self?.reserved(result, model, full, sum, bytes, pictures) }
    }
    isInside = false
    reservation = id
    if let answered { reserved(answered, model, full, sum, bytes, pictures) }
  }

  private func reserved(
    _ result: Result<TokenCallID, TokenRefusal>, _ model: LanguageModelState, _ encoder: ChatEncoder,
    _ sum: TokenCall, _ bytes: Int, _ pictures: Int
  ) {
    switch result {
    case .failure(let refusal):
      reservation = nil
      leave()
      refuse(refusal, model)
    case .success(let id):
      reservation = id
      (builder, began, first) = (AnswerBuilder(), site.clock.now, nil)
      let limits = LanguageModelLimits(
        connect: 10_000, firstByte: model.milliseconds, idle: min(60_000, model.milliseconds),
        total: model.milliseconds)
      let request = LanguageModelRequest(
        url: "\(model.settings.url)/chat/completions", key: model.settings.key, limits: limits)
      call = site.server.ask(request, body: encoder.body) { [weak self] news in
        self?.hear(news, model, encoder, sum, bytes, pictures)
      }
      // The program that asks has the same limit, and may be stopped itself.
      later(model.settings.timeout + Self.patience) { $0.giveUp(model, sum) }
    }
  }

  private func giveUp(_ model: LanguageModelState, _ sum: TokenCall) {
    guard let call = call.take() else { return }
    site.server.cancel(call)
    let limit = (model.settings.timeout + Self.patience).text
    failed(
      LanguageModelFailure(.timedOut(.total), wasSent: true, "openstarry-model did not answer within \(limit)"), model,
      sum)
  }

  private func hear(
    _ news: LanguageModelLink.News, _ model: LanguageModelState, _ encoder: ChatEncoder, _ sum: TokenCall,
    _ bytes: Int, _ pictures: Int
  ) {
    if first == nil { first = site.clock.now }
    switch news {
    case .answered(let finish, let usage):
      endTimer()
      call = nil
      answered(finish, usage, model, encoder, sum, bytes, pictures)
    case .failed(let failure):
      endTimer()
      call = nil
      failed(failure, model, sum)
    default:
      builder.take(news)
      if case .text(let piece) = news, !encoder.usesSchema { onText(piece) }
      guard builder.isTooLong else { return }
      endTimer()
      if let call = call.take() { site.server.cancel(call) }
      failed(LanguageModelFailure(.tooLong, status: 200, wasSent: true, "the answer does not end"), model, sum)
    }
  }

  // MARK: Its end

  private func answered(
    _ finish: String, _ usage: LanguageModelUsage?, _ model: LanguageModelState, _ encoder: ChatEncoder,
    _ sum: TokenCall, _ bytes: Int, _ pictures: Int
  ) {
    leave()
    var answer = builder.answer(finish: finish, usesSchema: encoder.usesSchema)
    for index in answer.toolCalls.indices {
      answer.toolCalls[index].name = ToolNames.tool(answer.toolCalls[index].name, of: request)
    }
    let counted = usage.map {
      Self.plausible($0, text: bytes, sent: encoder.body.count, received: builder.bytes, encoder.maxTokens)
    }
    let price = model.settings.price
    if let reservation = reservation.take() {
      site.ledger.settle(
        reservation,
        counted.map {
          TokenUsage(
            prompt: $0.prompt, completion: $0.answer, money: price?.cost(prompt: $0.prompt, answer: $0.answer) ?? 0)
        })
    }
    if let counted { model.estimate.learn(bytes: bytes, tokens: counted.prompt, pictures: pictures) }
    model.isWell()
    // As pieces it was JSON, which nobody wants to see.
    if encoder.usesSchema, !answer.text.isEmpty { onText(answer.text) }
    answer.promptTokens = Int(counted?.prompt ?? 0)
    answer.answerTokens = Int(counted?.answer ?? 0)
    answer.model = model.settings.name
    let now = site.clock.now
    let report = ModelEvents.Call(
      caller.agent, model: model.settings.name, promptTokens: counted?.prompt ?? 0,
      answerTokens: counted?.answer ?? 0,
      money: counted.map { price?.cost(prompt: $0.prompt, answer: $0.answer) ?? 0 } ?? sum.money,
      first: (first ?? now) - began, total: now - began)
    let event = site.events.publish(
      ModelEvents.answered(
        report, finish: finish.shortened(32), tools: answer.toolCalls.prefix(8).map(\.shown),
        text: answer.text.shortened(300)),
      from: "agent/\(caller.agent)", cause: caller.cause)
    site.transcript.add(request, answer, of: caller.agent, at: site.clock.wallMilliseconds, event: event.id)
    // Of the same depth as the event that it handles: a mind that asks twenty times is no chain of twenty agents.
    let depth = caller.cause?.depth ?? event.depth
    done(.success(answer), Cause(id: event.id, trace: event.trace, depth: depth))
  }

  /// A server may count what it likes: never less than a sixteenth of the bytes, never more than all of them.
  private static func plausible(
    _ usage: LanguageModelUsage, text: Int, sent: Int, received: Int, _ maxTokens: Int
  ) -> (prompt: Int64, answer: Int64) {
    let prompt = min(max(Int64(usage.prompt), Int64(text / 16) + 1), Int64(sent) + 1024)
    let answer = min(max(Int64(usage.completion), Int64(received / 16)), Int64(maxTokens + received + 16))
    return (prompt, answer)
  }

  private func failed(_ failure: LanguageModelFailure, _ model: LanguageModelState, _ sum: TokenCall) {
    leave()
    lastFailure = failure
    let charged = failure.isCharged ? sum.tokens : 0
    if let reservation = reservation.take() {
      if failure.isCharged { site.ledger.settle(reservation, nil) } else { site.ledger.release(reservation) }
    }
    site.events.publish(
      ModelEvents.failed(
        caller.agent, model: model.settings.name, status: Int(failure.status), message: failure.sentence,
        charged: charged),
      from: "agent/\(caller.agent)", cause: caller.cause)
    let now = site.clock.now
    model.isIll(failure, at: now)
    guard attempts < Self.mostAttempts else { return fail() }
    let others = models.dropFirst()
    if let other = others.first {
      models = Array(others)
      // The first one again at the end, if waiting may help it.
      if failure.mayPass, !other.rests(at: now) { models.append(model) }
      return attempt()
    }
    guard failure.mayPass, let wait = model.rest(at: now), wait <= Self.longestWait, attempts < 3 else { return fail() }
    later(wait) { $0.attempt() }
  }

  private func refuse(_ refusal: TokenRefusal, _ model: LanguageModelState) {
    var wait: Duration?
    // A model that costs nothing may still be asked.
    if case .overLimit(let shortage) = refusal, shortage.limit.unit == .money, models.count > 1 {
      site.events.publish(
        ModelEvents.refused(caller.agent, model: model.settings.name, message: "\(refusal)", waits: false),
        from: "agent/\(caller.agent)", cause: caller.cause)
      models.removeFirst()
      attempts -= 1
      return attempt()
    }
    if case .overLimit(let shortage) = refusal {
      switch shortage.remedy {
      case .never: break
      case .nextWindow(let time): wait = time
      case .callsUnderWay(let latest): wait = min(latest ?? .seconds(1), .seconds(1))
      }
    }
    let waits = caller.waitsForBudget && wait != nil
    if !isWaitingTold {
      site.events.publish(
        ModelEvents.refused(caller.agent, model: model.settings.name, message: "\(refusal)", waits: waits),
        from: "agent/\(caller.agent)", cause: caller.cause)
      isWaitingTold = true
    }
    guard waits, let wait else {
      let code: AgentError.Code = if case .overLimit = refusal { .limited } else { .unavailable }
      return done(.failure(AgentError(code, "\(refusal)", retryAfter: wait)), nil)
    }
    attempts -= 1
    later(max(wait, .milliseconds(100))) { $0.attempt() }
  }

  private func endTimer() { if let timer = timer.take() { site.clock.cancel(timer) } }

  private func later(_ wait: Duration, _ action: @escaping (ModelCall) -> Void) {
    timer = site.clock.schedule(after: wait) { [weak self] in
      guard let self else { return }
      timer = nil
      action(self)
    }
  }

  private func fail() {
    guard let failure = lastFailure else {
      return done(.failure(AgentError(.unavailable, "no model could be asked")), nil)
    }
    let code: AgentError.Code =
      switch failure.kind {
      case .contextExceeded, .invalid: .invalid
      case .refused where failure.status == 400: .invalid
      case .refused where failure.status == 429: .limited
      default: .unavailable
      }
    let wait = failure.retryAfter.map { Duration.milliseconds(Int64($0)) }
    done(.failure(AgentError(code, failure.sentence, retryAfter: wait)), nil)
  }
}

extension LanguageModelFailure {
  /// Whether the same request to the same server may succeed later.
  var mayPass: Bool {
    switch kind {
    case .unreachable, .timedOut, .serverFailed, .lost, .tooMany, .absent, .errorInStream: true
    case .refused: status == 429 || status == 408
    default: false
    }
  }
}

extension ToolCall {
  /// `controlActuator {"id":"fan"}`, shortened.
  fileprivate var shown: String {
    let arguments = arguments.map { String(decoding: JSONText.write(.map($0)), as: UTF8.self) } ?? "(no object)"
    return "\(name) \(arguments)".shortened(200)
  }
}

extension String {
  /// The first characters within so many bytes, with `…` if there are more.
  func shortened(_ most: Int) -> String {
    guard utf8.count > most else { return self }
    var end = utf8.index(startIndex, offsetBy: most)
    while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
    return self[..<end] + "…"
  }
}
