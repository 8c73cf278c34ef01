import ArgumentParser
import Model

/// A change that `openstarry simulate` makes to a simulated device.
enum SimulatedValue: Equatable, CustomStringConvertible {
  /// A sensor's value from now on. 1 and 0 also set an input.
  case value(Double)
  /// Sets an input.
  case active(Bool)
  /// Presses an input for this time.
  case press(Duration)
  /// Returns the device to the board's model or script.
  case auto
  /// One of `faults`; `none` ends a fault.
  case fault(String)

  static let faults = SimulatedFault.allCases.map(\.rawValue) + ["none"]

  /// Parses a word of the command line.
  static func read(_ text: String) throws -> SimulatedValue {
    let text = MinusSign.restore(text)
    switch text.lowercased() {
    case "press": return .press(.milliseconds(300))
    case let press where press.hasPrefix("press:"):
      return .press(try SpanArgument.read(String(press.dropFirst("press:".count))))
    case "on": return .active(true)
    case "off": return .active(false)
    case "auto": return .auto
    case let fault where faults.contains(fault): return .fault(fault)
    case let word:
      if let value = Double(word), value.isFinite { return .value(value) }
      let words = ["press", "on", "off", "auto"] + faults
      let hint = Suggestion.phrase(for: word, in: words)
      throw ValidationError("'\(text)' is not a number, \(words.joined(separator: ", ")) or press:TIME\(hint)")
    }
  }

  /// The parameter `change` of `hal.simulate` (`docs/control.md`, 4.12).
  /// - Parameters:
  ///   - count: the number of operations that a fault makes fail; nil for no limit.
  ///   - length: the duration of a fault; nil for no limit.
  func change(isInput: Bool, count: Int?, length: Duration?) -> Fields {
    switch self {
    case .value(let value): return isInput ? ["active": .bool(value != 0)] : ["value": .double(value)]
    case .active(let active): return ["active": .bool(active)]
    case .press(let length): return ["press": .string(length.text)]
    case .auto: return [isInput ? "active" : "value": nil]
    case .fault(let fault):
      var change: Fields = ["fault": .string(fault)]
      // A brown-out is momentary: it has no count and no duration.
      if fault == SimulatedFault.brownout.rawValue { return change }
      if let count, fault != "none" { change["count"] = .int(Int64(count)) }
      if let length, fault != "none" { change["for"] = .string(length.text) }
      return change
    }
  }

  /// A message with the values that a device of this kind accepts; nil if it accepts this one.
  func misfit(_ device: String, kind: String) -> String? {
    let wanted: String
    switch (kind, self) {
    case (_, .fault): return nil
    case ("sensor", .value), ("sensor", .auto), ("input", .active), ("input", .press), ("input", .auto): return nil
    case ("input", .value(let value)) where value == 0 || value == 1: return nil
    case ("sensor", _): wanted = "a number, auto"
    case ("input", _): wanted = "on, off, press, press:TIME, auto"
    case ("actuator", _):
      return "'\(device)' is an actuator: give a fault or none here; 'openstarry set' commands it"
    case ("camera", _): return "'\(device)' is a camera: give a fault or none"
    default: return nil
    }
    return "'\(device)' is \(kind == "input" ? "an input" : "a sensor"): give \(wanted), a fault or none, not \(self)"
  }

  /// Whether this is a fault or the end of one.
  var isFault: Bool { if case .fault = self { true } else { false } }

  var description: String {
    switch self {
    case .value(let value): value.text
    case .active(let active): active ? "on" : "off"
    case .press(let length): "pressed for \(length.text)"
    case .auto: "auto"
    case .fault("none"): "fault cleared"
    case .fault(let fault): fault
    }
  }
}
