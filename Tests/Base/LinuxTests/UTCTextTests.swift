import Linux
import Testing

@Suite struct UTCTextTests {
  @Test(
    arguments: [
      (0, "1970-01-01"), (11_016, "2000-02-29"), (-1, "1969-12-31"), (20_635, "2026-07-01"), (2_932_896, "9999-12-31"),
      (.max, "an unknown day"),
    ] as [(Int, String)])
  func days(_ day: Int, _ text: String) {
    #expect(UTCText.day(day) == text)
  }

  @Test func times() {
    #expect(UTCText.time(0) == "1970-01-01T00:00:00Z")
    #expect(UTCText.time(1_782_878_706_999) == "2026-07-01T04:05:06Z")
    #expect(UTCText.time(.max).utf8.last == UInt8(ascii: "Z"))
  }
}
