import MCPServer
import Model
import RPC

@testable import Control

/// A board with a few devices that answers what a test tells it to.
final class FakeBoard: BoardAccess {
  /// A call that was made.
  struct Call: Equatable {
    var method: String
    var params: Fields
    var trace: TraceParent?
  }

  private(set) var calls: [Call] = []
  /// By method; others are not found.
  var answers: [String: Result<Answer, RPCError>] = [:]
  var devices: Value = [
    "devices": [
      ["device": "temperature", "kind": "sensor", "name": "Air", "unit": "°C", "state": "21 °C", "limits": []],
      ["device": "fan", "kind": "actuator", "state": "off", "limits": ["max_on 5m"]],
      ["device": "cam0", "kind": "camera", "state": "not streaming", "limits": []],
    ]
  ]
  var operates = true
  var reachesAll = true
  let clock = ManualClock()
  private(set) var onNews: ((News) -> Void)?
  /// The events that are followed.
  private(set) var patterns: Set<EventPattern> = []
  private var due: [() -> Void] = []

  /// What `daemon.methods` answers.
  static let methods: Value = ["methods": .list(ControlMethods.table.all.map { .map($0.fields) })]

  func catalogue(_ done: @escaping (Result<Catalogue, RPCError>) -> Void) {
    let catalogue = Catalogue(methods: Self.methods, devices: devices, operates: operates, reachesAll: reachesAll)
    due.append { done(.success(catalogue)) }
  }

  func call(
    _ method: String, _ params: Fields, _ trace: TraceParent?, _ done: @escaping (Result<Answer, RPCError>) -> Void
  ) {
    calls.append(Call(method: method, params: params, trace: trace))
    let answer = answers[method] ?? .failure(RPCError(.notFound, "no answer to '\(method)' in this test"))
    due.append { done(answer) }
  }

  func examine(_ done: @escaping (Result<Value, RPCError>) -> Void) {
    due.append { done(.success(["findings": [["area": "daemon", "level": "ok", "text": "runs", "remedy": nil]]])) }
  }

  var time: any Timekeeper { clock }

  func follow(_ onNews: @escaping (News) -> Void) { self.onNews = onNews }

  func narrow(to patterns: Set<EventPattern>) { self.patterns = patterns }

  func unfollow() {
    onNews = nil
    patterns = []
  }

  /// Publishes an event, of which the server hears if it follows it.
  func publish(_ type: String, from source: String, _ payload: Fields = [:]) {
    guard patterns.contains(where: { $0.matches(type) }) else { return }
    onNews?(
      .event(
        Event(
          id: ULID(high: 1, low: 1), type: type, time: 0, clockSynchronised: true, monotonic: 0, source: source,
          payload: payload)))
  }

  /// Gives all answers that are due.
  func settle() {
    while !due.isEmpty { due.removeFirst()() }
  }
}
