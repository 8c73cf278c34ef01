import Model
import Store

/// One record of the journal, and its bytes: length (2), kind (1), a check of these three (1), content, CRC-32 (4). The
/// checksum covers the previous record's as well, so a record in the middle cannot be missing. All little-endian.
enum JournalRecord: Equatable {
  /// The start of a file: its boot, the ledger's time, and the last number of a call so far.
  case head(boot: String, time: UInt64, lastID: UInt64)
  /// A meter gets a number for this file; its use until here.
  case meter(UInt32, Meter.Key, period: UInt64, spent: Int64)
  /// A row of the statistics gets a number for this file; its sums until here.
  case row(UInt32, TokenStatistics.Row)
  /// `R`: a call is reserved in these meters.
  case reserved(UInt64, time: UInt64, tokens: Int64, money: Int64, row: UInt32, meters: [UInt32])
  /// `S`: it will be handed over.
  case sent(UInt64)
  /// `D`: it has ended; nil when it is charged as reserved.
  case done(UInt64, TokenUsage?)
  /// `X`: it has ended, and costs nothing.
  case released(UInt64)

  private var kind: UInt8 {
    switch self {
    case .head: UInt8(ascii: "H")
    case .meter: UInt8(ascii: "M")
    case .row: UInt8(ascii: "U")
    case .reserved: UInt8(ascii: "R")
    case .sent: UInt8(ascii: "S")
    case .done: UInt8(ascii: "D")
    case .released: UInt8(ascii: "X")
    }
  }

  /// The last number of a call that the record knows; 0 for none.
  var lastID: UInt64 {
    switch self {
    case .head(_, _, let id), .reserved(let id, _, _, _, _, _): id
    default: 0
    }
  }

  /// Whether all amounts are within the ledger's own bounds, so that no sum of them can overflow.
  private var isPlausible: Bool {
    switch self {
    case .head(_, let time, let lastID): Bounds.allows(time: time) && lastID < 1 << 62
    case .meter(_, let key, let period, let spent): Bounds.allows(period, of: key) && 0...Bounds.spent ~= spent
    case .row(_, let row): Bounds.allows(row.use) && Bounds.days ~= row.day
    case .reserved(let id, let time, let tokens, let money, _, _):
      id < 1 << 62 && Bounds.allows(time: time) && 0...Bounds.amount ~= tokens && 0...Bounds.amount ~= money
    case .sent, .done, .released: true
    }
  }

  // MARK: Writing

  /// Appends the record's bytes.
  /// - Parameter chain: the previous record's checksum, replaced by this one's.
  func write(to bytes: inout [UInt8], chain: inout UInt32) {
    let start = bytes.count
    bytes += [0, 0, kind, 0]
    writeContent(to: &bytes)
    let length = UInt16(bytes.count - start - 4)
    bytes[start] = UInt8(truncatingIfNeeded: length)
    bytes[start + 1] = UInt8(truncatingIfNeeded: length >> 8)
    bytes[start + 3] = Self.check(bytes[start], bytes[start + 1], kind)
    chain = Self.checksum(bytes[start...], after: chain)
    Self.put(chain, to: &bytes)
  }

  private func writeContent(to bytes: inout [UInt8]) {
    switch self {
    case .head(let boot, let time, let lastID):
      Self.put(time, to: &bytes)
      Self.put(lastID, to: &bytes)
      bytes += boot.utf8
    case .meter(let number, let key, let period, let spent):
      Self.put(number, to: &bytes)
      bytes.append(key.unit.rawValue)
      Self.put(key.window ?? 0, to: &bytes)
      Self.put(period, to: &bytes)
      Self.put(spent, to: &bytes)
      bytes += key.account.utf8
    case .row(let number, let row):
      Self.put(number, to: &bytes)
      Self.put(Int64(row.day), to: &bytes)
      for sum in [row.use.calls, row.use.prompt, row.use.completion, row.use.unreported, row.use.money] {
        Self.put(sum, to: &bytes)
      }
      Self.put(UInt16(clamping: row.agent.rawValue.utf8.count), to: &bytes)
      bytes += row.agent.rawValue.utf8
      bytes += row.model.utf8
    case .reserved(let id, let time, let tokens, let money, let row, let meters):
      Self.put(id, to: &bytes)
      Self.put(time, to: &bytes)
      Self.put(tokens, to: &bytes)
      Self.put(money, to: &bytes)
      Self.put(row, to: &bytes)
      for meter in meters { Self.put(meter, to: &bytes) }
    case .sent(let id), .released(let id): Self.put(id, to: &bytes)
    case .done(let id, let usage):
      Self.put(id, to: &bytes)
      guard let usage else { return }
      for amount in [usage.prompt, usage.completion, usage.money] { Self.put(amount, to: &bytes) }
    }
  }

  private static func put(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  /// Any other value of one of the bytes gives another check: the factors are odd.
  private static func check(_ low: UInt8, _ high: UInt8, _ kind: UInt8) -> UInt8 {
    low &* 31 ^ high &* 17 ^ kind &* 7 ^ 0xA5
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>, after chain: UInt32) -> UInt32 {
    var sum = Checksum()
    for shift in [0, 8, 16, 24] as [UInt32] { sum.add(CollectionOfOne(UInt8(truncatingIfNeeded: chain >> shift))) }
    sum.add(bytes)
    return sum.value
  }

  // MARK: Reading

  /// All records of a file. A record that breaks off at the end was never acted on, and is left out.
  /// - Returns: nil when the file is damaged.
  static func read(_ bytes: [UInt8]) -> [JournalRecord]? {
    var (records, chain, place): ([JournalRecord], UInt32, Int) = ([], 0, 0)
    while bytes.count - place >= 4 {
      let content = place + 4 + (Int(bytes[place]) | Int(bytes[place + 1]) << 8)
      guard check(bytes[place], bytes[place + 1], bytes[place + 2]) == bytes[place + 3] else { return nil }
      guard content + 4 <= bytes.count else { break }
      chain = checksum(bytes[place..<content], after: chain)
      var reader = Reader(bytes: bytes[(place + 4)..<content])
      guard (0..<4).allSatisfy({ bytes[content + $0] == UInt8(truncatingIfNeeded: chain >> (UInt32($0) * 8)) }),
        let record = reader.record(bytes[place + 2]), record.isPlausible
      else { return nil }
      records.append(record)
      place = content + 4
    }
    return records
  }

  /// Reads the content of a record.
  private struct Reader {
    var bytes: ArraySlice<UInt8>
    private var isShort = false

    init(bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number {
      let size = Number.bitWidth / 8
      guard bytes.count >= size else {
        isShort = true
        return 0
      }
      defer { bytes = bytes.dropFirst(size) }
      return bytes.prefix(size).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    mutating func text(_ count: Int) -> String {
      defer { bytes = bytes.dropFirst(count) }
      if bytes.count < count { isShort = true }
      return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    mutating func record(_ kind: UInt8) -> JournalRecord? {
      let record: JournalRecord
      switch kind {
      case UInt8(ascii: "H"):
        let (time, lastID) = (number(UInt64.self), number(UInt64.self))
        record = .head(boot: text(bytes.count), time: time, lastID: lastID)
      case UInt8(ascii: "M"):
        let (number, unit) = (number(UInt32.self), TokenLimit.Unit(rawValue: number(UInt8.self)))
        let (window, period, spent) = (self.number(UInt64.self), self.number(UInt64.self), self.number(Int64.self))
        guard let unit else { return nil }
        let key = Meter.Key(account: text(bytes.count), unit: unit, window: window == 0 ? nil : window)
        record = .meter(number, key, period: period, spent: spent)
      case UInt8(ascii: "U"):
        let (number, day) = (number(UInt32.self), number(Int64.self))
        let use = TokenStatistics.Use(
          calls: self.number(), prompt: self.number(), completion: self.number(), unreported: self.number(),
          money: self.number())
        let agent = AgentID(text(Int(self.number(UInt16.self))))
        record = .row(
          number, TokenStatistics.Row(day: Int(day), agent: agent, model: text(bytes.count), use: use))
      case UInt8(ascii: "R"):
        let (id, time) = (number(UInt64.self), number(UInt64.self))
        let (tokens, money, row) = (number(Int64.self), number(Int64.self), number(UInt32.self))
        var meters: [UInt32] = []
        while !bytes.isEmpty, !isShort { meters.append(number()) }
        record = .reserved(id, time: time, tokens: tokens, money: money, row: row, meters: meters)
      case UInt8(ascii: "S"): record = .sent(number())
      case UInt8(ascii: "X"): record = .released(number())
      case UInt8(ascii: "D"):
        let id = number(UInt64.self)
        guard !bytes.isEmpty else {
          record = .done(id, nil)
          break
        }
        record = .done(id, TokenUsage(prompt: number(), completion: number(), money: number()))
      default: return nil
      }
      return isShort || !bytes.isEmpty ? nil : record
    }
  }
}

/// The bounds of what is read from journal and disk.
enum Bounds {
  /// Of one call.
  static let amount: Int64 = 1 << 40
  /// Of one meter.
  static let spent: Int64 = 1 << 61
  /// About 2700 years around 1970.
  static let days = -1_000_000...1_000_000

  /// Until the year 37647.
  static func allows(time: UInt64) -> Bool { time <= 1 << 50 }

  static func allows(_ period: UInt64, of key: Meter.Key) -> Bool {
    guard let window = key.window else { return period == 0 }
    return window >= 1000 && period <= (1 << 50) / window
  }

  static func allows(_ use: TokenStatistics.Use) -> Bool {
    [use.calls, use.prompt, use.completion, use.unreported, use.money].allSatisfy { 0...(1 << 60) ~= $0 }
  }
}
