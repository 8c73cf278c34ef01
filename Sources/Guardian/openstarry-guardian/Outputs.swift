import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Guardian
#endif

/// All guarded outputs, and the shared page with their leases.
///
/// Work is only marked at first. `advance` carries it out: all that cannot block first, then one bus transfer per call.
struct Outputs {
  private(set) var all: [Output] = []
  private var page: HolderPage?
  /// The number of transfers so far.
  private var turns: UInt64 = 0

  /// Maps the page that the daemon writes, and closes the descriptor. Ignores a file that holds no page.
  mutating func map(_ descriptor: Int32) {
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    // SAFETY: the kernel fills in the structure. The memory stays mapped until the process ends, and its size is
    // sealed, which is checked here.
    guard openstarry_never_shrinks(descriptor), unsafe fstat(descriptor, &status) == 0, status.st_size > 0,
      let base = unsafe openstarry_map_shared(descriptor, Int(status.st_size), false)
    else { return }
    page = unsafe HolderPage(base, bytes: Int(status.st_size))
  }

  /// Adds a record, or replaces the device's earlier one. Takes ownership of the descriptors.
  mutating func protect(_ record: GuardianRecord, _ descriptors: [Int32]) {
    let output = Output(record, descriptors)
    if let index = index(of: record.device) {
      all[index].close()
      all[index] = output
    } else if all.count < GuardianMessage.mostRecords {
      all.append(output)
    } else {
      output.close()
    }
  }

  /// Closes a device's descriptors and forgets it.
  mutating func forget(_ device: [UInt8]) {
    guard let index = index(of: device) else { return }
    all[index].close()
    all.remove(at: index)
  }

  /// Marks the work after the daemon's death, with its time.
  mutating func takeCharge(now: UInt64) {
    for index in all.indices {
      let hold = page?.hold(Int(all[index].record.slot))
      all[index].hold = hold
      switch GuardianVerdict.of(all[index].record.policy, hold, now: now) {
      case .act: all[index].begin(now: now)
      case .keep(let deadline): all[index].keep(until: deadline)
      }
    }
  }

  /// Sets the steps at the end of a device's lease, if they differ from its record's.
  mutating func lapse(_ device: [UInt8], _ steps: [GuardianStep]) {
    guard let index = index(of: device) else { return }
    var record = all[index].record
    record.steps = steps
    if record.isSound(descriptors: all[index].descriptors.count) { all[index].lapse(steps) }
  }

  /// Marks overdue leases of a living daemon, and gives back outputs whose leases it has ended or renewed.
  mutating func overrule(now: UInt64) {
    for index in all.indices where !all[index].record.steps.isEmpty {
      let hold = page?.hold(Int(all[index].record.slot))
      if let hold, LeaseWatch.isOverdue(hold.deadline, now: now) {
        if all[index].overruled != hold.deadline { all[index].overrule(hold, now: now) }
      } else if all[index].overruled != nil {
        all[index].giveBack()
      }
    }
  }

  /// The daemon has written a lease with this deadline. If an output was overruled for an equal deadline, this lease is
  /// a new one.
  mutating func reconsider(_ deadline: UInt64) {
    for index in all.indices where all[index].overruled == deadline { all[index].giveBack() }
  }

  /// The earliest deadline of a lease that has not been overruled; nil when there is none.
  var earliestDeadline: UInt64? {
    var earliest: UInt64?
    for output in all where !output.record.steps.isEmpty {
      guard let hold = page?.hold(Int(output.record.slot)), hold.deadline != output.overruled else { continue }
      earliest = min(earliest ?? hold.deadline, hold.deadline)
    }
    return earliest
  }

  /// When the next work is due; nil for never.
  var due: UInt64? {
    var earliest: UInt64?
    for output in all {
      guard let due = output.due else { continue }
      earliest = min(earliest ?? due, due)
    }
    return earliest
  }

  /// The work finished by one call of `advance`; each result is reported once.
  struct Ended {
    /// Overruled outputs, to report to the daemon.
    var overruled: [OverruledOutput] = []
    /// Discarded devices; `errno` says why one is not safe, 0 if it is.
    var discarded: [(device: [UInt8], errno: Int32)] = []
  }

  /// Carries out the due work: all that cannot block, then at most one transfer, on the bus that has waited longest.
  /// - Parameter isLogged: whether to log each output whose outcome is new or has changed.
  mutating func advance(_ now: UInt64, isLogged: Bool) -> Ended {
    var ended = Ended()
    for rank in 0..<GuardianStep.slowestRank {
      for index in all.indices where all[index].rank == rank && all[index].isDue(now) {
        advance(index, now, isLogged, &ended)
      }
    }
    if let index = nextTransfer(now) {
      turns += 1
      let bus = all[index].bus
      for other in all.indices where all[other].bus == bus { all[other].turn = turns }
      advance(index, now, isLogged, &ended)
    }
    for discarded in ended.discarded { forget(discarded.device) }
    return ended
  }

  private func nextTransfer(_ now: UInt64) -> Int? {
    var next: Int?
    for index in all.indices where all[index].rank == GuardianStep.slowestRank && all[index].isDue(now) {
      guard let best = next else {
        next = index
        continue
      }
      if (all[index].turn, all[index].due ?? 0) < (all[best].turn, all[best].due ?? 0) { next = index }
    }
    return next
  }

  private mutating func advance(_ index: Int, _ now: UInt64, _ isLogged: Bool, _ ended: inout Ended) {
    let (was, isNew) = (all[index].outcome, all[index].isNew)
    guard all[index].advance(now: now) else { return }
    let output = all[index]
    let isOverruled = output.overruled != nil
    if isLogged, !output.isUnwanted, isNew || output.outcome != was { output.announce(now, isOverruled: isOverruled) }
    if isOverruled, isNew, let hold = output.hold {
      ended.overruled.append(OverruledOutput(device: output.record.device, hold: hold, time: now, errno: output.errno))
    }
    if output.isUnwanted { ended.discarded.append((output.record.device, output.errno)) }
  }

  /// Whether an output's steps have not been tried yet.
  var isNew: Bool {
    for output in all where output.isNew { return true }
    return false
  }

  /// Whether an output remains to be discarded.
  var isDiscarding: Bool {
    for output in all where output.isUnwanted { return true }
    return false
  }

  /// Makes every output safe, including held ones, and logs the failures.
  mutating func makeAllSafe() {
    for index in all.indices where all[index].outcome != .done { all[index].begin(now: Companion.monotonicNow()) }
    while isNew { _ = advance(Companion.monotonicNow(), isLogged: false) }
    for output in all where output.outcome == .failed { output.announce(Companion.monotonicNow()) }
  }

  /// Discards a device: makes it safe and forgets it. One that is safe or unknown is done at once, others once their
  /// steps have been tried.
  /// - Returns: whether it is done.
  mutating func discard(_ device: [UInt8]) -> Bool {
    guard let index = index(of: device) else { return true }
    guard all[index].outcome != .done else {
      forget(device)
      return true
    }
    all[index].isUnwanted = true
    all[index].begin(now: Companion.monotonicNow())
    return false
  }

  /// Forgets all outputs except those that remain to be discarded.
  mutating func forgetRest() {
    for output in all where !output.isUnwanted { forget(output.record.device) }
  }

  private func index(of device: [UInt8]) -> Int? {
    for index in all.indices where all[index].record.device == device { return index }
    return nil
  }
}
