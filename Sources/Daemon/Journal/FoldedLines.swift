import Model

/// Writes lines. Repeated lines are counted instead, and the counts written when they are due.
final class FoldedLines {
  private var fold: LineFold
  private let write: (LogLevel, String) -> Void
  private var clock: (any Timekeeper)?
  private var timer: TimerID?

  /// - Parameters:
  ///   - burst: how many equal lines are written before further ones are counted.
  ///   - write: writes a line.
  init(burst: Int = 1, _ write: @escaping (LogLevel, String) -> Void) {
    fold = LineFold(burst: burst)
    self.write = write
  }

  /// Starts to count repetitions. Until then every line is written.
  func begin(by clock: any Timekeeper) { self.clock = clock }

  /// Writes a line, or counts it when equal ones were written recently.
  func add(_ line: LineFold.Line, _ text: String) {
    guard let clock else { return write(line.level, text) }
    if fold.admit(line, text, at: clock.now) { return write(line.level, text) }
    waitForCounts()
  }

  /// Writes all counts that are left. No line may be added afterwards.
  func close() { tellCounts(all: true) }

  private func waitForCounts() {
    guard timer == nil, let clock, let due = fold.due else { return }
    timer = clock.schedule(at: due) { [weak self] in
      self?.timer = nil
      self?.tellCounts()
    }
  }

  private func tellCounts(all: Bool = false) {
    guard let clock else { return }
    for (level, text) in fold.counts(at: clock.now, all: all) { write(level, text) }
    waitForCounts()
  }
}
