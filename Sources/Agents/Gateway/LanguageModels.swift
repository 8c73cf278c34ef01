import Agent
import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent
import Tokens

/// Makes one request to a model's server at a time: `LanguageModelLink`, and a script in tests.
package protocol ModelServer: AnyObject {
  /// - Parameters:
  ///   - request: the server, the key's name, and the limits.
  ///   - body: the JSON of the request.
  ///   - hear: called later, never from within this call and never after `cancel`.
  /// - Returns: the number of the call, for `cancel`.
  func ask(
    _ request: LanguageModelRequest, body: [UInt8], _ hear: @escaping (LanguageModelLink.News) -> Void
  ) -> UInt32

  /// Ends a call, so that the server stops its work.
  /// - Returns: whether the server may have got it.
  func cancel(_ call: UInt32) -> Bool
}

extension LanguageModelLink: ModelServer {}

/// Counts tokens and money: `TokenLedger`.
package protocol TokenAccounting: AnyObject {
  @discardableResult
  func reserve(_ call: TokenCall, _ done: @escaping (Result<TokenCallID, TokenRefusal>) -> Void) -> TokenCallID
  @discardableResult
  func cancel(_ id: TokenCallID) -> Bool
  func settle(_ id: TokenCallID, _ usage: TokenUsage?)
  func release(_ id: TokenCallID)
  func open(_ done: @escaping (_ notices: [String]) -> Void)
  func close(_ done: @escaping (TokenStorageFailure?) -> Void)
  func setLimits(_ limits: TokenLimits, of account: String)
  func status(of account: String) -> [TokenLimitStatus]
  var statistics: TokenStatistics { get }
  var onNotice: (TokenNotice) -> Void { get set }
  var onProblem: (String?) -> Void { get set }
}

extension TokenLedger: TokenAccounting {}

/// The language models of the settings: asks the first that answers, within the budgets of tokens and money.
///
/// Use it on the loop's thread only.
package final class LanguageModels: ModelGateway {
  var listeners: [UInt64: (ModelText) -> Void] = [:]
  var lastListener: UInt64 = 0

  let models: [LanguageModelState]
  /// Those of manifests, which name a server on this machine.
  private(set) var others: [ModelSettings: LanguageModelState] = [:]
  let site: ModelCall.Site
  private var calls: [CompletionID: ModelCall] = [:]
  private var last: UInt64 = 0
  private var isClosed = false
  package private(set) var notStored: String?

  /// The most calls, with those that wait for their turn, for a budget or for a server.
  private static let mostCalls = 512

  /// - Parameters:
  ///   - models: of the settings, in the order in which they are tried.
  ///   - server: makes the requests.
  ///   - ledger: opened by `open`.
  ///   - transcript: how much of questions and answers is kept in memory, in bytes; 0 for nothing.
  package init(
    _ models: [ModelSettings], clock: any Timekeeper, server: any ModelServer, ledger: any TokenAccounting,
    events: any EventSink, transcript: Int = 65_536
  ) {
    self.models = models.map { LanguageModelState($0) }
    site = ModelCall.Site(
      clock: clock, ledger: ledger, server: server, events: events, transcript: ModelTranscript(limit: transcript),
      slots: CallSlots(clock))
    ledger.onNotice = { [weak self] in self?.tell($0) }
    ledger.onProblem = { [weak self, weak events] problem in
      self?.notStored = problem
      if let problem { events?.publish(ModelEvents.notStored(problem), from: "system") }
    }
  }

  /// Reports that a limit is nearly used up, used up, or no longer.
  private func tell(_ notice: TokenNotice) {
    let use = Self.status(notice.status).use
    let prefix = "agent/"
    let agent = notice.account.hasPrefix(prefix) ? AgentID(String(notice.account.dropFirst(prefix.count))) : nil
    let event =
      switch notice.status.level {
      case .normal: BudgetEvents.recovered(use, of: agent)
      case .warned: BudgetEvents.warning(use, of: agent)
      case .exhausted: BudgetEvents.throttled(use, of: agent)
      }
    site.events.publish(event, from: agent.map { "agent/\($0)" } ?? "system")
  }

  package func complete(
    _ request: ModelRequest, for caller: ModelCaller,
    _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
  ) throws(AgentError) -> CompletionID {
    guard !isClosed else { throw AgentError(.unavailable, "\(TokenRefusal.closed)") }
    guard !request.messages.isEmpty else { throw AgentError(.invalid, "a request needs at least one message") }
    let candidates = try candidates(request.model, caller)
    guard calls.count < Self.mostCalls else {
      throw AgentError(.limited, "\(Self.mostCalls) calls of models are under way", retryAfter: .seconds(1))
    }
    last += 1
    let id = CompletionID(last)
    let call = ModelCall(id, request, caller, candidates, site) { [weak self] result, cause in
      self?.calls[id] = nil
      done(result, cause)
    }
    call.onText = { [weak self] in
      let text = ModelText(agent: caller.agent, trace: caller.cause?.trace, text: $0)
      for hear in self?.listeners.values.map(\.self) ?? [] { hear(text) }
    }
    calls[id] = call
    call.start()
    return id
  }

  package func cancel(_ completion: CompletionID) { calls.removeValue(forKey: completion)?.cancel() }

  package func open(_ done: @escaping ([String]) -> Void) { site.ledger.open(done) }

  package func close(_ done: @escaping () -> Void) {
    isClosed = true
    for call in calls.values { call.cancel() }
    calls = [:]
    site.ledger.close { _ in done() }
  }

  package func setLimits(_ limits: TokenLimits, of agent: AgentID?) {
    site.ledger.setLimits(limits, of: agent.map(TokenCall.account) ?? TokenCall.board)
  }

  package func budgets(of agent: AgentID?) -> [BudgetStatus] {
    site.ledger.status(of: agent.map(TokenCall.account) ?? TokenCall.board).map(Self.status)
  }

  private static func status(_ status: TokenLimitStatus) -> BudgetStatus {
    let step: BudgetStep =
      switch status.level {
      case .normal: .normal
      case .warned: .warned
      case .exhausted: .throttled
      }
    return BudgetStatus(
      status.limit.unit == .tokens ? .tokens : .money, used: status.used + status.inFlight,
      limit: status.limit.amount, window: status.limit.per, step: step)
  }

  /// Those to try: the one of that name first, then the others in their order.
  private func candidates(_ asked: String, _ caller: ModelCaller) throws(AgentError) -> [LanguageModelState] {
    let wanted = asked.isEmpty ? caller.model : asked
    if let named = models.first(where: { $0.settings.name.isSame(as: wanted) }) {
      return [named] + models.filter { $0 !== named }
    }
    // The name in a manifest may be one of its server: `cognition.model` of upstream.
    guard asked.isEmpty || asked.isSame(as: caller.model) else {
      let names = models.isEmpty ? "none" : models.map { "'\($0.settings.name)'" }.joined(separator: ", ")
      throw AgentError(.invalid, "there is no model '\(asked)'; 'models' in openstarry.yaml has \(names)")
    }
    let all = (caller.own.map { [state($0)] } ?? []) + models
    guard !all.isEmpty else {
      throw AgentError(.unavailable, "no model is configured: 'models' in openstarry.yaml lists them")
    }
    return all
  }

  private func state(_ settings: ModelSettings) -> LanguageModelState {
    if let known = others[settings] { return known }
    if others.count >= 64 { others = [:] }
    let state = LanguageModelState(settings)
    others[settings] = state
    return state
  }
}
