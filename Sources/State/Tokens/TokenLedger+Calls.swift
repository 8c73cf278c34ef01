import Linux
import Model

extension TokenLedger {
  // MARK: Time

  /// The ledger's time. All meters are in their present periods then.
  func advance() -> UInt64 {
    let (time, isSetBack) = clock.now()
    if isSetBack { setBack(to: time) }
    beginPeriods(at: time)
    return time
  }

  private func beginPeriods(at time: UInt64) {
    guard case .open = state, time >= firstEnd else { return }
    for meter in meters.values { begin(meter, at: time) }
    firstEnd = meters.values.compactMap(\.end).min() ?? .max
  }

  /// Begins a new period of a meter if the present one has ended. Calls that wait will be sent in the new one.
  func begin(_ meter: Meter, at time: UInt64) {
    let period = meter.key.period(at: time)
    guard period > meter.period else { return }
    meter.begin(period)
    for call in waiting where call.meters.contains(where: { $0 === meter }) { meter.held += call.amount(meter) }
    lower(meter, at: time)
  }

  /// The wall clock was set right, to an earlier time. What was used in the present windows stays in those that now are.
  private func setBack(to time: UInt64) {
    guard case .open = state else { return }
    firstEnd = 0
    // A window that has ended does not come back.
    for call in underWay.values { call.meters.removeAll { !$0.counts(call.time) } }
    var ended: Set<ObjectIdentifier> = []
    for meter in meters.values {
      let period = meter.key.period(at: time)
      if meter.period < period { ended.insert(ObjectIdentifier(meter)) }
      if meter.period > period {
        meter.period = period
        meter.mark = 0
        disk.indebted.append(meter)
      }
      begin(meter, at: time)
      (meter.held, meter.sent) = (0, 0)
    }
    for call in underWay.values {
      call.time = time
      call.meters.removeAll { ended.contains(ObjectIdentifier($0)) }
      for meter in call.meters {
        meter.held += call.amount(meter)
        meter.sent += call.amount(meter)
      }
    }
    for call in waiting { for meter in call.meters { meter.held += call.amount(meter) } }
    // The times in journal and marks are too late now. All meters go into the journal: a mark of an earlier window could
    // be taken for one of the present window, whose number is the same again.
    for meter in meters.values where meter.number == nil { meter.number = 0 }
    do throws(SystemError) { try compact(at: time) } catch { journal.remove() }
    guard disk.isOpen || !meters.isEmpty else { return }
    disk.mustCommit += 1
    commit()
  }

  // MARK: Begin

  func meter(_ key: Meter.Key, at time: UInt64) -> Meter {
    if let meter = meters[key] { return meter }
    let meter = Meter(key)
    meter.period = key.period(at: time)
    meters[key] = meter
    firstEnd = 0
    return meter
  }

  /// Refuses a call, sends it, or lets it wait for its marks.
  func admit(_ call: OpenCall) {
    let now = advance()
    for account in call.call.accounts {
      for meter in limited[account] ?? [] where !call.meters.contains(where: { $0 === meter }) {
        call.meters.append(meter)
      }
    }
    if let shortage = shortage(of: call, at: now) { return call.answer(.overLimit(shortage)) }
    for meter in call.meters { meter.held += call.amount(meter) }
    if isCovered(call) { return send(call, at: now) }
    waiting.append(call)
    commit()
  }

  /// The limit that keeps a call off the longest; nil when it fits into all.
  private func shortage(of call: OpenCall, at time: UInt64) -> TokenShortage? {
    var worst: TokenShortage?
    for meter in call.meters {
      let asked = call.amount(meter)
      guard let limit = meter.limit, asked > 0, meter.spent + meter.held + asked > limit else { continue }
      let next = remaining(meter, at: time)
      let remedy: TokenShortage.Remedy =
        if asked > limit { .never } else if meter.spent + asked <= limit { .callsUnderWay(atLatest: next) } else {
          next.map { .nextWindow($0) } ?? .never
        }
      if asked <= limit, meter.spent + asked > limit { raise(meter, to: .exhausted, at: time) }
      let shortage = TokenShortage(
        account: meter.key.account, limit: meter.limitValue, used: meter.spent, inFlight: meter.held, asked: asked,
        remedy: remedy)
      if worst.map({ shortage.remedy.rank > $0.remedy.rank }) ?? true { worst = shortage }
    }
    return worst
  }

  /// Whether marks on the disk cover a call and all that was sent before.
  func isCovered(_ call: OpenCall) -> Bool {
    disk.mustCommit == 0
      && call.meters.allSatisfy { meter in
        let amount = call.amount(meter)
        return amount == 0 || meter.spent + meter.sent + amount <= meter.mark
      }
  }

  /// Sends all waiting calls that are covered.
  func sendCovered(at time: UInt64) {
    while let index = waiting.firstIndex(where: { isCovered($0) }) { send(waiting.remove(at: index), at: time) }
  }

  private func send(_ call: OpenCall, at time: UInt64) {
    let row = uses.row(day: Int(time / 86_400_000), agent: call.call.agent, model: call.call.model)
    do throws(SystemError) {
      try write(meters: call.meters, row: row, at: time) { [.reserved(call, at: time, row), .sent(call.id.number)] }
    } catch {
      giveBack(call)
      tellProblem(journalProblem(error), ofJournal: true)
      return call.answer(.notStored(journalProblem(error)))
    }
    (call.time, call.row) = (time, row)
    for meter in call.meters { meter.sent += call.amount(meter) }
    underWay[call.id.number] = call
    tellProblem(nil, ofJournal: true)
    call.answer(nil)
  }

  /// Takes back the hold of a call that was not sent.
  func giveBack(_ call: OpenCall) { for meter in call.meters { meter.held -= call.amount(meter) } }

  // MARK: End

  func end(_ id: TokenCallID, _ record: JournalRecord) {
    let now = advance()
    guard let call = underWay.removeValue(forKey: id.number) else { return }
    let hasExcess = charge(call, record)
    do throws(SystemError) {
      try write(meters: [], row: nil, at: now) { [record] }
    } catch {
      isBehind = true
      tellProblem(journalProblem(error), ofJournal: true)
      // The journal says that the call used what was reserved. That must not count when it was more: the marks do then.
      if hasExcess { journal.remove() }
    }
    for meter in call.meters { raise(meter, to: meter.reached, at: now) }
    if hasExcess { commit() }
  }

  /// Counts the end of a call, in memory.
  /// - Returns: whether it has used more than was reserved.
  func charge(_ call: OpenCall, _ record: JournalRecord) -> Bool {
    var hasExcess = false
    for meter in call.meters {
      let reserved = call.amount(meter)
      let used: Int64
      switch record {
      case .done(_, let usage): used = usage?.amount(meter.key.unit) ?? reserved
      default: used = 0
      }
      // What was sent in a window that has ended does not count in the next one.
      guard meter.counts(call.time) else { continue }
      meter.held -= reserved
      meter.sent -= reserved
      meter.spent = min(meter.spent + used, Bounds.spent)
      guard used > reserved else { continue }
      hasExcess = true
      disk.indebted.append(meter)
    }
    if case .done(_, let usage) = record { call.row?.use.add(call.call, usage) }
    return hasExcess
  }
}

extension JournalRecord {
  /// `R` of a call, whose meters and row have numbers.
  static func reserved(_ call: OpenCall, at time: UInt64, _ row: UseTable.Row) -> JournalRecord {
    .reserved(
      call.id.number, time: time, tokens: call.call.tokens, money: call.call.money, row: row.number ?? 0,
      meters: call.meters.compactMap(\.number))
  }
}

extension TokenStatistics.Use {
  /// Counts a call that was charged.
  mutating func add(_ call: TokenCall, _ usage: TokenUsage?) {
    self =
      self
      + TokenStatistics.Use(
        calls: 1, prompt: usage?.prompt ?? 0, completion: usage?.completion ?? 0,
        unreported: usage == nil ? call.tokens : 0, money: usage?.money ?? call.money)
  }
}

extension TokenShortage.Remedy {
  /// Longer waits have higher ones.
  fileprivate var rank: Double {
    switch self {
    case .callsUnderWay: 0
    case .nextWindow(let wait): 1 + wait.seconds
    case .never: .infinity
    }
  }
}
