import CEL
import Model

/// What a rule's expressions see: payload fields as variables, `event`, `now`, `sensor('id')`, `state('agent')`.
///
/// One object serves all evaluations of an engine, so that none of them allocates.
final class RuleScope: CELScope {
  private unowned let environment: any RuleEnvironment
  private let clock: any Timekeeper
  /// The event that is looked at.
  var event: Event
  /// While it is not nil, host calls are noted here: for the reasons that people read.
  var trace: [(call: String, result: CELValue)]?

  init(_ environment: any RuleEnvironment, _ clock: any Timekeeper) {
    self.environment = environment
    self.clock = clock
    event = Event(id: ULID(high: 0, low: 0), type: "system:none")
  }

  func variable(_ name: String) -> CELValue? {
    switch name {
    case "event": eventMap
    case "now": .timestamp(CELTimestamp(milliseconds: clock.wallMilliseconds))
    default: event.payload[name].map { CELValue($0) }
    }
  }

  private var eventMap: CELValue {
    .map(
      CELMap(named: [
        ("id", .string(event.id.description)), ("type", .string(event.type)), ("source", .string(event.source)),
        ("time", .timestamp(CELTimestamp(milliseconds: event.time))), ("depth", .int(Int64(event.depth))),
        ("priority", .int(Int64(event.priority.rawValue))), ("payload", .map(CELMap(event.payload))),
        ("cause", event.cause.map { .string($0.description) } ?? .null), ("trace", .string(event.trace.description)),
        ("clock_synchronised", .bool(event.clockSynchronised)),
      ]))
  }

  func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    guard arguments.count == 1, case .string(let name) = arguments[0] else {
      throw CELError(message: "\(function)() takes a text such as \(function)('id')")
    }
    let found: Value?
    switch function {
    case "sensor": found = environment.sensor(name)
    case "state": found = environment.state(name)
    default: return nil
    }
    guard let found else {
      throw CELError(message: "\(function)('\(name)') has no value yet", kind: .missing)
    }
    let value = CELValue(found)
    trace?.append(("\(function)('\(name)')", value))
    return value
  }

  func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? {
    guard zone == "local" else { return nil }
    return .seconds(environment.utcOffset(at: time.sinceEpoch.components.seconds))
  }
}
