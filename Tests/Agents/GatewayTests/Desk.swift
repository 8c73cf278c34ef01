import Agent
import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent
import Tokens

@testable import Gateway

/// A gateway between an agent and a server that a test plays, on time that is moved by hand.
final class Desk: ModelServer, TokenAccounting, EventSink {
  struct Asked {
    let request: LanguageModelRequest
    let body: Value
    let hear: (LanguageModelLink.News) -> Void
  }

  let clock = ManualClock()
  /// The calls at the server, by their number from 1.
  private(set) var asked: [Asked] = []
  private(set) var cancelled: [UInt32] = []
  private(set) var events: [Event] = []
  private(set) var answers: [Result<ModelAnswer, AgentError>] = []
  private(set) var causes: [Cause?] = []
  private let settings: [ModelSettings]
  private(set) lazy var models = LanguageModels(settings, clock: clock, server: self, ledger: self, events: self)

  // MARK: The ledger

  /// What a reservation is answered with; nil lets it wait.
  var refusal: TokenRefusal?
  /// Whether only the next reservation is refused.
  var refusesOnce = false
  private(set) var reserved: [TokenCall] = []
  private(set) var settled: [UInt64: TokenUsage?] = [:]
  private(set) var released: [UInt64] = []
  private var lastReservation: UInt64 = 0

  init(_ settings: [ModelSettings]) { self.settings = settings }

  static func model(_ name: String, _ change: (inout ModelSettings) -> Void = { _ in }) -> ModelSettings {
    var settings = ModelSettings(name, url: "http://127.0.0.1:8080/\(name)", maxTokens: 100)
    change(&settings)
    return settings
  }

  /// Asks.
  @discardableResult
  func ask(
    _ request: ModelRequest = ModelRequest(prompt: "how warm?"), _ caller: ModelCaller = ModelCaller("keeper")
  ) throws(AgentError) -> CompletionID {
    try models.complete(request, for: caller) { [unowned self] in
      answers.append($0)
      causes.append($1)
    }
  }

  /// What the server says to its newest call.
  func say(_ news: LanguageModelLink.News...) {
    guard let last = asked.last else { return }
    for one in news { last.hear(one) }
  }

  func fail(_ kind: LanguageModelFailure.Kind, status: UInt16 = 0, retryAfter: UInt32? = nil, wasSent: Bool = true) {
    say(.failed(LanguageModelFailure(kind, status: status, retryAfter: retryAfter, wasSent: wasSent, "it is \(kind)")))
  }

  var error: AgentError? { if case .failure(let error)? = answers.last { error } else { nil } }
  var answer: ModelAnswer? { try? answers.last?.get() }
  /// The models that were asked, in order.
  var names: [String] { asked.map { String($0.request.url.split(separator: "/")[2]) } }

  // MARK: ModelServer

  func ask(
    _ request: LanguageModelRequest, body: [UInt8], _ hear: @escaping (LanguageModelLink.News) -> Void
  ) -> UInt32 {
    asked.append(Asked(request: request, body: (try? JSONText.read(body)) ?? .null, hear: hear))
    return UInt32(asked.count)
  }

  /// Whether calls get further than the daemon.
  var isHanded = true
  func cancel(_ call: UInt32) -> Bool {
    cancelled.append(call)
    return isHanded
  }

  // MARK: TokenAccounting

  func reserve(_ call: TokenCall, _ done: @escaping (Result<TokenCallID, TokenRefusal>) -> Void) -> TokenCallID {
    lastReservation += 1
    let id = TokenCallID(number: lastReservation)
    if let refusal {
      if refusesOnce { self.refusal = nil }
      done(.failure(refusal))
    } else {
      reserved.append(call)
      done(.success(id))
    }
    return id
  }

  func cancel(_ id: TokenCallID) -> Bool { false }
  func settle(_ id: TokenCallID, _ usage: TokenUsage?) { settled[id.number] = usage }
  func release(_ id: TokenCallID) { released.append(id.number) }
  func open(_ done: @escaping ([String]) -> Void) { done([]) }
  func close(_ done: @escaping (TokenStorageFailure?) -> Void) { done(nil) }
  func setLimits(_ limits: TokenLimits, of account: String) {}
  var statistics: TokenStatistics { TokenStatistics() }
  var onNotice: (TokenNotice) -> Void = { _ in }
  var onProblem: (String?) -> Void = { _ in }
  func status(of account: String) -> [TokenLimitStatus] { [] }

  // MARK: EventSink

  func publish(_ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields) -> Event {
    let id = ULID(high: 0, low: UInt64(events.count + 1))
    let event = Event(
      id: id, type: type, source: source, cause: cause?.id, trace: cause?.trace ?? id, priority: priority,
      payload: payload)
    events.append(event)
    return event
  }
}
