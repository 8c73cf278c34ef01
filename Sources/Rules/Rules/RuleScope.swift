import CEL
import Model

/// The scope of a rule's expressions: payload fields as variables, `event`, `now`, `vars`, and what the functions of rules
/// answer.
///
/// One object serves all evaluations of an engine, so that none of them allocates.
final class RuleScope: CELScope {
  private unowned let environment: any RuleEnvironment
  private let clock: any Timekeeper
  private let zones: TimeZones
  /// The event that expressions refer to.
  var event: Event
  /// When not nil, records host calls and their results, for the reasons in a verdict.
  var trace: [(call: String, result: String)]?
  /// The shortest time after which an evaluation since the last `startNoting` has another result by itself; nil for never.
  private(set) var nextChange: Duration?
  private var windows: [String: DayWindow] = [:]

  init(_ environment: any RuleEnvironment, _ clock: any Timekeeper) {
    self.environment = environment
    self.clock = clock
    zones = TimeZones { [unowned environment] in environment.timeZoneFile($0) }
    event = Self.noEvent
  }

  /// What state rules see as the event: nothing.
  static let noEvent = Event(id: ULID(high: 0, low: 0), type: "system:none")

  func startNoting() { nextChange = nil }

  func resultChanges(after time: Duration) { nextChange = min(nextChange ?? time, time) }

  func variable(_ name: String) -> CELValue? {
    switch name {
    case "event": eventMap
    case "now": environment.clockIsTrusted ? .timestamp(CELTimestamp(milliseconds: clock.wallMilliseconds)) : nil
    case "vars" where event.payload["vars"] == nil: .map(CELMap(environment.variables))
    default: event.payload[name].map { CELValue($0) }
    }
  }

  func absence(of name: String) -> String? { name == "now" ? Self.clockNotTrusted : nil }

  static let clockNotTrusted = "the clock is not trusted yet: it has not been synchronised since boot"

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
    guard case .string(let name)? = arguments.first else {
      throw CELError(message: "\(function)() takes a string, such as \(function)('id')")
    }
    guard Name(name).isShort else {
      throw CELError(
        message: "\(function)('\(Name(name).shown)'): a name has at most \(Name.longest) bytes", kind: .missing)
    }
    let value: CELValue?
    do throws(NoAnswer) {
      value = try answer(function, name, arguments)
    } catch {
      // `sensor('x', 12.0)`: the second argument is for when there is no answer.
      guard arguments.count == 2, function != "between" else {
        throw CELError(message: "\(function)('\(name)'): \(error.message)", kind: .missing)
      }
      value = arguments[1]
    }
    if let value, trace != nil {
      let call = "\(function)(\(arguments.map(\.description).joined(separator: ", ")))"
      trace?.append((call, "\(value)\(unit(function, name))"))
    }
    return value
  }

  /// The unit of what a function answers, after a space; empty for none.
  private func unit(_ function: String, _ name: String) -> String {
    guard function == "sensor", let unit = (try? environment.reading(name))?.unit, !unit.isEmpty else { return "" }
    return " \(unit)"
  }

  private func answer(_ function: String, _ name: String, _ arguments: [CELValue]) throws(NoAnswer) -> CELValue? {
    switch function {
    case "sensor": CELValue(try environment.sensor(name))
    case "input": .bool(try environment.input(name))
    case "reading": try environment.reading(name).celValue
    case "device": try environment.output(name).celValue
    case "state", "report": CELValue(try environment.state(name))
    case "agent": try environment.agent(name).celValue
    case "between": .bool(try isBetween(arguments))
    default: nil
    }
  }

  private func isBetween(_ arguments: [CELValue]) throws(NoAnswer) -> Bool {
    guard arguments.count == 2, case .string(let opens) = arguments[0], case .string(let closes) = arguments[1] else {
      return false
    }
    guard environment.clockIsTrusted else { throw NoAnswer(Self.clockNotTrusted) }
    let key = "\(opens)\u{1F}\(closes)"
    guard let window = windows[key] ?? DayWindow(opens, closes) else {
      throw NoAnswer("it takes two times of day such as '07:00' or 'sunset - 30m'")
    }
    if windows.count < 1024 { windows[key] = window }
    let phase = environment.calendar.phase(
      of: RuleHours(window: window), at: Int64(clamping: clock.wallMilliseconds / 1000))
    note(phase.ends)
    return phase.isOpen
  }

  /// Whether rules with these hours may act now; notes when that changes.
  func isOpen(_ hours: RuleHours) -> Truth {
    if hours.isAlways { return .yes }
    guard environment.clockIsTrusted else { return .unknown(Self.clockNotTrusted) }
    let phase = environment.calendar.phase(of: hours, at: Int64(clamping: clock.wallMilliseconds / 1000))
    note(phase.ends)
    return Truth(phase.isOpen)
  }

  /// - Parameter change: in seconds since 1970.
  private func note(_ change: Int64?) {
    guard let change else { return }
    resultChanges(after: .milliseconds(max(1, change * 1000 - Int64(clamping: clock.wallMilliseconds))))
  }

  func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? {
    guard zone.isSame(as: "local") else { return zones.utcOffset(zone, at: time) }
    return .seconds(environment.utcOffset(at: time.sinceEpoch.components.seconds))
  }
}

extension DayWindow {
  /// The window between two times as in a rule file; nil if one of them is not a time of day.
  init?(_ opens: String, _ closes: String) {
    guard let opens = DayTime(opens), let closes = DayTime(closes) else { return nil }
    self.init(opens, closes)
  }
}
