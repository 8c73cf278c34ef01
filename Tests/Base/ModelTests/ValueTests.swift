import Model
import TestKit
import Testing

@Suite struct ValueTests {
  @Test func fieldsKeepTheirOrderWhenReplaced() {
    var fields: Fields = ["b": 1, "a": 2, "b": 3]
    #expect(fields.keys == ["b", "a"])
    #expect(fields["b"] == 3)
    fields["c"] = true
    fields["b"] = nil
    fields["nothing"] = nil
    #expect(fields.keys == ["a", "c"])
    #expect(fields.map(\.key) == ["a", "c"])
    fields["a"] = .null
    #expect(fields["a"] == .null)
  }

  @Test func equalityIgnoresOrder() {
    let one: Fields = ["a": 1, "b": ["c": 2.5]]
    let other: Fields = ["b": ["c": 2.5], "a": 1]
    #expect(one == other)
    #expect(one.hashValue == other.hashValue)
    #expect(one != ["a": 1])
    #expect(one != ["a": 1, "c": ["c": 2.5]])
  }

  @Test func valuesConvertOnlyWithoutLoss() {
    #expect(Value.int(3).double == 3)
    #expect(Value.double(3).int == 3)
    #expect(Value.double(3.5).int == nil)
    #expect(Value.double(.infinity).int == nil)
    #expect(Value.double(1e300).int == nil)
    #expect(Value.double(-9_223_372_036_854_775_808).int == .min)
    #expect(Value.string("1").int == nil)
    #expect(Value.bool(true).int == nil)
    #expect(Value.int(1) != .double(1))
    #expect((["a": [1, nil]] as Value)["a"]?.list == [1, .null])
    #expect(Value.list([])["a"] == nil)
  }

  @Test func ulidsInText() {
    // github.com/ulid/spec: 01ARZ3NDEKTSV4RRFFQ69G5FAV is made at 1469922850259.
    let known = ULID("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    #expect(known?.milliseconds == 1_469_922_850_259)
    #expect(known?.description == "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    #expect(ULID("01arz3ndektsv4rrffq69g5fav") == known)
    #expect(ULID("7ZZZZZZZZZZZZZZZZZZZZZZZZZ") == ULID(high: .max, low: .max))
    for bad in [
      "", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
      "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FÄ",
      " 1ARZ3NDEKTSV4RRFFQ69G5FAV",
    ] {
      #expect(ULID(bad) == nil, "\(bad)")
    }
  }

  @Test func ulidsRoundTripAndSort() {
    var dice = SeededGenerator(2)
    for _ in 0..<500 {
      let one = ULID(high: dice.next(), low: dice.next())
      let other = ULID(high: dice.next(), low: dice.next())
      #expect(ULID(one.description) == one)
      #expect((one < other) == (one.description < other.description))
    }
    #expect(ULID(high: 1, low: .max).successor == ULID(high: 2, low: 0))
    #expect(ULID(milliseconds: 7, random: (1, 2)) == ULID(high: 7 << 16 | 1, low: 2))
  }

  @Test func eventsWithoutACauseBeginAChain() {
    let event = Event(id: ULID(high: 1, low: 1), type: "a:b", payload: ["x": 1])
    #expect(event.trace == event.id)
    #expect(event["x"] == 1)
    #expect(Cause(event) == Cause(id: event.id, trace: event.id, depth: 0))
    #expect(Priority.emergency < .background)
  }

  @Test func thePayloadLimitThatIsExceededIsNamed() {
    let nested: Fields = ["x": .list(Array(repeating: [0], count: 3000))]
    #expect(PayloadLimit.complaint(nested)?.contains("bytes of memory, more than the limit of 65536") == true)
    let long: Fields = ["x": .string(String(repeating: "x", count: 20_000))]
    #expect(PayloadLimit.complaint(long)?.contains("bytes as JSON, more than the limit of 16384") == true)
    #expect(PayloadLimit.complaintOfMemory(long) == nil && PayloadLimit.complaint(["x": 1]) == nil)
  }
}
