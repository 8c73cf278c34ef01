import Document
import Model
import TestKit

/// Generates requests from the daemon's own table of methods: valid, almost valid, and with wrong types.
struct RequestMaker {
  /// The answer of `daemon.methods`.
  let methods: [Value]
  private let mutator = ValueMutator(words: RequestMaker.words)

  static let words = [
    "id", "method", "params", "jsonrpc", "2.0", "event", "data", "result", "error", "agent", "device", "command", "on",
    "off", "pulse_ms", "lease_ms", "hold", "override", "pattern", "last", "since", "payload", "type", "priority",
    "manifest", "identity", "runtime", "driver", "in-process", "entry", "probe", "fan", "lamp", "pump", "temperature",
    "door", "cam0", "probe:*", "sensor:temperature", "probe:go", "change", "value", "active", "press", "fault", "nack",
    "timeout", "unplug", "brownout", "none", "count", "for", "signal", "SIGTERM", "SIGKILL", "subscription", "limit",
    "emit", "actuator", "sensor", "key", "fail", "file", "reason", "quality", "format", "width", "height", "every",
    "client",
  ]

  /// One request for each method, with its required parameters.
  var plain: [String] {
    methods.enumerated().map { index, method in
      var params = Fields()
      for parameter in method["parameters"]?.list ?? [] where parameter["required"] == true {
        params[parameter["name"]?.string ?? ""] = Self.right(parameter)
      }
      return JSON.text([
        "jsonrpc": "2.0", "id": .int(Int64(index)), "method": method["name"] ?? "x", "params": .map(params),
      ])
    }
  }

  /// A valid value of the parameter.
  private static func right(_ parameter: Value) -> Value {
    switch parameter["type"]?.string {
    case "integer": 5
    case "number": 0.5
    case "boolean": true
    case "object": parameter["name"] == "manifest" ? manifest("guest") : ["emit": "probe:more", "value": 30.5]
    case "command": "on"
    case "change": ["value": 31.5]
    default:
      switch parameter["name"]?.string {
      case "agent": "probe"
      case "type": "probe:go"
      case "pattern": "probe:*"
      default: "fan"
      }
    }
  }

  private static func manifest(_ id: String) -> Value {
    [
      "identity": ["id": .string(id)], "runtime": ["driver": "in-process", "entry": "probe"], "subscribe": ["probe:*"],
      "capabilities": ["permissions": ["actuators": ["*"], "sensors": ["*"], "emit": ["guest:*", "probe:*"]]],
    ]
  }

  /// Random requests, one per line.
  func make(_ random: inout SeededGenerator) -> [UInt8] {
    let lines = (0..<Int.random(in: 1...12, using: &random)).map { number in line(number, &random) }
    return Array(lines.joined(separator: [10]))
  }

  /// A copy of an input with lines mutated as trees, removed and duplicated.
  func mutate(_ input: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var lines: [[UInt8]] = []
    for line in input.split(separator: 10) {
      guard lines.count < 32 else { break }
      switch Int.random(in: 0..<6, using: &random) {
      case 0: continue
      case 1, 2:
        guard let value = try? JSON.decode(line) else { fallthrough }
        lines.append(JSON.encode(mutator.mutate(value, ["params": Self.manifest("guest")], &random)))
      case 3: lines += [Array(line), Array(line)]
      default: lines.append(Array(line))
      }
    }
    return Array((lines + [line(99, &random)]).joined(separator: [10]))
  }

  private func line(_ number: Int, _ random: inout SeededGenerator) -> [UInt8] {
    guard let method = methods.randomElement(using: &random) else { return [] }
    var params = Fields()
    for parameter in method["parameters"]?.list ?? [] {
      guard parameter["required"] == true ? random.next() % 12 != 0 : random.next() % 3 == 0 else { continue }
      let aliases = parameter["aliases"]?.list ?? []
      let name = random.next() % 8 == 0 ? aliases.randomElement(using: &random)?.string : nil
      params[name ?? parameter["name"]?.string ?? "x"] = value(parameter, &random)
    }
    if random.next() % 20 == 0 {
      params[Self.words.randomElement(using: &random) ?? "x"] = mutator.any(depth: 2, &random)
    }
    var fields: Fields = ["method": method["name"] ?? "x", "params": .map(params)]
    if random.next() % 4 != 0 { fields["jsonrpc"] = "2.0" }
    switch random.next() % 16 {
    case 0: break
    case 1: fields["id"] = .string("t\(number)")
    case 2: fields["id"] = mutator.any(depth: 1, &random)
    default: fields["id"] = .int(Int64(number))
    }
    return JSON.encode(.map(fields))
  }

  /// A value, mostly of the right type and often one that exists on the board.
  private func value(_ parameter: Value, _ random: inout SeededGenerator) -> Value {
    if random.next() % 5 == 0 { return mutator.any(depth: 3, &random) }
    func one(_ values: [Value]) -> Value { values.randomElement(using: &random) ?? .null }
    switch parameter["type"]?.string {
    case "integer", "number":
      return random.next() % 3 == 0
        ? .int(Int64(ByteMutator.number(&random)) ?? .max) : one([0, 1, 2, 5, 50, 100, 1000, 60_000, 0.5, 1.5])
    case "boolean": return .bool(Bool.random(using: &random))
    case "command": return one(["on", "off", 0, 1, 0.4, ["pulse_ms": 500], ["pulse_ms": 1], 1.0001, -0.0])
    case "change":
      return one([
        ["value": 31.5], ["active": true], ["press": "300ms"], ["value": nil], "nack", "unplug", "none", "brownout",
        ["fault": "stuck", "for": "5s"], ["fault": "timeout", "count": 3], ["active": nil],
      ])
    case "object":
      if parameter["name"] == "manifest" {
        return mutator.mutate(
          Self.manifest(random.next() % 2 == 0 ? "guest" : "probe"), ["budget": ["cpu": "1%"]], &random)
      }
      return one([
        [:], ["emit": "guest:more"], ["actuator": "fan"], ["sensor": "temperature"], ["key": "a", "value": [1, 2]],
        ["fail": "no"], ["actuator": "lamp", "fail": "x"],
      ])
    default:
      switch parameter["name"]?.string {
      case "agent": return one(["probe", "guest", "gone", "probe\u{202E}"])
      case "device": return one(["fan", "lamp", "pump", "temperature", "door", "cam0", "fann"])
      case "type": return one(["probe:go", "guest:more", "sensor:temperature", "a:b", ":", "a"])
      case "pattern": return one(["*", "probe:*", "sensor:temperature", "*:*:*", "", "device:*"])
      case "signal": return one(["SIGTERM", "SIGKILL", "SIGHUP"])
      default: return one(Self.words.map(Value.string))
      }
    }
  }
}
