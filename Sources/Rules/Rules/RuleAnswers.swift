import CEL
import Model

/// What `reading('id')` says about a sensor or input. It exists even when the sensor is silent.
package struct SensorAnswer: Sendable, Hashable {
  /// The newest good value, however old; nil before the first.
  package var value: Double?
  /// The good value before that; nil before the second.
  package var previous: Double?
  /// The unit of both; empty for none.
  package var unit: String
  /// The time since the newest good value, or since the start when there is none.
  package var age: Duration
  /// `good`, `suspect` or `stale`; `missing` before the first measurement.
  package var quality: String
  /// Whether `sensor('id')` has a value; nil while a sensor may still be measured for the first time.
  package var isGood: Bool?

  /// An answer about a sensor that has not been measured yet.
  package init(
    value: Double? = nil, previous: Double? = nil, unit: String = "", age: Duration, quality: String = "missing",
    isGood: Bool? = false
  ) {
    self.value = value
    self.previous = previous
    self.unit = unit
    self.age = age
    self.quality = quality
    self.isGood = isGood
  }

  var celValue: CELValue {
    var entries: [(String, CELValue)] = [
      ("unit", .string(unit)), ("age", .duration(age)), ("quality", .string(quality)),
    ]
    if let isGood { entries.append(("good", .bool(isGood))) }
    if let value { entries.append(("value", .double(value))) }
    if let previous { entries.append(("previous", .double(previous))) }
    return .map(CELMap(named: entries))
  }
}

/// What `device('id')` says about an output.
package struct OutputAnswer: Sendable, Hashable {
  /// The level that the hardware has confirmed, 0 to 1; nil while it is unknown.
  package var state: Double?
  /// The holder of its lease; nil without one.
  package var holder: String?
  /// The wall time of its last change of level, in milliseconds since 1970; nil before the first since the start.
  package var since: UInt64?
  /// The wall time at which it last left its safe state; nil when it never did since the start.
  package var lastOn: UInt64?
  /// How long it has been away from its safe state since the start.
  package var onTime: Duration
  /// Its fault; nil while it works.
  package var fault: String?

  /// An output that has not moved.
  package init(
    state: Double?, holder: String? = nil, since: UInt64? = nil, lastOn: UInt64? = nil, onTime: Duration = .zero,
    fault: String? = nil
  ) {
    self.state = state
    self.holder = holder
    self.since = since
    self.lastOn = lastOn
    self.onTime = onTime
    self.fault = fault
  }

  var celValue: CELValue {
    var entries: [(String, CELValue)] = [
      ("holder", holder.map(CELValue.string) ?? .null), ("fault", fault.map(CELValue.string) ?? .null),
      ("on_time", .duration(onTime)),
    ]
    if let state { entries.append(("state", .double(state))) }
    if let since { entries.append(("since", .timestamp(CELTimestamp(milliseconds: since)))) }
    if let lastOn { entries.append(("last_on", .timestamp(CELTimestamp(milliseconds: lastOn)))) }
    return .map(CELMap(named: entries))
  }
}

/// What `agent('id')` says about an agent.
package struct AgentAnswer: Sendable, Hashable {
  /// The state of its lifecycle, such as `ready`.
  package var state: String
  /// Whether it may run.
  package var isEnabled: Bool
  /// The activations since the start.
  package var activations: UInt64
  /// The failures since the start.
  package var failures: UInt64

  /// An answer.
  package init(state: String, isEnabled: Bool, activations: UInt64, failures: UInt64) {
    self.state = state
    self.isEnabled = isEnabled
    self.activations = activations
    self.failures = failures
  }

  var celValue: CELValue {
    .map(
      CELMap(named: [
        ("state", .string(state)), ("enabled", .bool(isEnabled)), ("activations", .int(Int64(clamping: activations))),
        ("failures", .int(Int64(clamping: failures))),
      ]))
  }
}

/// Something that conditions name, and that can change.
package enum RuleSubject: Sendable, Hashable {
  /// A sensor, input or output.
  case device(DeviceID)
  /// An agent's state or report.
  case agent(AgentID)
  /// A variable of the rules.
  case variable(String)
  /// The wall clock.
  case clock

  /// As in a rule file: `sensor('tank')` has the subject `tank`.
  package var text: String {
    switch self {
    case .device(let id): id.rawValue
    case .agent(let id): id.rawValue
    case .variable(let name): "vars.\(name)"
    case .clock: "the time"
    }
  }
}
