import Linux
import Model

extension TokenLedger {
  /// Appends records, after those of the meters and the row that have no number in this file yet.
  /// - Parameter records: made when all have their numbers.
  func write(
    meters: [Meter], row: UseTable.Row?, at time: UInt64, _ records: () -> [JournalRecord]
  ) throws(SystemError) {
    if !journal.isOpen || isBehind {
      try compact(at: time)
    } else if journal.isLong {
      // There may be no room for a second file; the old one can still grow.
      try? compact(at: time)
    }
    var new: [JournalRecord] = []
    let unknown = meters.filter { $0.number == nil }
    for meter in unknown {
      lastNumber += 1
      meter.number = lastNumber
      new.append(.meter(lastNumber, meter.key, period: meter.period, spent: meter.spent))
    }
    let isNewRow = row != nil && row?.number == nil
    if let row, isNewRow {
      lastNumber += 1
      row.number = lastNumber
      new.append(.row(lastNumber, row.value))
    }
    new += records()
    guard !new.isEmpty else { return }
    do throws(SystemError) {
      try journal.append(new)
    } catch {
      for meter in unknown { meter.number = nil }
      if isNewRow { row?.number = nil }
      throw error
    }
  }

  /// Replaces the journal by one with the present state.
  func compact(at time: UInt64) throws(SystemError) {
    var records: [JournalRecord] = [.head(boot: boot, time: time, lastID: lastID)]
    var number: UInt32 = 0
    // Only meters that were charged in this boot: of the others the marks say the same.
    let kept = meters.values.filter { $0.number != nil }.map { meter in
      number += 1
      records.append(.meter(number, meter.key, period: meter.period, spent: meter.spent))
      return (meter, number)
    }
    let calls = underWay.values.sorted { $0.id.number < $1.id.number }
    let rowsOfCalls = Set(calls.compactMap { $0.row.map(ObjectIdentifier.init) })
    let rows = uses.rows.filter { $0.isUnstored || rowsOfCalls.contains(ObjectIdentifier($0)) }.map { row in
      number += 1
      records.append(.row(number, row.value))
      return (row, number)
    }
    let meterNumbers = Dictionary(uniqueKeysWithValues: kept.map { (ObjectIdentifier($0.0), $0.1) })
    let rowNumbers = Dictionary(uniqueKeysWithValues: rows.map { (ObjectIdentifier($0.0), $0.1) })
    for call in calls {
      records.append(
        .reserved(
          call.id.number, time: call.time, tokens: call.call.tokens, money: call.call.money,
          row: call.row.flatMap { rowNumbers[ObjectIdentifier($0)] } ?? 0,
          meters: call.meters.compactMap { meterNumbers[ObjectIdentifier($0)] }))
      records.append(.sent(call.id.number))
    }
    try journal.replace(records)
    for row in uses.rows { row.number = nil }
    for (meter, number) in kept { meter.number = number }
    for (row, number) in rows { row.number = number }
    lastNumber = number
    isBehind = false
  }

  func journalProblem(_ error: SystemError) -> String {
    "no model is called: the journal of tokens cannot be written, so calls could be forgotten: \(error)"
  }
}
