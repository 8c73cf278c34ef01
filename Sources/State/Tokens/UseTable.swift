import Document
import Model

/// The rows of the statistics, and which of them are not on the disk yet.
struct UseTable {
  final class Row {
    let day: Int
    /// The number of the row among those of its day.
    let slot: Int
    let agent: AgentID
    let model: String
    var use: TokenStatistics.Use
    /// What is on the disk; nil for no record.
    var stored: TokenStatistics.Use?
    /// Its number in the present journal; nil when that does not have it.
    var number: UInt32?

    init(day: Int, slot: Int, agent: AgentID, model: String, use: TokenStatistics.Use = TokenStatistics.Use()) {
      self.day = day
      self.slot = slot
      self.agent = agent
      self.model = model
      self.use = use
    }

    var value: TokenStatistics.Row { TokenStatistics.Row(day: day, agent: agent, model: model, use: use) }

    /// Whether its record is out of date. A row without a charged call needs none.
    var isUnstored: Bool { stored == nil ? use.calls > 0 : stored != use }

    var key: String { "\(UseTable.prefix)\(day).\(slot)" }

    var text: String {
      JSON.text(
        .list([
          .string(agent.rawValue), .string(model), .int(use.calls), .int(use.prompt), .int(use.completion),
          .int(use.unreported), .int(use.money),
        ]))
    }
  }

  /// The prefix of the records' keys.
  static let prefix = "use."

  private struct Name: Hashable {
    var agent: AgentID
    var model: String
  }

  private var days: [Int: [Name: Row]] = [:]
  private var order: [Row] = []
  /// Keys of records to remove from the disk.
  private(set) var outdated: [String] = []

  /// All rows, by day and slot.
  var rows: [Row] { order }

  /// The row for a call, made if it is missing. Beyond the most rows of a day it is the one for all others.
  mutating func row(day: Int, agent: AgentID, model: String) -> Row {
    let (agent, model) = (AgentID(Self.short(agent.rawValue)), Self.short(model))
    if let row = days[day]?[Name(agent: agent, model: model)] { return row }
    let others = TokenStatistics.others
    if (days[day]?.count ?? 0) >= TokenStatistics.rowsPerDay - 1, agent.rawValue != others || model != others {
      return row(day: day, agent: AgentID(others), model: others)
    }
    let slot = (days[day]?.values.map(\.slot).max() ?? -1) + 1
    return insert(Row(day: day, slot: slot, agent: agent, model: model))
  }

  /// Names come from settings and manifests; a record of the journal has room for 64 KiB.
  private static func short(_ name: String) -> String {
    name.utf8.count <= 256 ? name : String(decoding: name.utf8.prefix(256), as: UTF8.self)
  }

  @discardableResult
  private mutating func insert(_ row: Row) -> Row {
    days[row.day, default: [:]][Name(agent: row.agent, model: row.model)] = row
    let place = order.lastIndex { ($0.day, $0.slot) < (row.day, row.slot) }.map { $0 + 1 } ?? 0
    order.insert(row, at: place)
    dropOldDays()
    return row
  }

  /// Takes a row from the journal, which knows better than the disk.
  mutating func restore(_ row: TokenStatistics.Row) -> Row {
    let restored = self.row(day: row.day, agent: row.agent, model: row.model)
    restored.use = row.use
    return restored
  }

  /// Takes a record from the disk.
  /// - Returns: false when it is not understood.
  mutating func load(key: String, text: String) -> Bool {
    let numbers = key.dropFirst(Self.prefix.count).split(separator: ".").compactMap { Int($0) }
    guard numbers.count == 2, Bounds.days ~= numbers[0], 0..<1000 ~= numbers[1],
      let value = try? JSON.decode(Array(text.utf8)[...]), case .list(let cells) = value,
      cells.count == 7, let agent = cells[0].string, let model = cells[1].string
    else { return false }
    let sums = cells[2...].compactMap(\.int)
    guard sums.count == 5, days[numbers[0]]?[Name(agent: AgentID(agent), model: model)] == nil else { return false }
    let use = TokenStatistics.Use(
      calls: sums[0], prompt: sums[1], completion: sums[2], unreported: sums[3], money: sums[4])
    guard Bounds.allows(use) else { return false }
    insert(Row(day: numbers[0], slot: numbers[1], agent: AgentID(agent), model: model, use: use)).stored = use
    return true
  }

  /// Drops the oldest days beyond the most. Days with rows are counted, so that a clock that was years ahead for a moment
  /// costs one day and not all.
  private mutating func dropOldDays() {
    while days.count > TokenStatistics.days, let oldest = days.keys.min() {
      outdated += order.filter { $0.day == oldest && $0.stored != nil }.map(\.key)
      order.removeAll { $0.day == oldest }
      days[oldest] = nil
    }
  }

  mutating func noteRemoved(_ keys: Set<String>) { outdated.removeAll { keys.contains($0) } }
}
