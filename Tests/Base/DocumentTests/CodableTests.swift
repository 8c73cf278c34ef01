import Document
import Model
import Testing

private struct Device: Codable, Equatable {
  enum Kind: String, Codable { case sensor, actuator }
  var kind: Kind
  var pins: [UInt8]
  var scale: Double?
  var names: [String: Int]
  var nested: [[Int16]]
  var extra: Value?
}

private class Base: Codable { var a = 1 }
private final class Derived: Base {
  var b = "x"
  private enum Key: String, CodingKey { case b }

  override init() { super.init() }

  required init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    b = try container.decode(String.self, forKey: .b)
    try super.init(from: container.superDecoder())
  }

  override func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(b, forKey: .b)
    try super.encode(to: container.superEncoder())
  }
}

@Suite struct CodableTests {
  @Test func typesAreDecodedFromText() throws {
    let text = "{kind: sensor, pins: [1, 2], scale: 2, names: {x: 3}, nested: [[1], []], extra: {a: [on]}, other: 1}"
    let device = try NodeDecoder().decode(Device.self, from: YAML.parse(Array(text.utf8), file: "f"))
    #expect(
      device
        == Device(kind: .sensor, pins: [1, 2], scale: 2, names: ["x": 3], nested: [[1], []], extra: ["a": ["on"]]))
  }

  @Test(arguments: [
    ("{kind: sensor}", "f:1:1: the key 'pins' is missing"),
    ("{kind: engine}", "f:1:8: kind: Cannot initialize Kind from invalid String value engine"),
    ("{kind: 1}", "f:1:8: kind: expected text, found an integer"),
    ("[1]", "f:1:1: expected a map, found a list"),
    ("{kind: sensor, pins: [1,\n 300]}", "f:2:2: pins[1]: expected an integer from 0 to 255, found 300"),
    ("{kind: sensor, pins: '*'}", "f:1:22: pins: expected base64 with padding (RFC 4648)"),
    ("{kind: sensor, pins: [], scale: x}", "f:1:33: scale: expected a number, found text"),
    ("{kind: sensor, pins: [], names: {x: 1.5}}", "f:1:37: names.x: expected an integer, found a number"),
    ("{kind: sensor, pins: [], names: {}, nested: [1]}", "f:1:46: nested[0]: expected a list, found an integer"),
    ("{kind: sensor, pins: [], names: {}, nested: [[~]]}", "f:1:47: nested[0][0]: expected an integer, found null"),
  ])
  func errorsNameTheLocation(text: String, message: String) throws {
    let node = try YAML.parse(Array(text.utf8), file: "f")
    let error = #expect(throws: Diagnostic.self) { try NodeDecoder().decode(Device.self, from: node) }
    #expect(error?.description == message)
  }

  @Test func typesRoundTripThroughValues() throws {
    let device = Device(
      kind: .actuator, pins: [0, 255], scale: nil, names: ["a": -1], nested: [[], [7]], extra: [1, nil, ["k": 2.5]])
    let value = try ValueEncoder().encode(device)
    #expect(value["pins"] == .bytes([0, 255]))
    #expect(value.map?.keys == ["kind", "pins", "names", "nested", "extra"])
    #expect(try ValueDecoder().decode(Device.self, from: value) == device)
    #expect(try ValueDecoder().decode(Device.self, from: JSON.decode(JSON.encode(value)[...])) == device)
  }

  @Test func classesEncodeTheirSuperclass() throws {
    let derived = Derived()
    derived.a = 5
    let value = try ValueEncoder().encode(derived)
    #expect(value == ["b": "x", "super": ["a": 5]])
    #expect(try ValueDecoder().decode(Derived.self, from: value).a == 5)
  }

  @Test func scalarsNeedNoContainer() throws {
    #expect(try ValueEncoder().encode(3) == 3)
    #expect(try ValueEncoder().encode(Int?.none) == nil)
    #expect(try ValueEncoder().encode([Int?.none, 2]) == [nil, 2])
    #expect(try ValueEncoder().encode([] as [Int]) == [])
    #expect(try ValueEncoder().encode([:] as [String: Int]) == [:])
    #expect(try ValueDecoder().decode([Int?].self, from: [nil, 2]) == [nil, 2])
    #expect(try ValueDecoder().decode(UInt64.self, from: .double(3)) == 3)
    #expect(try ValueDecoder().decode(Fields.self, from: ["b": 1, "a": 2]).keys == ["b", "a"])
    #expect(throws: (any Error).self) { try ValueEncoder().encode(UInt64.max) }
    let error = #expect(throws: Diagnostic.self) { try ValueDecoder().decode(Int.self, from: "x") }
    #expect(error?.description == "<message>: expected an integer, found text")
  }
}
