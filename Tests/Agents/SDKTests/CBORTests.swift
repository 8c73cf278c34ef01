import Document
import Model
import TestKit
import Testing

/// CBOR beside JSON, and the examples of its standard.
@Suite struct CBORTests {
  private static func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16)! }
  }

  private func message(_ hex: String, values: Int = .max) -> String? {
    do throws(AgentError) {
      _ = try CBOR.read(Self.bytes(hex), values: values)
      return nil
    } catch {
      return error.description
    }
  }

  /// RFC 8949, appendix A.
  @Test(
    arguments: [
      ("00", 0), ("17", 23), ("1818", 24), ("1864", 100), ("1903e8", 1000), ("1a000f4240", 1_000_000),
      ("1b000000e8d4a51000", 1_000_000_000_000), ("20", -1), ("3863", -100), ("3903e7", -1000),
      ("1b7fffffffffffffff", .int(.max)), ("3b7fffffffffffffff", .int(.min)), ("fb3ff199999999999a", 1.1),
      ("fb7e37e43c8800759c", 1.0e+300), ("fbc010666666666666", -4.1), ("f4", false), ("f5", true), ("f6", nil),
      ("40", .bytes([])),
      ("4401020304", .bytes([1, 2, 3, 4])), ("60", ""), ("6449455446", "IETF"), ("62225c", "\"\\"), ("62c3bc", "ü"),
      ("63e6b0b4", "水"), ("64f0908591", "𐅑"), ("80", []), ("83010203", [1, 2, 3]),
      ("8301820203820405", [1, [2, 3], [4, 5]]),
      ("a0", [:]), ("a26161016162820203", ["a": 1, "b": [2, 3]]), ("826161a161626163", ["a", ["b": "c"]]),
    ] as [(String, Value)])
  func theStandardsExamples(hex: String, value: Value) throws {
    #expect(try CBOR.read(Self.bytes(hex)) == value)
    #expect(CBOR.write(value) == Self.bytes(hex))
  }

  /// Written with 64 bits, read with any of the widths; integers in any form.
  @Test(
    arguments: [
      ("f90000", 0.0), ("f93c00", 1.0), ("f93e00", 1.5), ("f97bff", 65504.0), ("f90001", 5.960464477539063e-8),
      ("f90400", 0.00006103515625), ("f9c400", -4.0), ("fa47c35000", 100_000.0), ("fa7f7fffff", 3.4028234663852886e+38),
      ("1b0000000000000001", 1), ("1900ff", 255), ("780161", "a"),
    ] as [(String, Value)])
  func otherWidthsAreRead(hex: String, value: Value) throws { #expect(try CBOR.read(Self.bytes(hex)) == value) }

  @Test func valuesThatJSONDoesNotHaveEither() {
    #expect(CBOR.write(.double(.nan)) == [0xF6] && CBOR.write(.double(.infinity)) == [0xF6])
    for (hex, expected) in [
      ("", "a value at byte 0"), ("18", "1 more bytes at byte 1"),
      ("1bffffffffffffffff", "an integer of 64 bits at byte 0"),
      ("3bffffffffffffffff", "an integer of 64 bits at byte 0"), ("f97e00", "a finite number at byte 0"),
      ("fa7f800000", "a finite number at byte 0"), ("f7", "true, false, null or a number at byte 0"),
      ("f8ff", "true, false, null or a number at byte 0"), ("c100", "no tag at byte 0"),
      ("9f01ff", "a definite length at byte 0"), ("1c", "a definite length at byte 0"),
      ("ff", "a definite length at byte 0"),
      ("a10102", "a text as key at byte 1"), ("a2616101616102", "a key that is not a duplicate at byte 4"),
      ("62006a", "UTF-8 without a zero byte at byte 1"), ("61ff", "UTF-8 without a zero byte at byte 1"),
      ("6261", "2 more bytes at byte 1"), ("0000", "the end at byte 1"),
      ("9bffffffffffffffff", "18446744073709551615 elements at byte 9"), ("b901ff00", "511 elements at byte 3"),
    ] {
      #expect(message(hex) == "invalid: not CBOR: expected \(expected)", "\(hex)")
    }
    let deep = String(repeating: "81", count: 63) + "80"
    #expect(message(deep) == nil)
    #expect(message("81" + deep)?.hasSuffix("at most 64 nested lists and maps at byte 65") == true)
    #expect(message("83010203", values: 4) == nil)
    #expect(message("83010203", values: 3) == "invalid: not CBOR: expected no more values at byte 3")
  }

  @Test func itMeansTheSameAsJSON() throws {
    var dice = SeededGenerator(1)
    for _ in 0..<1000 {
      let value = Value.random(&dice, depth: 3)
      let bytes = CBOR.write(value)
      let (read, json) = (try CBOR.read(bytes), try JSONText.read(JSONText.write(value)))
      if read != value || CBOR.write(read) != bytes || read != json {
        Issue.record("\(value)")
      }
      // Maps keep their order.
      if JSONText.write(read) != JSONText.write(value) { Issue.record("\(value)") }
    }
  }

  @Test func damagedBytesAreRefusedOrReadWithinTheLimit() throws {
    var dice = SeededGenerator(2)
    var refused = 0
    for _ in 0..<8_000 {
      var bytes = CBOR.write(Value.random(&dice, depth: 2))
      for _ in 0..<Int.random(in: 1..<4, using: &dice) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &dice)
        switch Int.random(in: 0..<3, using: &dice) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &dice)
        case 1: bytes.remove(at: place)
        default: bytes.insert(bytes.randomElement(using: &dice)!, at: place)
        }
      }
      do throws(AgentError) {
        let value = try CBOR.read(bytes, values: 50)
        if (try? CBOR.read(CBOR.write(value), values: 50)) != value { Issue.record("\(bytes)") }
      } catch {
        refused += 1
      }
    }
    #expect(refused > 1000)
  }

  @Test func manyKeys() throws {
    let fields = Fields(uniquePairs: (0..<100_000).map { ("key \($0)", .int($0)) })
    var bytes = CBOR.write(.map(fields))
    #expect(try CBOR.read(bytes).map?.count == 100_000)
    // One more entry, and its key is there already.
    #expect(bytes[0] == 0xBA)
    bytes[4] += 1
    #expect(throws: AgentError.self) { try CBOR.read(bytes + CBOR.write("key 77777") + [0]) }
  }
}
