import Model

extension TokenLedger {
  func status(of meter: Meter, at time: UInt64) -> TokenLimitStatus {
    TokenLimitStatus(
      limit: meter.limitValue, used: meter.spent, inFlight: meter.held, windowEnds: remaining(meter, at: time),
      level: meter.level)
  }

  /// The time until the present window ends; nil for a total.
  func remaining(_ meter: Meter, at time: UInt64) -> Duration? {
    meter.end.map { .milliseconds(Int64(clamping: max($0, time) - time)) }
  }

  /// Raises a level, and reports it.
  func raise(_ meter: Meter, to level: TokenLevel, at time: UInt64) {
    guard meter.limit != nil, level > meter.level else { return }
    meter.level = level
    tell(meter, at: time)
    watch(at: time)
  }

  /// Lowers a level after the use has become less, and reports it.
  func lower(_ meter: Meter, at time: UInt64) {
    let kept = meter.kept
    guard kept < meter.level else { return }
    meter.level = kept
    if meter.limit != nil { tell(meter, at: time) }
  }

  private func tell(_ meter: Meter, at time: UInt64) {
    onNotice(TokenNotice(account: meter.key.account, status: status(of: meter, at: time)))
  }

  /// Waits for the next end of a window in which a level is raised, to report that it is over. At rest nothing waits.
  private func watch(at time: UInt64) {
    alarm.map(timekeeper.cancel)
    alarm = nil
    if case .closed = state { return }
    let raised = meters.values.filter { $0.limit != nil && $0.level > .normal }
    guard let first = raised.compactMap({ remaining($0, at: time) }).min() else { return }
    alarm = timekeeper.schedule(after: max(.milliseconds(1), first)) { [weak self] in
      guard let self else { return }
      alarm = nil
      watch(at: advance())
    }
  }

  /// Reports the first failure of the disk or the journal, and the end of it.
  /// - Parameter problem: nil when that of the two works.
  func tellProblem(_ problem: String?, ofJournal: Bool = false) {
    if problem == nil {
      guard disk.problem != nil, disk.isProblemOfJournal == ofJournal else { return }
    } else if disk.problem != nil {
      return
    }
    (disk.problem, disk.isProblemOfJournal) = (problem, ofJournal)
    onProblem(problem)
  }
}
