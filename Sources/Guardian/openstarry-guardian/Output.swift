import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Guardian
#endif

/// A guarded output; owns its descriptors.
struct Output {
  let record: GuardianRecord
  let descriptors: [Int32]
  /// The result of its steps since the daemon died or was overruled.
  private(set) var outcome = KeptOutput.Outcome.done
  private(set) var errno: Int32 = 0
  /// The lease at the daemon's death, or the one that was overruled; nil without one.
  var hold: OutputHold?
  /// The steps at the end of an overdue lease; nil uses the record's.
  private var lapse: [GuardianStep]?
  /// The deadline of the overruled lease, until the page shows that it has ended or was renewed; nil otherwise.
  private(set) var overruled: UInt64?
  /// Whether its steps have been requested but not all tried yet.
  private(set) var isNew = false
  /// Whether to forget it once its steps have been tried.
  var isUnwanted = false
  /// When to continue with its steps; nil for never.
  private(set) var due: UInt64?
  /// Its order among outputs, given by its slowest step.
  private(set) var rank: Int
  /// The device number of the bus that its transfers use; 0 for none.
  let bus: UInt64
  /// The number of the last transfer on that bus.
  var turn: UInt64 = 0
  /// The next step, and how often it was tried.
  private var step = 0
  private var attempts = 0
  /// The errno of the latest failed step in this round; 0 for none.
  private var failure: Int32 = 0
  /// The pause before the next retry, in nanoseconds; doubled with each.
  private var pause = Self.shortestPause

  private static let shortestPause: UInt64 = 10_000_000
  private static let longestPause: UInt64 = 10_000_000_000

  init(_ record: GuardianRecord, _ descriptors: [Int32]) {
    self.record = record
    self.descriptors = descriptors
    rank = record.rank
    var node: UInt64 = 0
    for step in record.steps where step.rank == GuardianStep.slowestRank {
      var status = stat()
      // SAFETY: the kernel fills in the structure.
      if unsafe fstat(descriptors[Int(step.descriptor)], &status) == 0 { node = UInt64(status.st_rdev) }
    }
    bus = node
  }

  /// Whether its steps are due.
  func isDue(_ now: UInt64) -> Bool { due.map { $0 <= now } ?? false }

  /// Closes its descriptors.
  func close() { for number in descriptors { CLinux.close(number) } }

  /// Sets the steps at the end of an overdue lease.
  mutating func lapse(_ steps: [GuardianStep]) {
    lapse = steps
    for step in steps where step.rank > rank { rank = step.rank }
  }

  /// Leaves it as it is until `deadline`, then carries out its steps.
  mutating func keep(until deadline: UInt64) {
    begin(now: deadline)
    outcome = .held
    errno = 0
    isNew = false
  }

  /// Requests its steps from `now` on.
  mutating func begin(now: UInt64) {
    overruled = nil
    // The result as long as the steps have not been tried.
    outcome = .failed
    errno = EINPROGRESS
    isNew = true
    due = now
    (step, attempts, failure) = (0, 0, 0)
  }

  /// Requests its steps although the daemon lives, because its lease is overdue.
  mutating func overrule(_ hold: OutputHold, now: UInt64) {
    begin(now: now)
    self.hold = hold
    overruled = hold.deadline
  }

  /// Returns it to the living daemon and drops pending work.
  mutating func giveBack() {
    hold = nil
    overruled = nil
    outcome = .done
    errno = 0
    due = nil
    isNew = false
    pause = Self.shortestPause
  }

  /// Continues with its steps: carries out all of them, or only one attempt if it has transfers, which may hang.
  /// - Returns: whether all steps have been tried; then `outcome` is set, and `due` if they are to be retried.
  mutating func advance(now: UInt64) -> Bool {
    let steps = overruled == nil ? record.steps : lapse ?? record.steps
    // A failed step does not prevent the next ones.
    while step < steps.count {
      let error = Self.carryOut(steps[step].action, on: descriptors[Int(steps[step].descriptor)])
      attempts += 1
      // Up to three attempts: a chip may miss a transfer, or a signal may interrupt it.
      if error == 0 || error == ENODEV || attempts == 3 {
        if error != 0 { failure = error }
        step += 1
        attempts = 0
      }
      if rank == GuardianStep.slowestRank { break }
    }
    guard step >= steps.count else { return false }
    conclude(now)
    return true
  }

  private mutating func conclude(_ now: UInt64) {
    errno = failure
    outcome = errno == 0 ? .done : .failed
    isNew = false
    due = nil
    (step, attempts, failure) = (0, 0, 0)
    // Hardware that has gone does not come back on these descriptors, so it is not retried.
    if errno == 0 {
      pause = Self.shortestPause
    } else if errno != ENODEV {
      due = now + pause
      pause = min(pause * 2, Self.longestPause)
    }
  }

  /// - Returns: 0, or the errno.
  private static func carryOut(_ action: GuardianStep.Action, on descriptor: Int32) -> Int32 {
    var result: Int32
    switch action {
    case .drive(let active): result = openstarry_line_set(descriptor, active)
    case .configure(let flags): result = openstarry_line_configure(descriptor, flags)
    case .write(let bytes):
      // SAFETY: the array is valid for its count during the call.
      result = unsafe bytes.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) == $0.count ? 0 : -1
      }
      // For the plain files of tests, which would keep the rest of a longer text. Attributes of sysfs ignore it.
      if result == 0 { _ = ftruncate(descriptor, bytes.count) }
    case .transfer(let address, let bytes):
      // SAFETY: as above.
      result = unsafe bytes.withUnsafeBufferPointer {
        unsafe openstarry_i2c_write_block(descriptor, address, $0.baseAddress, $0.count)
      }
    }
    return result >= 0 ? 0 : openstarry_errno()
  }

  /// Logs its outcome: `fan: held by agent/climate at 100 % for 3000 ms; safe`.
  /// - Parameter isOverruled: whether the lease of a living daemon was ended.
  func announce(_ now: UInt64, isOverruled: Bool = false) {
    var line = LineText(guardian: record.device, level: outcome == .failed ? 3 : 4)
    line.add(": ")
    if let hold {
      line.add("held by ")
      line.add(hold.holder)
      line.add(" at ")
      line.add(UInt64(hold.level * 100 + 0.5))
      line.add(" % for ")
      line.add((now - min(now, hold.since)) / 1_000_000)
      line.add(" ms; ")
    }
    if isOverruled, let hold {
      line.add("its lease ended ")
      line.add((now - min(now, hold.deadline)) / 1_000_000)
      line.add(" ms ago and the daemon does not answer; ")
    }
    switch outcome {
    case .done: line.add(record.policy == .input && !isOverruled ? "let go" : "safe")
    case .held:
      line.add("left as it is for ")
      line.add(((due ?? now) - now) / 1_000_000)
      line.add(" ms, until its lease ends")
    case .failed:
      line.add("NOT SAFE: ")
      line.add(error: errno)
      line.add(due == nil ? "; it must be reopened" : "; retrying until it is safe")
    }
    line.write()
  }
}
