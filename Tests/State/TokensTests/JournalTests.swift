import Linux
import Model
import TestKit
import Testing

@testable import Tokens

@Suite struct JournalTests {
  private func records(_ generator: inout SeededGenerator, largest: Int64 = 1 << 40) -> [JournalRecord] {
    func number() -> Int64 { .random(in: 0...largest, using: &generator) }
    func id() -> UInt64 { UInt64(number()) }
    let key = Meter.Key(account: "agent/ä", unit: Bool.random(using: &generator) ? .tokens : .money, window: 3_600_000)
    let period = id() / 3_600_000
    let use = TokenStatistics.Use(
      calls: number(), prompt: number(), completion: number(), unreported: number(), money: number())
    return [
      .head(boot: "8c1f", time: id(), lastID: id()), .meter(1, key, period: period, spent: number()),
      .meter(2, Meter.Key(account: "", unit: .money, window: nil), period: 0, spent: 0),
      .row(3, TokenStatistics.Row(day: -4, agent: "a b", model: "", use: use)),
      .reserved(id(), time: id(), tokens: number(), money: number(), row: 3, meters: [1, 2]), .sent(id()),
      .reserved(id(), time: id(), tokens: 0, money: 0, row: 0, meters: []), .released(id()), .done(id(), nil),
      .done(id(), TokenUsage(prompt: 5, completion: 1 << 40, money: 0)),
    ]
  }

  private func bytes(_ records: [JournalRecord]) -> [UInt8] {
    var (bytes, chain): ([UInt8], UInt32) = ([], 0)
    for record in records { record.write(to: &bytes, chain: &chain) }
    return bytes
  }

  @Test func recordsComeBack() {
    var generator = SeededGenerator(1)
    for _ in 0..<100 {
      let written = records(&generator)
      #expect(JournalRecord.read(bytes(written)) == written)
    }
  }

  /// A cut leaves the records before it; damage is found wherever it is.
  @Test func cutsAndDamageAreToldApart() {
    var generator = SeededGenerator(2)
    let written = records(&generator)
    let whole = bytes(written)
    for length in whole.indices {
      let found = JournalRecord.read(Array(whole[..<length]))
      #expect(found.map { written.starts(with: $0) && $0.count < written.count } ?? false, "\(length)")
    }
    for place in whole.indices {
      for bit in 0..<8 {
        var damaged = whole
        damaged[place] ^= 1 << UInt8(bit)
        #expect(JournalRecord.read(damaged) == nil, "\(place)")
      }
    }
    // A record in the middle is missing.
    let sizes = written.indices.map { bytes(Array(written[...$0])).count }
    for index in 1..<(written.count - 1) {
      #expect(JournalRecord.read(Array(whole[..<sizes[index - 1]] + whole[sizes[index]...])) == nil)
    }
  }

  @Test func anyBytesAreSurvived() {
    var generator = SeededGenerator(3)
    for _ in 0..<20_000 {
      var noise = generator.bytes(0...80)
      if let kind = "HMURSDX".utf8.randomElement(using: &generator), noise.count > 4 { noise[2] = kind }
      _ = JournalRecord.read(noise)
    }
    // Valid frames with any content.
    let start = bytes([.head(boot: "b", time: 0, lastID: 0)])
    for _ in 0..<2000 {
      let noise = generator.bytes(0...100)
      guard let kind = "MURSDX".utf8.randomElement(using: &generator) else { continue }
      _ = JournalRecord.read(start + JournalRecord.frame(kind, noise, chain: start))
    }
  }

  /// A ledger starts on any journal that has valid checksums, whatever it says.
  @Test func aLedgerStartsOnAnyJournal() throws {
    var generator = SeededGenerator(4)
    for _ in 0..<200 {
      let largest: Int64 = [5, 1 << 20, 1 << 40, 1 << 61, .max].randomElement(using: &generator) ?? 5
      var all = records(&generator, largest: largest).dropFirst().shuffled(using: &generator)
      all.insert(.head(boot: "boot-1", time: .random(in: 0...UInt64(largest), using: &generator), lastID: 4), at: 0)
      var files = SavedFiles()
      files.journal = bytes(all)
      let machine = try Machine(files, limits: ["agent/ä": limits("1k/h", money: ["1/h"])])
      _ = machine.reserve(.of(1, agent: "ä"))
      _ = machine.close()
    }
  }
}

extension JournalRecord {
  /// A record of any content with a correct check; its checksum is not.
  fileprivate static func frame(_ kind: UInt8, _ content: [UInt8], chain: [UInt8]) -> [UInt8] {
    let (low, high) = (UInt8(content.count & 0xFF), UInt8(content.count >> 8))
    return [low, high, kind, low &* 31 ^ high &* 17 ^ kind &* 7 ^ 0xA5] + content + [0, 0, 0, 0]
  }
}
