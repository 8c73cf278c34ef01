import Document
import Model
import Testing

@Suite struct LimitTests {
  @Test(arguments: ["f.yaml", "f.json"])
  func aHugeTextIsRefused(file: String) {
    let text = [UInt8](repeating: UInt8(ascii: "["), count: 100 << 20)
    let error = #expect(throws: Diagnostics.self) { try DocumentText.parse(text, file: file) }
    #expect(error?.description == "\(file): is 104857600 bytes long; the limit is 16777216 bytes")
  }

  @Test(arguments: ["[", "{\"a\":", "[{\"a\":"])
  func flowNestingIsLimited(unit: String) {
    let text = String(repeating: unit, count: 1 << 20)
    for outcome in [yaml(text), json(text)] {
      guard case .problems(let message) = outcome else { return #expect(Bool(false)) }
      #expect(message.hasSuffix(": lists and maps are nested more than 64 deep"))
    }
  }

  @Test(arguments: ["- ", "? ", "[", "{", "a: &b ", "!a ", "&a "])
  func blockNestingIsLimited(unit: String) {
    guard case .problems = yaml(String(repeating: unit, count: 1 << 16)) else { return #expect(Bool(false)) }
  }

  @Test func theDepthLimitIsExact() {
    let (open, close) = (String(repeating: "[", count: 64), String(repeating: "]", count: 64))
    for read in [{ yaml($0) }, { json($0) }] as [(String) -> Outcome] {
      guard case .value = read(open + close) else { return #expect(Bool(false)) }
      #expect(read("[\n" + open + close + "]") == .problems("f:2:64: lists and maps are nested more than 64 deep"))
    }
  }

  @Test func aliasBombsAreRefusedBeforeTheyExpand() {
    var text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<20 {
      let aliases = repeatElement("*l\(level - 1)", count: 10).joined(separator: ", ")
      text += "l\(level): &l\(level) [\(aliases)]\n"
    }
    #expect(yaml(text) == .problems("f:6:15: there are more than 262144 values"))
  }

  @Test func aliasesCannotNestDeeperThanText() {
    var text = "l0: &l0 []\n"
    for level in 1..<100 { text += "l\(level): &l\(level) [*l\(level - 1)]\n" }
    // The map is the first level, so the list on line 63 is the 64th and line 64 exceeds the limit.
    #expect(yaml(text) == .problems("f:64:12: lists and maps are nested more than 64 deep"))
  }

  @Test func valuesAreCounted() {
    let limits = DocumentLimits(bytes: 1000, depth: 8, nodes: 4)
    for read in [{ yaml($0, limits: limits) }, { json($0, limits: limits) }] as [(String) -> Outcome] {
      #expect(read("[1,\n2, 3]") == .value([1, 2, 3]))
      #expect(read("{\"a\": 1, \"b\": [\"x,[\"]}") == .value(["a": 1, "b": ["x,["]]))
      guard case .problems(let message) = read("[1,\n2, 3, 4]") else { return #expect(Bool(false)) }
      #expect(message.hasPrefix("f:2:") && message.hasSuffix("there are more than 4 values"))
    }
  }

  @Test func oneLargeScalarIsRead() throws {
    let large = String(repeating: "x", count: 4 << 20)
    #expect(yaml("a: \(large)") == .value(["a": .string(large)]))
    #expect(json("\"\(large)\"") == .value(.string(large)))
    let digits = String(repeating: "7", count: 2 << 20)
    for outcome in [yaml("\(digits)"), json(digits)] {
      #expect(
        outcome
          == .problems(
            "f:1:1: the integer '\(digits.prefix(40))…' does not fit in 64 bits (±9.2e18); "
              + "put it in quotes if it is a name"))
    }
  }

  @Test func protocolMessagesAreAtMostOneMebibyte() {
    let error = #expect(throws: Diagnostic.self) {
      try JSON.decode([UInt8](repeating: 0x20, count: (1 << 20) + 1)[...])
    }
    #expect(error?.description == "<message>: is 1048577 bytes long; the limit is 1048576 bytes")
  }
}
