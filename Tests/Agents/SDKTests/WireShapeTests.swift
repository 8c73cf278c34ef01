import Document
import Model
import TestKit
import Testing

/// Events, readings, receipts and commands, in every encoding.
@Suite struct WireShapeTests {
  private static let event = Event(
    id: ULID(high: 5, low: 6), type: "sensor:temperature", time: 1_700_000_000_000, clockSynchronised: true,
    monotonic: 7, source: "temperature", cause: ULID(high: 3, low: 4), trace: ULID(high: 1, low: 2), depth: 2,
    priority: .high, payload: ["value": 31.5, "unit": "°C", "list": [1, nil, ["a": true]]])

  private func holds<Shape: WireShape & Equatable>(_ shape: Shape) throws {
    #expect(try Shape(fields: shape.fields) == shape)
    #expect(try Shape(JSON.decode(JSONText.write(.map(shape.fields))[...])) == shape)
    #expect(try Shape(cbor: shape.cbor) == shape)
    // Ids are texts or bytes; everything else is the same.
    let (json, cbor) = (shape.fields, try #require(try CBOR.read(shape.cbor).map))
    #expect(cbor.map(\.key) == json.map(\.key))
    for (key, value) in cbor {
      if case .bytes(let bytes) = value {
        #expect(bytes.count == 16 && ULID(wireValue: value)?.description == json[key]?.string)
      } else {
        #expect(value == json[key])
      }
    }
    // In any order, with fields that nobody knows.
    var dice = SeededGenerator(1)
    for _ in 0..<50 {
      var pairs = shape.fields.map { ($0.key, $0.value) } + [("unknown", ["a": [1]]), ("more", nil)]
      pairs.shuffle(using: &dice)
      let turned = Value.map(Fields(pairs))
      #expect(try Shape(turned) == shape)
      #expect(try Shape(cbor: CBOR.write(turned)) == shape)
    }
  }

  private func refusal<Shape: WireShape>(_ type: Shape.Type, _ fields: Fields) -> String? {
    func message(_ read: () throws(AgentError) -> Shape) -> String? {
      do throws(AgentError) {
        _ = try read()
        return nil
      } catch {
        return error.description
      }
    }
    let tree = message { () throws(AgentError) in try Shape(fields: fields) }
    #expect(message { () throws(AgentError) in try Shape(cbor: CBOR.write(.map(fields))) } == tree)
    return tree
  }

  @Test func everyEncodingHasTheSameShapes() throws {
    try holds(Self.event)
    try holds(Event(id: ULID(high: 5, low: 6), type: "a:b"))
    try holds(Reading(value: 21.5, unit: "°C", time: 7, quality: .stale))
    try holds(Receipt(id: ULID(high: 1, low: 2), state: 1, previous: 0.5, at: 9, isConfirmed: false))
  }

  /// Most fields have no former name, and an empty key is no field.
  @Test func emptyKeyIsNoField() {
    #expect(refusal(Reading.self, ["": 4]) == "invalid: a reading without a valid 'value'")
  }

  @Test func missingFieldsHaveTheirValuesOrAreNamed() throws {
    let id = Value.string(ULID(high: 5, low: 6).description)
    let small: Fields = ["id": id, "type": "a:b", "payload": [:]]
    #expect(try Event(fields: small) == Event(id: ULID(high: 5, low: 6), type: "a:b"))
    #expect(try Event(cbor: CBOR.write(.map(small))) == Event(id: ULID(high: 5, low: 6), type: "a:b"))
    #expect(refusal(Event.self, ["type": "a:b", "payload": [:]]) == "invalid: an event without a valid 'id'")
    #expect(refusal(Event.self, ["id": id, "type": 1, "payload": [:]]) == "invalid: an event without a valid 'type'")
    #expect(refusal(Event.self, ["id": id, "type": "a:b"]) == "invalid: an event without a valid 'payload'")
    #expect(refusal(Reading.self, [:]) == "invalid: a reading without a valid 'value'")
    #expect(refusal(Receipt.self, ["id": id]) == "invalid: a receipt without a valid 'state'")
    // A field of the wrong kind counts as missing.
    let odd: Fields = ["id": id, "type": "a:b", "payload": [:], "priority": 9, "time": "now", "cause": 1, "depth": nil]
    #expect(refusal(Event.self, odd) == nil)
    #expect(try Event(fields: odd).priority == .normal)
    #expect(throws: AgentError(.invalid, "an event is a map")) { try Event([1] as Value) }
  }

  @Test func formerNamesAreRead() throws {
    let former: Fields = ["value": 1, "time": 5]
    #expect(try Reading(fields: former) == Reading(value: 1, unit: "", time: 5))
    #expect(try Reading(cbor: CBOR.write(.map(former))) == Reading(value: 1, unit: "", time: 5))
    for fields in [["value": 1, "time": 5, "time_ns": 6], ["value": 1, "time_ns": 6, "time": 5]] as [Fields] {
      #expect(try Reading(fields: fields).time == 6)
      #expect(try Reading(cbor: CBOR.write(.map(fields))).time == 6)
    }
    let reading = Reading(value: 1, unit: "", time: 5)
    #expect(reading.fields["time"] == nil)
    #expect(reading.fields(withFormerNames: true)["time"] == 5)
  }

  @Test func commandsHaveOneForm() {
    let commands: [(ActuatorCommand, Value)] = [
      (.on, "on"), (.off, "off"), (.level(0.4), 0.4), (.level(0), 0.0), (.pulse(.milliseconds(500)), ["pulse_ms": 500]),
      (.pulse(.seconds(31_536_000)), ["pulse_ms": 31_536_000_000]),
    ]
    for (command, value) in commands {
      #expect(command.wireValue == value)
      #expect(ActuatorCommand(wireValue: value) == command)
    }
    #expect(ActuatorCommand.pulse(.nanoseconds(1)).wireValue == ["pulse_ms": 1])
    #expect(ActuatorCommand(wireValue: ["level": 1]) == .level(1), "a former form")
    for bad in [
      "of", "ON", nil, true, [], [:], 1.01, -1, ["level": 2], ["level": "x"], ["pulse_ms": 0],
      ["pulse_ms": 31_536_000_001],
      ["pulse_ms": 1, "level": 1], .bytes([]),
    ] as [Value] {
      #expect(ActuatorCommand(wireValue: bad) == nil, "\(bad)")
    }
  }
}
