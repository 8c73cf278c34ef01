import Document
import Model
import TestKit
import Testing

/// Generates random values that JSON can represent.
private struct ValueSource {
  var random: SeededGenerator
  /// Characters that YAML reads like JSON: no control or line characters beyond ASCII's.
  let alphabet = Array("aZ09 \"'\\/:,{}[]#&*!|>%@`-?~<=.\n\r\t\u{8}éß漢😀\u{10FFFF}".unicodeScalars)

  mutating func value(depth: Int = 0) -> Value {
    switch Int.random(in: 0..<(depth < 4 ? 9 : 6), using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .int(Int64(truncatingIfNeeded: random.next()) >> Int64.random(in: 0..<64, using: &random))
    case 3:
      let double = Double(bitPattern: random.next())
      return .double(double.isFinite ? double : 0.5)
    case 4: return .double((Double.random(in: -1000...1000, using: &random) * 100).rounded() / 100)
    case 5: return .string(text())
    case 6: return .list((0..<Int.random(in: 0..<6, using: &random)).map { _ in value(depth: depth + 1) })
    default:
      return .map(Fields((0..<Int.random(in: 0..<6, using: &random)).map { _ in (text(), value(depth: depth + 1)) }))
    }
  }

  mutating func text() -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0..<12, using: &random) {
      text.unicodeScalars.append(alphabet.randomElement(using: &random) ?? "a")
    }
    return text
  }
}

@Suite struct PropertyTests {
  @Test(arguments: [false, true])
  func writtenTextReadsBackAsTheSameValue(pretty: Bool) throws {
    var source = ValueSource(random: SeededGenerator(1))
    for _ in 0..<2000 {
      let value = source.value()
      let text = JSON.encode(value, pretty: pretty)
      #expect(try JSON.decode(text[...]) == value)
      #expect(try JSON.parse(text, file: "f").value == value)
      #expect(JSON.encode(try JSON.decode(text[...]), pretty: pretty) == text)
    }
  }

  @Test func yamlAndJSONReadTheSameText() throws {
    var source = ValueSource(random: SeededGenerator(2))
    for _ in 0..<2000 {
      let text = JSON.encode(source.value())
      let (left, right) = (try YAML.parse(text, file: "f"), try JSON.parse(text, file: "f"))
      #expect(left.value == right.value)
      #expect(left.places == right.places)
    }
  }

  private static let samples = [
    """
    name: greenhouse  # a board
    devices:
      temperature: {kind: sensor, driver: tmp102, address: 0x48, every: 1s}
      fan: &fan
        safe: off
        limits: [1, 2.5, -3e2, "a\\u00e9", 'it''s', ~, true]
      second: *fan
    text: |
      two
      lines
    folded: >-
      one
      line
    """,
    #"{"identity": {"id": "climate", "name": "Klimä 😀"}, "budget": {"memory": "4MiB", "n": [1, -2.5e3, null, true]},"#
      + #" "text": "a\n\"\\\/\u00e9\ud83d\ude00", "empty": [{}, [], ""]}"#,
  ]
  private static let pieces = [
    "\t", "\n", "\r\n", " ", ":", ": ", "- ", "[", "]", "{", "}", ",", "\"", "'", "\\", "\\u", "#", "&a ", "*a", "!",
    "!!int ",
    "|", ">", "%YAML 1.2\n", "---", "...", "<<", "? ", "@", ".nan", "1e999", "99999999999999999999", "\u{FEFF}", "\0",
    "\u{85}", "null",
  ].map { Array($0.utf8) }

  @Test func noTextCrashesAndEveryErrorHasALocation() {
    var random = SeededGenerator(3)
    let clock = ContinuousClock()
    // Bounded by time, so that a slow machine tries fewer mutants instead of taking longer.
    let end = clock.now.advanced(by: .seconds(2))
    var (refused, read, tried) = (0, 0, 0)
    while tried < 20_000 && (min(refused, read) <= 100 || clock.now < end) {
      tried += 1
      var bytes = Array(Self.samples[tried % 2].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) { Self.mutate(&bytes, &random) }
      for file in ["f.yaml", "f.json"] {
        do {
          let node = try DocumentText.parse(bytes, file: file)
          read += 1
          for place in node.places where place.hasPrefix("0:") { Issue.record("\(place) in \(bytes)") }
          if file == "f.json" { #expect(try JSON.decode(bytes[...]) == node.value) }
        } catch let diagnostics as Diagnostics {
          refused += 1
          #expect(!diagnostics.all.isEmpty)
          for problem in diagnostics.all {
            // libyaml also ends lines at U+0085 (its last byte is 0x85), as YAML 1.1 does.
            let lines = bytes.count(where: { [0x0A, 0x0D, 0x85].contains($0) }) + 1
            let isPlace = (1...lines).contains(problem.location.line) && problem.location.column >= 1
            #expect(isPlace || problem.location == Location(file: file), "\(problem) in \(bytes)")
            #expect(!problem.message.isEmpty && !problem.message.hasPrefix("this is not YAML"), "\(problem)")
          }
        } catch {
          Issue.record("\(error)")
        }
      }
    }
    #expect(refused > 100 && read > 100)
  }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    let at = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, at + Int.random(in: 0...8, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: at)
    case 1: bytes.removeSubrange(at..<end)
    case 2: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random))
    case 3: bytes.removeSubrange(end...)
    case 4: if at < bytes.count { bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
    default: bytes.replaceSubrange(at..<end, with: pieces.randomElement(using: &random) ?? [])
    }
  }
}
