import Agent
import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent
import Tokens

/// One request of an agent on its way through the models: the first that answers ends it.
///
/// The first model that does not rest is asked. If all rest, the call waits for the one whose rest ends first, unless only a
/// person can help. A model whose
/// failure may pass is asked again when it has rested; any other failure, and one that was charged, makes way for the next
/// model. Each attempt is reserved in the ledger before, and settled after.
final class ModelCall {
  /// What a call needs of the gateway.
  struct Site {
    let clock: any Timekeeper
    let ledger: any TokenAccounting
    let server: any ModelServer
    let events: any EventSink
    let transcript: ModelTranscript
    let slots: CallSlots
  }

  /// A model that may answer.
  private struct Candidate {
    let model: LanguageModelState
    var attempts = 0
    /// Whether a limit of money does not allow it, until the call waits for that.
    var isOverBudget = false
  }

  let id: CompletionID
  private let request: ModelRequest
  private let caller: ModelCaller
  private let site: Site
  private let done: (Result<ModelAnswer, AgentError>, Cause?) -> Void
  /// Called with each piece of text, for people who watch.
  var onText: (String) -> Void = { _ in }

  private var candidates: [Candidate]
  private var attempts = 0
  /// How long it has waited for models that rest.
  private var waited = Duration.zero
  /// Whether it is its turn.
  private var hasSlot = false
  private var attempt: ModelAttempt?
  private var timer: TimerID?
  private var isWaitingTold = false
  private var lastFailure: LanguageModelFailure?
  /// Why a model was passed over for its price, and when that is over.
  private var passedOver: (refusal: TokenRefusal, model: LanguageModelState, wait: Duration)?

  /// The most attempts, with all models together, and with one of them.
  private static let mostAttempts = 6
  private static let mostOfOneModel = 3
  /// The longest that a call waits for models that rest, in all.
  private static let longestWait = Duration.seconds(30)
  /// What an attempt may take longer than its model's time, before the daemon itself gives it up.
  private static let patience = Duration.seconds(15)

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
    candidates = models.map { Candidate(model: $0) }
  }

  /// Makes the first attempt, now or when it is its turn. `done` may be called within this call.
  func start() {
    site.slots.enter(id.number) { [weak self] in
      self?.hasSlot = true
      self?.askNext()
    }
  }

  /// Gives the call up; `done` is not called.
  func cancel() {
    if site.slots.giveUp(id.number) { return }
    endTimer()
    if let attempt = attempt.take() {
      let mayBeSent = attempt.call.map { site.server.cancel($0) } ?? false
      if let reservation = attempt.reservation, !site.ledger.cancel(reservation) {
        // The server may have worked on it.
        if mayBeSent { site.ledger.settle(reservation, nil) } else { site.ledger.release(reservation) }
      }
    }
    leave()
  }

  /// Ends its turn: after everything else, as the next call begins with what this one leaves of the budgets.
  private func leave() {
    guard hasSlot else { return }
    hasSlot = false
    site.slots.leave()
  }

  private func endTimer() { if let timer = timer.take() { site.clock.cancel(timer) } }

  private func later(_ wait: Duration, _ action: @escaping (ModelCall) -> Void) {
    timer = site.clock.schedule(after: wait) { [weak self] in
      guard let self else { return }
      timer = nil
      action(self)
    }
  }

  // MARK: An attempt

  /// Asks the first model that does not rest, or waits for one.
  private func askNext() {
    let now = site.clock.now
    let open = candidates.indices.filter { !candidates[$0].isOverBudget }
    guard attempts < Self.mostAttempts else { return fail() }
    if let place = open.first(where: { candidates[$0].model.rest(at: now) == nil }) { return ask(place, at: now) }
    let rests = open.compactMap { place -> Duration? in
      let model = candidates[place].model
      return model.lastFailure?.needsPerson == true ? nil : model.rest(at: now)
    }
    guard let rest = rests.min(), waited + rest <= Self.longestWait else { return waitForBudget() }
    waited += rest
    wait(rest)
  }

  /// Lets others have their turn meanwhile.
  private func wait(_ time: Duration) {
    leave()
    later(time) { $0.start() }
  }

  private func ask(_ place: Int, at now: Instant) {
    attempts += 1
    candidates[place].attempts += 1
    let attempt = ModelAttempt(candidates[place].model, request, caller, at: now)
    self.attempt = attempt
    var answered: Result<TokenCallID, TokenRefusal>?
    var isInside = true
    let reservation = site.ledger.reserve(attempt.sum) { [weak self] result in
      if isInside { answered = result } else { self?.reserved(result) }
    }
    isInside = false
    self.attempt?.reservation = reservation
    if let answered { reserved(answered) }
  }

  private func reserved(_ result: Result<TokenCallID, TokenRefusal>) {
    if case .failure(let refusal) = result { return refuse(refusal) }
    guard var attempt else { return }
    attempt.send(to: site.server, at: site.clock.now) { [weak self] in self?.hear($0) }
    self.attempt = attempt
    // The program that asks has the same limit, and may be stopped itself.
    later(attempt.model.settings.timeout + Self.patience) { $0.giveUp() }
  }

  private func hear(_ news: LanguageModelLink.News) {
    attempt?.take(news, at: site.clock.now)
    switch news {
    case .answered(let finish, let usage): answered(finish, usage)
    case .failed(let failure): failed(failure)
    default:
      if case .text(let piece) = news, attempt?.usesSchema == false { onText(piece) }
      if let excess = attempt?.builder.excess {
        hangUp { LanguageModelFailure(.tooLong, status: 200, wasSent: $0, excess) }
      }
    }
  }

  private func giveUp() {
    let limit = attempt.map { ($0.model.settings.timeout + Self.patience).spoken } ?? ""
    hangUp {
      LanguageModelFailure(.timedOut(.total), wasSent: $0, "openstarry-model did not answer within \(limit)")
    }
  }

  /// - Parameter failure: made with whether the server may have got the request.
  private func hangUp(_ failure: (Bool) -> LanguageModelFailure) {
    failed(failure(attempt?.call.map { site.server.cancel($0) } ?? false))
  }

  private func answered(_ finish: String, _ usage: LanguageModelUsage?) {
    endTimer()
    guard let attempt = attempt.take() else { return }
    let used = usage.map(attempt.used)
    if let reservation = attempt.reservation { site.ledger.settle(reservation, used) }
    attempt.end(used)
    let answer = attempt.answer(finish: finish, of: request, used)
    // As pieces it was JSON, which nobody wants to see.
    if attempt.usesSchema, !answer.text.isEmpty { onText(answer.text) }
    let event = site.events.publish(
      ModelEvents.answered(
        attempt.report(caller.agent, used, at: site.clock.now), finish: finish.shortened(32),
        tools: answer.toolCalls.prefix(4).map(\.shown), text: answer.text.shortened(300)),
      from: "agent/\(caller.agent)", cause: caller.cause)
    site.transcript.add(request, answer, of: caller.agent, at: site.clock.wallMilliseconds, event: event.id)
    leave()
    // Of the same depth as the event that it handles: a mind that asks twenty times is no chain of twenty agents.
    let depth = caller.cause?.depth ?? event.depth
    done(.success(answer), Cause(id: event.id, trace: event.trace, depth: depth))
  }

  private func failed(_ failure: LanguageModelFailure) {
    endTimer()
    guard let attempt = attempt.take() else { return }
    lastFailure = failure
    if let reservation = attempt.reservation {
      if failure.isCharged { site.ledger.settle(reservation, nil) } else { site.ledger.release(reservation) }
    }
    attempt.model.noteFailure(failure, at: site.clock.now)
    site.events.publish(
      ModelEvents.failed(
        caller.agent, model: attempt.model.settings.name, status: Int(failure.status), message: failure.sentence,
        charged: failure.isCharged ? attempt.sum.tokens : 0),
      from: "agent/\(caller.agent)", cause: caller.cause)
    candidates.removeAll {
      $0.model === attempt.model && (!failure.mayPass || $0.attempts >= Self.mostOfOneModel)
    }
    askNext()
  }

  // MARK: Refusals

  private func refuse(_ refusal: TokenRefusal) {
    guard let attempt = attempt.take() else { return }
    attempts -= 1
    for index in candidates.indices where candidates[index].model === attempt.model { candidates[index].attempts -= 1 }
    let wait = refusal.wait
    if case .overLimit(let shortage) = refusal, shortage.limit.unit == .money, passesOver(attempt.model) {
      if let wait { passedOver = (refusal, attempt.model, wait) }
      tell(refusal, attempt.model, waits: false)
      return askNext()
    }
    let waits = caller.waitsForBudget && wait != nil
    if !isWaitingTold { tell(refusal, attempt.model, waits: waits) }
    isWaitingTold = true
    guard waits, let wait else {
      let code: AgentError.Code = if case .overLimit = refusal { .limited } else { .unavailable }
      return end(AgentError(code, "\(refusal)", retryAfter: wait))
    }
    waitForWindow(wait)
  }

  private func waitForWindow(_ time: Duration) {
    for index in candidates.indices { candidates[index].isOverBudget = false }
    passedOver = nil
    wait(max(time, .milliseconds(100)))
  }

  /// No other model is left but one that was too dear: the call waits for that, if its agent does.
  private func waitForBudget() {
    guard caller.waitsForBudget, let passedOver, candidates.contains(where: { $0.model === passedOver.model }) else {
      return fail()
    }
    if !isWaitingTold { tell(passedOver.refusal, passedOver.model, waits: true) }
    isWaitingTold = true
    waitForWindow(passedOver.wait)
  }

  /// A cheaper model, or one that costs nothing, may still be asked.
  /// - Returns: false if no other is left.
  private func passesOver(_ model: LanguageModelState) -> Bool {
    for index in candidates.indices where candidates[index].model === model { candidates[index].isOverBudget = true }
    return candidates.contains { !$0.isOverBudget }
  }

  private func tell(_ refusal: TokenRefusal, _ model: LanguageModelState, waits: Bool) {
    site.events.publish(
      ModelEvents.refused(caller.agent, model: model.settings.name, message: "\(refusal)", waits: waits),
      from: "agent/\(caller.agent)", cause: caller.cause)
  }

  // MARK: End

  private func end(_ error: AgentError) {
    leave()
    done(.failure(error), nil)
  }

  /// No model is left that could be asked soon.
  private func fail() {
    if let failure = lastFailure { return end(AgentError(failure, failure.sentence)) }
    let now = site.clock.now
    let resting = candidates.compactMap { candidate in
      candidate.model.rest(at: now).map { (model: candidate.model, rest: $0) }
    }
    guard let next = resting.min(by: { $0.rest < $1.rest }), let failure = next.model.lastFailure else {
      return end(AgentError(.unavailable, "no model could be asked"))
    }
    var error = AgentError(
      failure, "model '\(next.model.settings.name)' is left alone for \(next.rest.spoken): \(failure.sentence)")
    error.retryAfter = next.rest
    end(error)
  }
}

extension TokenRefusal {
  /// The time after which the same call may fit; nil if it never does.
  fileprivate var wait: Duration? {
    guard case .overLimit(let shortage) = self else { return nil }
    return switch shortage.remedy {
    case .never: nil
    case .nextWindow(let time): time
    case .callsUnderWay(let latest): min(latest ?? .seconds(1), .seconds(1))
    }
  }
}

extension AgentError {
  /// The error for the agent when no model has answered.
  fileprivate init(_ failure: LanguageModelFailure, _ message: String) {
    let code: Code =
      if failure.isOfRequest { .invalid } else if failure.status == 429 { .limited } else { .unavailable }
    self.init(code, message, retryAfter: failure.retryAfter.map { Duration.milliseconds(Int64($0)) })
  }
}

extension ToolCall {
  /// `controlActuator {"id":"fan"}`, shortened.
  fileprivate var shown: String {
    let arguments = arguments.map { String(decoding: JSONText.write(.map($0)), as: UTF8.self) } ?? "(no object)"
    return "\(name) \(arguments)".shortened(120)
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
