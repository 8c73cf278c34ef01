import Model
import Rules
import Testing

@Suite struct TimeZoneConditionTests {
  /// A file (TZif, RFC 8536) of a zone that is always an hour ahead of UTC.
  private static let file: [UInt8] = {
    let header = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15 + 16)
    let oneType: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0]
    let block = header + oneType + [0, 0, 14, 16, 0, 0]
    return block + block + Array("\n<+01>-1\n".utf8)
  }()

  @Test func conditionsNameTimeZones() throws {
    let bench = try RuleBench(
      RuleDeclaration(
        id: "early", trigger: .events([EventPattern("a:b")]), condition: condition("now.getHours('Etc/Test') == 1"),
        actions: [.wake("a")]))
    bench.emit("a:b")
    #expect(bench.errors.first?.contains("unknown time zone 'Etc/Test'") == true)
    bench.zoneFiles["Etc/Test"] = Self.file
    bench.emit("a:b")
    #expect(bench.firings.count == 1)
  }
}
