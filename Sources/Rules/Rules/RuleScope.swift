import CEL
import Model

/// The scope of a rule's expressions: payload fields as variables, `event`, `now`, `sensor('id')`, `state('agent')`.
///
/// One object serves all evaluations of an engine, so that none of them allocates.
final class RuleScope: CELScope {
  private unowned let environment: any RuleEnvironment
  private let clock: any Timekeeper
  private let zones: TimeZones
  /// The event that expressions refer to.
  var event: Event
  /// When not nil, records host calls and their results, for the reasons in a verdict.
  var trace: [(call: String, result: CELValue)]?

  init(_ environment: any RuleEnvironment, _ clock: any Timekeeper) {
    self.environment = environment
    self.clock = clock
    zones = TimeZones { [unowned environment] in environment.timeZoneFile($0) }
    event = Event(id: ULID(high: 0, low: 0), type: "system:none")
  }

  func variable(_ name: String) -> CELValue? {
    switch name {
    case "event": eventMap
    case "now": environment.clockIsTrusted ? .timestamp(CELTimestamp(milliseconds: clock.wallMilliseconds)) : nil
    default: event.payload[name].map { CELValue($0) }
    }
  }

  func absence(of name: String) -> String? {
    name == "now" ? "the clock is not trusted yet: it has not been synchronised since boot" : nil
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
      throw CELError(message: "\(function)() takes a string, such as \(function)('id')")
    }
    guard Name(name).isShort else {
      throw CELError(
        message: "\(function)('\(Name(name).shown)'): a name has at most \(Name.longest) bytes", kind: .missing)
    }
    let value: CELValue
    do throws(NoAnswer) {
      switch function {
      case "sensor": value = CELValue(try environment.sensor(name))
      case "state": value = CELValue(try environment.state(name))
      default: return nil
      }
    } catch {
      throw CELError(message: "\(function)('\(name)'): \(error.message)", kind: .missing)
    }
    trace?.append(("\(function)('\(name)')", value))
    return value
  }

  func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? {
    guard zone.isSame(as: "local") else { return zones.utcOffset(zone, at: time) }
    return .seconds(environment.utcOffset(at: time.sinceEpoch.components.seconds))
  }
}
