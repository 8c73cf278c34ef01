import CLinux

#if !hasFeature(Embedded)
  import Guardian
#endif

/// One output as the guardian has it. The descriptors are its own.
struct Output {
  let record: GuardianRecord
  let descriptors: [Int32]
  /// What has been done since the daemon died.
  private(set) var outcome = KeptOutput.Outcome.done
  private(set) var errno: Int32 = 0
  /// Who held it when the daemon died, or was overruled.
  var hold: OutputHold?
  /// What ends a lease that the daemon has not ended; nil where the record's steps do.
  private var lapse: [GuardianStep]?
  /// The deadline of the hold that was ended over the daemon's head, for as long as the page says that it is held.
  private(set) var overruled: UInt64?
  /// Whether its steps have not all been tried since that was asked for.
  private(set) var isNew = false
  /// Whether it is to be forgotten when they have.
  var isUnwanted = false
  /// When it is gone on with; nil for never.
  private(set) var due: UInt64?
  /// When its turn is among others: as its slowest step's.
  private(set) var rank: Int
  /// The device node that its transfers go to, and when that had its last turn.
  let bus: UInt64
  var turn: UInt64 = 0
  /// The step that is next, how often it was tried, and what went wrong with those before.
  private var step = 0
  private var attempts = 0
  private var failure: Int32 = 0
  /// How long after a failure it is tried again.
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

  /// Whether it is gone on with now.
  func isDue(_ now: UInt64) -> Bool { due.map { $0 <= now } ?? false }

  /// Closes what belongs to it.
  func close() { for number in descriptors { CLinux.close(number) } }

  /// Takes note of what ends its lease.
  mutating func lapse(_ steps: [GuardianStep]) {
    lapse = steps
    for step in steps where step.rank > rank { rank = step.rank }
  }

  /// Leaves it as it is until `deadline`.
  mutating func keep(until deadline: UInt64) {
    begin(now: deadline)
    outcome = .held
    errno = 0
    isNew = false
  }

  /// Has its steps carried out from now on.
  mutating func begin(now: UInt64) {
    overruled = nil
    // Until it is known better.
    outcome = .failed
    errno = EINPROGRESS
    isNew = true
    due = now
    (step, attempts, failure) = (0, 0, 0)
  }

  /// Makes it safe although the daemon lives, since its lease has run out.
  mutating func overrule(_ hold: OutputHold, now: UInt64) {
    begin(now: now)
    self.hold = hold
    overruled = hold.deadline
  }

  /// The daemon has it in its hands again.
  mutating func giveBack() {
    hold = nil
    overruled = nil
    outcome = .done
    errno = 0
    due = nil
    isNew = false
    pause = Self.shortestPause
  }

  /// Goes on with its steps: carries out all of them, or one transfer where a bus may hang.
  /// - Returns: whether they are through, with `outcome` and perhaps a time when they are tried again.
  mutating func goOn(now: UInt64) -> Bool {
    let steps = overruled == nil ? record.steps : lapse ?? record.steps
    // Each step is tried, whatever became of the one before.
    while step < steps.count {
      let error = Self.carryOut(steps[step].action, on: descriptors[Int(steps[step].descriptor)])
      attempts += 1
      // A chip may miss a transfer, and a signal may come in between.
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
    // What is gone does not come back on these descriptors.
    if errno == 0 {
      pause = Self.shortestPause
    } else if errno != ENODEV {
      due = now + pause
      pause = min(pause * 2, Self.longestPause)
    }
  }

  /// - Returns: 0, or why it failed.
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
      // Nothing to sysfs, whose attributes have no length; a file must not keep the rest of what was longer.
      if result == 0 { _ = ftruncate(descriptor, bytes.count) }
    case .transfer(let address, let bytes):
      // SAFETY: as above.
      result = unsafe bytes.withUnsafeBufferPointer {
        unsafe openstarry_i2c_write_block(descriptor, address, $0.baseAddress, $0.count)
      }
    }
    return result >= 0 ? 0 : openstarry_errno()
  }

  /// `fan: held by agent/climate at 100 % for 3 s; safe`.
  /// - Parameter isOverruled: whether the daemon lives.
  func announce(_ now: UInt64, isOverruled: Bool = false) {
    var line = LineText(record.device, level: outcome == .failed ? 3 : 4)
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
      line.add(due == nil ? "; it has to be opened anew" : "; tried again until it is")
    }
    line.write()
  }
}
