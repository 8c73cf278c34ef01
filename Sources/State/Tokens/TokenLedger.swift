import Model

/// What agents may use of models, and what they have used: no token that a model was sent is ever forgotten, whether the
/// daemon is killed or the power fails between any two steps.
///
/// Two places keep it. The **journal**, in a folder in memory, has every call exactly, and survives the end of the
/// daemon. The **marks**, on the disk, are upper bounds of what was sent, for each account and window, and survive a
/// power cut. A mark is committed before what it covers is sent, with some room (a twentieth of the limit), so that most
/// calls write nothing to the disk.
///
/// **Windows are periods of the clock**, multiples of their length since 1970 in UTC (an hour, a day), and not sliding
/// ones as in `BudgetBook`. The mark is one number for all calls of a period, and stays true until the period ends. In a
/// sliding window it would have to say when each part of it was sent: dated at its commit, the part that was sent later
/// would be forgotten too early. The price is that around the end of a period an agent can use twice the limit within
/// one length.
///
/// **The clock may be wrong.** Time goes on with the monotonic clock at least. When the wall clock is set forward, it is
/// followed. When it is set back, that is followed only if it is synchronised, and then the use of the present window
/// goes along, so that a clock that jumps to and fro gives nobody a budget anew. A board without a battery for its clock
/// starts at the time of the last commit at the earliest.
///
/// Calls under way when a window ends count for the window in which they were sent.
///
/// Use it on the loop's thread only.
package final class TokenLedger {
  /// Called for each change of a limit's level, inside the call that caused it, or by a timer at a window's end.
  package var onNotice: (TokenNotice) -> Void = { _ in }
  /// Called when marks or journal cannot be written, once until they can again, and then with nil.
  package var onProblem: (String?) -> Void = { _ in }

  enum State {
    case new, loading, open, closed
    case unread(TokenStorageFailure)
  }

  let boot: String
  let marks: any TokenMarks
  let timekeeper: any Timekeeper
  var state = State.new
  var clock: LedgerClock
  var journal: TokenJournal
  /// The last number that a meter or a row has in the present journal.
  var lastNumber: UInt32 = 0
  /// Whether the journal lacks the end of a call, because it could not be written.
  var isBehind = false
  var meters: [Meter.Key: Meter] = [:]
  /// Before the first end of a meter's present period, or at it; 0 while it is not known.
  var firstEnd: UInt64 = 0
  /// The meters with a limit, by account.
  var limited: [String: [Meter]] = [:]
  var uses = UseTable()
  var lastID: UInt64 = 0
  /// Calls that came before the marks were read.
  var early: [OpenCall] = []
  /// Admitted calls whose marks are not on the disk yet, oldest first.
  var waiting: [OpenCall] = []
  var underWay: [UInt64: OpenCall] = [:]
  var disk = DiskState()
  var alarm: TimerID?
  var retry: TimerID?
  var closing: ((TokenStorageFailure?) -> Void)?

  /// A ledger; nothing is read yet.
  /// - Parameters:
  ///   - folder: where the journal is, in memory (tmpfs), because it is written by the loop; made if missing.
  ///   - boot: the kernel's id of this boot; with an empty one no journal counts as one of this boot.
  ///   - marks: the durable records.
  package init(folder: String, boot: String, marks: any TokenMarks, clock: any Timekeeper) {
    self.boot = boot
    self.marks = marks
    timekeeper = clock
    self.clock = LedgerClock(clock)
    journal = TokenJournal(folder: folder)
  }

  deinit {
    alarm.map(timekeeper.cancel)
    retry.map(timekeeper.cancel)
  }

  /// Reads journal and marks. Calls that were under way when a daemon of this boot ended are charged as reserved. After
  /// another boot, or without an intact journal, the marks count as used.
  /// - Parameter done: called once, later, with warnings for people. When the marks cannot be read, calls are refused,
  ///   and each call tries to read them again.
  package func open(_ done: @escaping (_ notices: [String]) -> Void) {
    guard case .new = state else { return done([]) }
    let left = journal.read(boot: boot)
    // Numbers are given before the marks are read.
    for record in left.records ?? [] { lastID = max(lastID, record.lastID) }
    load(left.records, wasDamaged: left.isDamaged, done)
  }

  /// Sets the limits of an account; without any, it only passes calls. What was used counts as far as a limit with the
  /// same unit and window was there before, also before a restart. May be called before `open`, and at any time.
  package func setLimits(_ limits: TokenLimits, of account: String) {
    let now = advance()
    for meter in limited[account] ?? [] { meter.limit = nil }
    limited[account] =
      limits.isEmpty
      ? nil
      : limits.all.map { limit in
        let meter = meter(Meter.Key(account, limit), at: now)
        meter.limit = limit.amount
        return meter
      }
    guard case .open = state else { return }
    for meter in limited[account] ?? [] {
      lower(meter, at: now)
      raise(meter, to: meter.reached, at: now)
    }
  }

  /// Reserves what a call can use at most, in all of its accounts. Accounts without limits need not be set before.
  /// - Parameter done: called once, inside this call if no mark is needed, otherwise as soon as it is on the disk. After
  ///   success the call counts as sent: hand it over, then `settle` or `release` it. After a refusal nothing was charged.
  ///   Never called after `cancel`.
  /// - Returns: the number for `cancel`; the same as in the success.
  @discardableResult
  package func reserve(
    _ call: TokenCall, _ done: @escaping (Result<TokenCallID, TokenRefusal>) -> Void
  ) -> TokenCallID {
    lastID += 1
    let call = OpenCall(TokenCallID(number: lastID), call, done)
    switch state {
    case .open: admit(call)
    case .loading: early.append(call)
    case .closed: call.answer(.closed)
    case .new: call.answer(.notStored("the ledger of tokens is not open yet"))
    case .unread:
      early.append(call)
      let left = journal.read(boot: boot)
      load(left.records, wasDamaged: left.isDamaged) { _ in }
    }
    return call.id
  }

  /// Gives up a call that still waits for the disk; nothing is charged, and `done` is not called.
  /// - Returns: false when it does not wait: it was answered, or is unknown. Settle it then.
  @discardableResult
  package func cancel(_ id: TokenCallID) -> Bool {
    if let index = early.firstIndex(where: { $0.id == id }) {
      early.remove(at: index)
      return true
    }
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
    giveBack(waiting.remove(at: index))
    return true
  }

  /// Charges what a call has used, and gives the rest of the reservation back. A use above the reservation is charged
  /// as well. Does nothing for a call that has ended.
  /// - Parameter usage: what the server has reported; nil charges what was reserved.
  package func settle(_ id: TokenCallID, _ usage: TokenUsage?) { end(id, .done(id.number, usage)) }

  /// Charges nothing: the model's server has certainly not worked on the call. Does nothing for a call that has ended.
  package func release(_ id: TokenCallID) { end(id, .released(id.number)) }

  /// The limits of an account in the order in which they were set, and their use; empty for an unknown account.
  package func status(of account: String) -> [TokenLimitStatus] {
    let now = advance()
    return (limited[account] ?? []).map { status(of: $0, at: now) }
  }

  /// The accounts that have limits, sorted.
  package var accounts: [String] { limited.keys.sorted() }

  /// What was used by day, agent and model. Calls under way are not in it.
  package var statistics: TokenStatistics {
    var statistics = TokenStatistics()
    statistics.rows = uses.rows.filter { $0.use.calls > 0 }.map(\.value)
    statistics.gaps = disk.gaps
    return statistics
  }

  /// The bytes written to the journal by this ledger.
  package var journalBytes: Int { journal.written }

  /// Lowers the marks to what was used, and stores the statistics, if anything has changed. Calls under way count as
  /// used; settle those whose use is known before. Calls that wait and further ones are refused.
  /// - Parameter done: called once, with the reason if that could not be stored: the marks count then.
  package func close(_ done: @escaping (TokenStorageFailure?) -> Void) {
    let wasOpen = if case .open = state { true } else { false }
    state = .closed
    retry.map(timekeeper.cancel)
    alarm.map(timekeeper.cancel)
    (retry, alarm) = (nil, nil)
    let refused = early + waiting
    for call in waiting { giveBack(call) }
    (early, waiting) = ([], [])
    for call in refused { call.answer(.closed) }
    guard wasOpen else { return done(nil) }
    closing = done
    if !disk.isCommitting { commitLast() }
  }
}
