import Document
import Linux
import Model

/// What is known of the records on the disk.
struct DiskState {
  /// Whether the record of the clock says that calls have been charged since the last orderly stop.
  var isOpen = false
  /// Whether a commit is under way.
  var isCommitting = false
  /// More than 0 while no call may be sent before a commit, because the times on the disk are too late.
  var mustCommit = 0
  /// Meters that may have used more than their marks say.
  var indebted: [Meter] = []
  var gaps: [TokenStatistics.Gap] = []
  var gapsAreStored = true
  /// Keys of records that are not needed any more.
  var outdated: [String] = []
  /// Why the disk or the journal cannot be written; nil while they can.
  var problem: String?
  var isProblemOfJournal = false
  var backoff = Backoff(first: .seconds(2), longest: .seconds(60))
}

/// The keys of the records.
enum RecordKey {
  static let clock = "clock"
  static let gaps = "gaps"
  static let mark = "mark."

  static func mark(_ key: Meter.Key) -> String { "\(mark)\(key.unit.rawValue).\(key.window ?? 0).\(key.account)" }

  static func meter(_ text: String) -> Meter.Key? {
    let parts = text.dropFirst(mark.count).split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard text.hasPrefix(mark), parts.count == 3, let unit = UInt8(parts[0]).flatMap(TokenLimit.Unit.init),
      let window = UInt64(parts[1])
    else { return nil }
    return Meter.Key(account: String(parts[2]), unit: unit, window: window == 0 ? nil : window)
  }
}

extension TokenLedger {
  /// A new mark of one meter.
  private struct Target {
    var meter: Meter
    var period: UInt64
    var mark: Int64
    var record: TokenRecord { TokenRecord(key: RecordKey.mark(meter.key), text: "\(period) \(mark)") }
  }

  /// Starts a commit of all marks that calls wait for, if there are any. One commit is under way at a time: those who
  /// come meanwhile share the next.
  func commit() {
    guard case .open = state, !disk.isCommitting else { return }
    let now = advance()
    // A window may have ended, and with it what kept a call waiting.
    let uncovered = waiting.filter { !isCovered($0) }
    disk.indebted.removeAll { $0.spent + $0.sent <= $0.mark }
    if disk.mustCommit > 0 {
      // Marks of windows that have not begun yet would count at each start until then.
      disk.indebted += meters.values.filter(\.isMarkedAhead)
    }
    let targets = targets(uncovered)
    guard !targets.isEmpty || disk.mustCommit > 0 else { return }
    do throws(SystemError) {
      // A meter that the journal does not have has used what its mark says, and that is about to rise.
      try write(meters: targets.map(\.meter), row: nil, at: now) { [] }
    } catch {
      tellProblem(journalProblem(error), ofJournal: true)
      return refuse(uncovered, journalProblem(error))
    }
    let promised = disk.mustCommit
    submit(targets, clock: "\(now) open") { [weak self] failure in
      guard let self else { return }
      if let failure { return retryLater(uncovered, failure) }
      disk.isOpen = true
      disk.mustCommit -= promised
      let now = advance()
      sendCovered(at: now)
      commit()
    }
  }

  private func targets(_ uncovered: [OpenCall]) -> [Target] {
    var (room, order): ([ObjectIdentifier: Int64], [Meter]) = ([:], [])
    func add(_ meter: Meter, _ amount: Int64) {
      let known = room[ObjectIdentifier(meter)]
      if known == nil { order.append(meter) }
      room[ObjectIdentifier(meter)] = max(known ?? 0, amount)
    }
    for call in uncovered {
      for meter in call.meters where meter.spent + meter.sent + call.amount(meter) > meter.mark {
        add(meter, call.amount(meter))
      }
    }
    for meter in disk.indebted { add(meter, 0) }
    return order.map { meter in
      let (limit, need) = (meter.limit ?? 0, meter.spent + meter.held)
      let chunk = max(room[ObjectIdentifier(meter)] ?? 0, limit / 20)
      return Target(meter: meter, period: meter.period, mark: max(need, min(need + chunk, limit)))
    }
  }

  /// Commits marks, and with them whatever else has changed.
  private func submit(_ targets: [Target], clock: String, _ done: @escaping (TokenStorageFailure?) -> Void) {
    let rows = uses.rows.filter(\.isUnstored).map { ($0, $0.use) }
    let removed = disk.outdated + uses.outdated
    // A record that is removed may be one that is made anew.
    var records = removed.map { TokenRecord(key: $0, text: nil) }
    records += [TokenRecord(key: RecordKey.clock, text: clock)] + targets.map(\.record)
    records += rows.map { TokenRecord(key: $0.0.key, text: $0.0.text) }
    let gaps = disk.gaps
    if !disk.gapsAreStored { records.append(TokenRecord(key: RecordKey.gaps, text: Self.text(gaps))) }
    disk.isCommitting = true
    marks.commit(records) { [weak self] result in
      guard let self else { return }
      disk.isCommitting = false
      switch result {
      case .success:
        for target in targets {
          target.meter.stored = (target.period, target.mark)
          target.meter.noteStored()
        }
        for (row, use) in rows { row.stored = use }
        uses.noteRemoved(Set(removed))
        disk.outdated.removeAll { removed.contains($0) }
        disk.gapsAreStored = disk.gaps == gaps
        disk.backoff.reset()
        tellProblem(nil)
        done(nil)
      case .failure(let failure):
        tellProblem("no model is called: the marks of used tokens cannot be stored: \(failure)")
        done(failure)
      }
      if closing != nil, !disk.isCommitting { commitLast() }
    }
  }

  /// Refuses the calls for which a commit has failed, and tries others again.
  private func retryLater(_ uncovered: [OpenCall], _ failure: TokenStorageFailure) {
    refuse(uncovered, "no model is called: the marks of used tokens cannot be stored: \(failure)")
    guard case .open = state else { return }
    if !waiting.isEmpty { commit() }
    disk.indebted.removeAll { $0.spent + $0.sent <= $0.mark }
    guard !disk.isCommitting, retry == nil, !disk.indebted.isEmpty || disk.mustCommit > 0 else { return }
    retry = timekeeper.schedule(after: disk.backoff.next()) { [weak self] in
      self?.retry = nil
      self?.commit()
    }
  }

  private func refuse(_ calls: [OpenCall], _ why: String) {
    let refused = calls.filter { call in waiting.contains { $0 === call } }
    waiting.removeAll { call in refused.contains { $0 === call } }
    for call in refused { giveBack(call) }
    for call in refused { call.answer(.notStored(why)) }
  }

  /// The commit of an orderly stop: the marks become what was used.
  func commitLast() {
    guard let done = closing else { return }
    let now = advance()
    var targets: [Target] = []
    for meter in meters.values {
      let used = meter.spent + meter.sent
      if used == 0, meter.stored.map({ $0.mark == 0 || $0.period != meter.period }) ?? true { continue }
      if let stored = meter.stored, stored == (meter.period, used) { continue }
      targets.append(Target(meter: meter, period: meter.period, mark: used))
    }
    closing = nil
    // A start in this boot must not begin before the time of the last commit.
    if journal.isOpen { try? compact(at: now) }
    guard disk.isOpen || !targets.isEmpty || uses.rows.contains(where: \.isUnstored) else { return done(nil) }
    submit(targets, clock: "\(now) closed") { done($0) }
  }

  static func text(_ gaps: [TokenStatistics.Gap]) -> String {
    JSON.text(.list(gaps.map { .list([.int(Int64(clamping: $0.from)), .int(Int64(clamping: $0.to))]) }))
  }
}
