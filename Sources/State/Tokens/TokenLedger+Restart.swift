import Document
import Linux
import Model

extension TokenLedger {
  /// Reads the marks, and then takes over what journal and marks say.
  func load(_ left: [JournalRecord]?, wasDamaged: Bool, _ done: @escaping ([String]) -> Void) {
    state = .loading
    marks.load { [weak self] result in
      guard let self, case .loading = state else { return }
      var notices: [String] = []
      if wasDamaged {
        notices.append(
          "the journal of used tokens is damaged: as much as the disk says counts as used, which may be more")
      }
      switch result {
      case .success(let records):
        state = .open
        notices += install(records, left)
        done(notices)
      case .failure(let failure):
        state = .unread(failure)
        notices.append("no model is called: it is not known how many tokens are used: \(failure)")
        done(notices)
      }
      let calls = early
      early = []
      for call in calls {
        if case .unread(let failure) = state {
          call.answer(.notStored("no model is called: it is not known how many tokens are used: \(failure)"))
        } else if case .closed = state {
          call.answer(.closed)
        } else {
          admit(call)
        }
      }
    }
  }

  /// - Returns: notices for people.
  private func install(_ records: [TokenRecord], _ left: [JournalRecord]?) -> [String] {
    var (lastCommit, unknown): (UInt64?, Int) = (nil, 0)
    for record in records {
      guard let text = record.text else { continue }
      if record.key == RecordKey.clock {
        let words = text.split(separator: " ")
        lastCommit = words.first.flatMap { UInt64($0) }.flatMap { Bounds.allows(time: $0) ? $0 : nil }
        disk.isOpen = words.last == "open"
      } else if record.key == RecordKey.gaps {
        disk.gaps = Self.gaps(text)
      } else if record.key.hasPrefix(UseTable.prefix) {
        if !uses.load(key: record.key, text: text) { unknown += 1 }
      } else if let key = RecordKey.meter(record.key), let stored = Self.mark(text),
        Bounds.allows(stored.period, of: key)
      {
        meter(key, at: 0).stored = stored
      } else {
        unknown += 1
      }
    }
    var notices = unknown == 0 ? [] : ["\(unknown) records of used tokens are not understood, and do not count"]
    let exact = left.map { replay($0) }
    let time = clock.start(notBefore: exact?.time ?? lastCommit ?? 0)
    firstEnd = 0
    for meter in meters.values {
      if exact?.meters.contains(ObjectIdentifier(meter)) != true { meter.takeMark(at: time) }
      begin(meter, at: time)
      meter.noteStored()
      let isOver = meter.stored.map { meter.key.window != nil && $0.period < meter.period } ?? false
      if meter.limit == nil, isOver { disk.outdated.append(RecordKey.mark(meter.key)) }
    }
    for key in meters.filter({ $0.value.limit == nil && $0.value.spent == 0 && $0.value.number == nil }).keys {
      meters[key] = nil
    }
    if exact == nil, disk.isOpen, let lastCommit { note(TokenStatistics.Gap(from: lastCommit, to: time)) }
    if exact != nil {
      do throws(SystemError) {
        try compact(at: time)
      } catch {
        journal.remove()
        notices.append(journalProblem(error))
      }
    }
    let now = advance()
    for meter in meters.values { raise(meter, to: meter.reached, at: now) }
    if meters.values.contains(where: \.isMarkedAhead) { disk.mustCommit += 1 }
    // Also for a use above the reservation, whose mark was not written before the end.
    commit()
    return notices
  }

  private func note(_ gap: TokenStatistics.Gap) {
    // A power cut before the next commit: it is the same gap.
    if disk.gaps.last?.from == gap.from { disk.gaps.removeLast() }
    disk.gaps = (disk.gaps + [gap]).suffix(TokenStatistics.gapLimit)
    disk.gapsAreStored = false
  }

  /// Takes over a journal of this boot.
  /// - Returns: its last time, and the meters whose use it knows.
  private func replay(_ records: [JournalRecord]) -> (time: UInt64, meters: Set<ObjectIdentifier>) {
    var time: UInt64 = 0
    var byNumber: [UInt32: Meter] = [:]
    var rows: [UInt32: UseTable.Row] = [:]
    var calls: [UInt64: OpenCall] = [:]
    for record in records {
      switch record {
      case .head(_, let at, _): time = at
      case .meter(let number, let key, let period, let spent):
        let meter = meter(key, at: 0)
        (meter.period, meter.spent, meter.number) = (period, spent, number)
        byNumber[number] = meter
        // The period had begun then.
        time = max(time, period * (key.window ?? 0))
      case .row(let number, let row): rows[number] = uses.restore(row)
      case .reserved(let id, let at, let tokens, let money, let row, let meters):
        time = max(time, at)
        let call = OpenCall(
          TokenCallID(number: id),
          TokenCall(
            accounts: [], tokens: tokens, money: money, agent: rows[row]?.agent ?? "", model: rows[row]?.model ?? ""),
          nil)
        call.meters = meters.compactMap { byNumber[$0] }
        for meter in call.meters { begin(meter, at: at) }
        (call.time, call.row) = (at, rows[row])
        calls[id] = call
      case .sent(let id):
        guard let call = calls[id], underWay[id] == nil else { continue }
        // A journal that was made anew has calls of windows that had ended by then.
        for meter in call.meters where meter.counts(call.time) {
          meter.held += call.amount(meter)
          meter.sent += call.amount(meter)
        }
        underWay[id] = call
      case .done(let id, _), .released(let id):
        guard let call = underWay.removeValue(forKey: id) else { continue }
        _ = charge(call, record)
      }
    }
    // The daemon was killed before it heard how these have ended.
    for call in underWay.values { _ = charge(call, .done(call.id.number, nil)) }
    underWay = [:]
    return (time, Set(byNumber.values.map(ObjectIdentifier.init)))
  }

  private static func mark(_ text: String) -> (period: UInt64, mark: Int64)? {
    let words = text.split(separator: " ")
    guard words.count == 2, let period = UInt64(words[0]), let mark = Int64(words[1]), mark >= 0 else { return nil }
    return (period, min(mark, Bounds.spent))
  }

  private static func gaps(_ text: String) -> [TokenStatistics.Gap] {
    guard let value = try? JSON.decode(Array(text.utf8)[...]), case .list(let list) = value else { return [] }
    return list.compactMap { element in
      guard case .list(let times) = element, times.count == 2, let from = times[0].int, let to = times[1].int else {
        return nil
      }
      return TokenStatistics.Gap(from: UInt64(clamping: from), to: UInt64(clamping: to))
    }
  }
}
