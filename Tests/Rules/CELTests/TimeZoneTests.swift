import CEL
import TestKit
import Testing

/// Time zone files (RFC 8536) and their names.
@Suite struct TimeZoneTests {
  /// A file of version 2 without the old block of 32 bits: transitions to types, the types' offsets, and the rule.
  static func file(
    _ transitions: [(Int64, UInt8)] = [], _ offsets: [Int32] = [0], rule: String, leapSeconds: UInt8 = 0
  ) -> [UInt8] {
    func big(_ number: Int64, _ length: Int) -> [UInt8] {
      (0..<length).reversed().map { UInt8(truncatingIfNeeded: number >> Int64($0 * 8)) }
    }
    func header(_ version: String, _ times: Int, _ types: Int) -> [UInt8] {
      Array("TZif\(version)".utf8) + [UInt8](repeating: 0, count: 15) + big(0, 8) + big(Int64(leapSeconds), 4)
        + big(Int64(times), 4) + big(Int64(types), 4) + big(4, 4)
    }
    var bytes = header("2", 0, 1) + big(0, 6) + Array("UTC\0".utf8)
    bytes += header("2", transitions.count, offsets.count)
    bytes += transitions.flatMap { big($0.0, 8) } + transitions.map(\.1)
    bytes += offsets.flatMap { big(Int64($0), 4) + [0, 0] } + Array("UTC\0".utf8)
    return bytes + Array("\n\(rule)\n".utf8)
  }

  static func offset(_ bytes: [UInt8], _ time: String) throws -> Int? {
    guard case .timestamp(let time) = try value("timestamp('\(time)')") else { return nil }
    return TimeZoneFile(bytes)?.utcOffset(at: time)
  }

  @Test(arguments: [
    // Central Europe: the last Sundays of March and October, at 01:00 UTC.
    ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600),
    ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200),
    ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 7200),
    ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600),
    ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-12-31T23:30:00Z", 3600),
    // Ireland counts winter time as the saving.
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29T00:59:59Z", 0),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29T01:00:00Z", 3600),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25T01:00:00Z", 0),
    // The second Sunday of March and the first of November.
    ("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18_000),
    ("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14_400),
    ("EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18_000),
    // South of the equator summer is over New Year.
    ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 39_600),
    ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 36_000),
    ("<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "2026-01-01T00:00:00Z", 49_500),
    ("<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "2026-06-01T00:00:00Z", 45_900),
    // Offsets without saving, with minutes and seconds.
    ("<+0530>-5:30", "2026-01-01T00:00:00Z", 19_800), ("<-02>2", "2026-01-01T00:00:00Z", -7200),
    ("LMT0:01:15", "2026-01-01T00:00:00Z", -75), ("UTC0", "9999-12-31T23:59:59Z", 0),
    ("UTC0", "0001-01-01T00:00:00Z", 0),
    // A negative time, and one on a later day (RFC 8536, version 3).
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600),
    ("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z", 7200),
    ("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z", 10_800),
    // Days of the year, which count the 29th of February or do not.
    ("AAA0BBB,J60,J365", "2024-03-01T01:59:59Z", 0), ("AAA0BBB,J60,J365", "2024-03-01T02:00:00Z", 3600),
    ("AAA0BBB,59,364", "2024-02-29T02:00:00Z", 3600), ("AAA0BBB,59,364", "2026-03-01T02:00:00Z", 3600),
    // Saving throughout the year.
    ("EST5EDT,0/0,J365/25", "2026-01-01T05:00:00Z", -14_400), ("EST5EDT,0/0,J365/25", "2026-12-31T23:59:59Z", -14_400),
  ])
  func rules(_ rule: String, _ time: String, _ wanted: Int) throws {
    #expect(try Self.offset(Self.file(rule: rule), time) == wanted)
  }

  @Test func transitions() throws {
    let zone = Self.file([(0, 1), (100, 2), (200, 1)], [-75, 3600, 7200], rule: "")
    let ruled = Self.file([(0, 1), (100, 2), (200, 1)], [-75, 3600, 7200], rule: "<+03>-3")
    for (seconds, wanted) in [(-1, -75), (0, 3600), (99, 3600), (100, 7200), (199, 7200), (200, 3600)] {
      #expect(TimeZoneFile(zone)?.utcOffset(at: CELTimestamp(sinceEpoch: .seconds(seconds))!) == wanted)
      let wantedByRule = seconds == 200 ? 10_800 : wanted
      #expect(TimeZoneFile(ruled)?.utcOffset(at: CELTimestamp(sinceEpoch: .seconds(seconds))!) == wantedByRule)
    }
    // Version 1 has only times of 32 bits.
    let old: [UInt8] =
      Array("TZif".utf8) + [UInt8](repeating: 0, count: 28) + [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0]
      + [0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 16, 0, 0]
    #expect(try Self.offset(old, "1969-12-31T23:59:58Z") == 0)
    #expect(try Self.offset(old, "1969-12-31T23:59:59Z") == 3600)
  }

  @Test func refusals() {
    for rule in [
      "CE-1", "CET", "CET-25", "CET-1:60", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x",
      "CET-1CEST,M13.5.0,M1.1.0",
      "CET-1CEST,M3.6.0,M1.1.0", "CET-1CEST,M3.0.0,M1.1.0", "CET-1CEST,M3.5.7,M1.1.0", "CET-1CEST,J0,J1",
      "CET-1CEST,J366,J1",
      "CET-1CEST,366,1", "CET-1CEST,M3.5.0/168,M1.1.0", "<+01-1", "CET-1,", ":Europe/Berlin",
    ] {
      #expect(TimeZoneFile(Self.file(rule: rule)) == nil, "\(rule)")
    }
    #expect(TimeZoneFile([]) == nil)
    #expect(TimeZoneFile(Array("# version 2025b".utf8)) == nil)
    #expect(TimeZoneFile(Self.file([(0, 1)], [0], rule: "")) == nil, "an unknown type")
    #expect(TimeZoneFile(Self.file([(0, 0), (0, 0)], [0], rule: "")) == nil, "no order")
    #expect(TimeZoneFile(Self.file([], [], rule: "")) == nil, "no types")
    #expect(TimeZoneFile(Self.file([], [100_000], rule: "")) == nil, "more than a day")
    #expect(TimeZoneFile(Self.file(rule: "UTC0", leapSeconds: 1)) == nil)
    #expect(TimeZoneFile(Self.file(rule: "UTC0").dropLast()) == nil, "no end of the rule")
    #expect(TimeZoneFile(Self.file(rule: "UTC0") + [UInt8](repeating: 0, count: 65_536)) == nil, "too long")
  }

  @Test func names() {
    for name in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT", "America/Port-au-Prince"] {
      #expect(TimeZones.isValid(name))
    }
    for name in [
      "", "/", "/etc/passwd", "..", "../shadow", "Europe/../../etc/passwd", "Europe/", "/Europe", "Europe//Berlin", ".",
      "Europe/.", "zone.tab", "Europe\\Berlin", "Euro pe", "Zürich", "A\0", "+5", String(repeating: "a", count: 65),
    ] {
      #expect(!TimeZones.isValid(name), "\(name)")
    }
  }

  /// A scope that knows the zones of a folder with one file.
  private struct Zoned: CELScope {
    let zones: TimeZones
    func variable(_ name: String) -> CELValue? { .timestamp(CELTimestamp(milliseconds: 1_785_000_000_000)) }
    func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? { zones.utcOffset(zone, at: time) }
  }

  @Test func gettersTakeNames() throws {
    var asked: [String] = []
    let zones = TimeZones { name in
      asked.append(name)
      return name == "Europe/Berlin" ? Self.file(rule: "CET-1CEST,M3.5.0,M10.5.0/3") : nil
    }
    // 2026-07-25T17:20:00Z
    let program = try CELProgram("[now.getHours(), now.getHours('Europe/Berlin'), now.getHours('Europe/Berlin')]")
    #expect(try program.evaluate(Zoned(zones: zones)) == [17, 19, 19])
    #expect(asked == ["Europe/Berlin"], "it is read once")
    for zone in ["Mars/Olympus", "../Europe/Berlin"] {
      let error = #expect(throws: CELError.self) {
        try CELProgram("now.getHours('\(zone)')").evaluate(Zoned(zones: zones))
      }
      #expect(error?.message.hasPrefix("unknown time zone '\(zone)'") == true)
    }
    #expect(asked == ["Europe/Berlin", "Mars/Olympus"])
    let many = try CELProgram("lists.range(2000).all(i, now.getHours('Europe/Berlin') == 19)")
    #expect(throws: CELError.self) { try many.evaluate(Zoned(zones: zones)) }
  }

  /// Any bytes are a zone or none, and a zone has an offset at any time.
  @Test func anyBytesAreHandled() {
    var dice = SeededGenerator(37)
    let whole = Self.file([(0, 1), (100, 2), (200, 1)], [-75, 3600, 7200], rule: "CET-1CEST,M3.5.0,M10.5.0/3")
    let times = [-62_135_596_800, -1, 0, 150, 4_000_000_000, 253_402_300_799].map {
      CELTimestamp(sinceEpoch: .seconds($0))!
    }
    var zones = 0
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 0...4, using: &dice) {
        bytes[Int.random(in: bytes.indices, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
      }
      if Bool.random(using: &dice) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &dice)) }
      guard let zone = TimeZoneFile(bytes) else { continue }
      zones += 1
      for time in times { #expect((-90_000...97_200).contains(zone.utcOffset(at: time))) }
    }
    #expect(zones > 1000)
  }
}
