extension CELFunctions {
  /// The functions of rules: CEL's own, and those that ask the daemon.
  ///
  /// `sensor('id')` is a sensor's value, or the second argument when there is none; `reading('id')` a map that is there
  /// even when the sensor is silent; `input('id')` whether an input is active; `device('id')` an output's state;
  /// `report('agent')`, also called `state`, an agent's report; `agent('id')` its lifecycle; `between('a', 'b')` whether
  /// it is that time of day.
  package static let rules =
    standard
    .adding("sensor", [.string], result: .double).adding("sensor", [.string, .dyn])
    .adding("reading", [.string], result: .map(.string, .dyn))
    .adding("input", [.string], result: .bool).adding("input", [.string, .bool], result: .bool)
    .adding("device", [.string], result: .map(.string, .dyn))
    .adding("report", [.string]).adding("state", [.string])
    .adding("agent", [.string], result: .map(.string, .dyn))
    .adding("between", [.string, .string], result: .bool)
    .having(
      [
        "value": .double, "previous": .double, "unit": .string, "age": .duration, "quality": .string, "good": .bool,
      ], in: "reading"
    )
    .having(
      [
        "state": .double, "holder": .dyn, "fault": .dyn, "on_time": .duration, "since": .timestamp,
        "last_on": .timestamp,
      ], in: "device"
    )
    .having(["state": .string, "enabled": .bool, "activations": .int, "failures": .int], in: "agent")
    .timed(by: "now", ages: ["reading": "age"])
}
