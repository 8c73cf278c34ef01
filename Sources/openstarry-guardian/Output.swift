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
  var lapse: [GuardianStep]?
  /// The deadline of the hold that was ended over the daemon's head, for as long as the page says that it is held.
  private(set) var overruled: UInt64?
  /// When it is looked at again; nil for never.
  private(set) var due: UInt64?
  /// How long after a failure it is tried again.
  private var pause = Self.shortestPause

  private static let shortestPause: UInt64 = 10_000_000
  private static let longestPause: UInt64 = 10_000_000_000

  init(_ record: GuardianRecord, _ descriptors: [Int32]) {
    self.record = record
    self.descriptors = descriptors
  }

  /// Closes what belongs to it.
  func close() { for number in descriptors { CLinux.close(number) } }

  /// Leaves it as it is until `deadline`.
  mutating func keep(until deadline: UInt64) {
    outcome = .held
    due = deadline
  }

  /// Carries out its steps.
  mutating func act(now: UInt64) { carryOut(record.steps, now) }

  /// Makes it safe although the daemon lives, since its lease has run out.
  mutating func overrule(_ hold: OutputHold, now: UInt64) {
    self.hold = hold
    overruled = hold.deadline
    carryOut(lapse ?? record.steps, now)
  }

  /// The daemon has it in its hands again.
  mutating func giveBack() {
    hold = nil
    overruled = nil
    outcome = .done
    errno = 0
    due = nil
    pause = Self.shortestPause
  }

  private mutating func carryOut(_ steps: [GuardianStep], _ now: UInt64) {
    errno = 0
    // Each step is tried, whatever became of the one before.
    for step in steps {
      let failure = Self.carryOut(step.action, on: descriptors[Int(step.descriptor)])
      if failure != 0 { errno = failure }
    }
    outcome = errno == 0 ? .done : .failed
    due = nil
    // What is gone does not come back on these descriptors.
    if errno == 0 {
      pause = Self.shortestPause
    } else if errno != ENODEV {
      due = now + pause
      pause = min(pause * 2, Self.longestPause)
    }
  }

  private static func carryOut(_ action: GuardianStep.Action, on descriptor: Int32) -> Int32 {
    // A chip may miss a transfer, and a signal may come in between.
    for attempt in 1...3 {
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
      if result >= 0 { return 0 }
      if attempt == 3 || openstarry_errno() == ENODEV { break }
    }
    return openstarry_errno()
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
