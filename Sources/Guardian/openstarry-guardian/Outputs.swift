import CLinux

#if !hasFeature(Embedded)
  import Guardian
#endif

/// All outputs that are guarded, and the page that says who holds them.
///
/// What is to be done is marked first, and then done by `goOn`: what cannot block before everything else, and of what a
/// bus may hold up one transfer at a time.
struct Outputs {
  private(set) var all: [Output] = []
  private var page: HolderPage?
  /// How many transfers there were.
  private var turns: UInt64 = 0

  /// Maps the page that the daemon writes. A descriptor that holds none is closed and forgotten.
  mutating func map(_ descriptor: Int32) {
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    // SAFETY: the kernel fills in the structure. The memory stays mapped until the process ends; its size is sealed by
    // whoever made it, and looked at here.
    guard openstarry_never_shrinks(descriptor), unsafe fstat(descriptor, &status) == 0, status.st_size > 0,
      let base = unsafe openstarry_map_shared(descriptor, Int(status.st_size), false)
    else { return }
    page = unsafe HolderPage(base, bytes: Int(status.st_size))
  }

  /// Keeps a record in place of the device's earlier one. The descriptors are the table's from now on.
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

  /// The daemon has died: marks what is to be done, and when.
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

  /// What ends a device's lease, where its record does not say it.
  mutating func lapse(_ device: [UInt8], _ steps: [GuardianStep]) {
    guard let index = index(of: device) else { return }
    var record = all[index].record
    record.steps = steps
    if record.isSound(descriptors: all[index].descriptors.count) { all[index].lapse(steps) }
  }

  /// The daemon lives: marks what it should have made safe by now, and gives back what it has.
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

  /// The daemon has written a hold with this deadline: what was done about an earlier one says nothing about it.
  mutating func reconsider(_ deadline: UInt64) {
    for index in all.indices where all[index].overruled == deadline { all[index].giveBack() }
  }

  /// The earliest deadline of what is held and has not been overruled; nil when nothing is.
  var earliestDeadline: UInt64? {
    var earliest: UInt64?
    for output in all where !output.record.steps.isEmpty {
      guard let hold = page?.hold(Int(output.record.slot)), hold.deadline != output.overruled else { continue }
      earliest = min(earliest ?? hold.deadline, hold.deadline)
    }
    return earliest
  }

  /// When something is to be done again; nil for never.
  var due: UInt64? {
    var earliest: UInt64?
    for output in all {
      guard let due = output.due else { continue }
      earliest = min(earliest ?? due, due)
    }
    return earliest
  }

  /// What has come to an end in one turn: each once.
  struct Ended {
    /// What was overruled, as the daemon is told.
    var overruled: [OverruledOutput] = []
    /// What was discarded, and why it is not safe; 0 where it is.
    var discarded: [(device: [UInt8], errno: Int32)] = []
  }

  /// Does what is due: all that cannot block, then one transfer at most, to the bus that has waited longest.
  /// - Parameter isTold: whether a line is written for each output that is not as it was.
  mutating func goOn(_ now: UInt64, isTold: Bool) -> Ended {
    var ended = Ended()
    for rank in 0..<GuardianStep.slowestRank {
      for index in all.indices where all[index].rank == rank && all[index].isDue(now) {
        goOn(index, now, isTold, &ended)
      }
    }
    if let index = nextTransfer(now) {
      turns += 1
      let bus = all[index].bus
      for other in all.indices where all[other].bus == bus { all[other].turn = turns }
      goOn(index, now, isTold, &ended)
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

  private mutating func goOn(_ index: Int, _ now: UInt64, _ isTold: Bool, _ ended: inout Ended) {
    let (was, isNew) = (all[index].outcome, all[index].isNew)
    guard all[index].goOn(now: now) else { return }
    let output = all[index]
    let isOverruled = output.overruled != nil
    if isTold, !output.isUnwanted, isNew || output.outcome != was { output.announce(now, isOverruled: isOverruled) }
    if isOverruled, isNew, let hold = output.hold {
      ended.overruled.append(OverruledOutput(device: output.record.device, hold: hold, time: now, errno: output.errno))
    }
    if output.isUnwanted { ended.discarded.append((output.record.device, output.errno)) }
  }

  /// Whether something has not been tried yet since that was asked for.
  var isNew: Bool {
    for output in all where output.isNew { return true }
    return false
  }

  /// Whether something is to be discarded yet.
  var isDiscarding: Bool {
    for output in all where output.isUnwanted { return true }
    return false
  }

  /// Makes everything safe, also what is held, and says what is not.
  mutating func makeAllSafe() {
    for index in all.indices where all[index].outcome != .done { all[index].begin(now: monotonicNow()) }
    while isNew { _ = goOn(monotonicNow(), isTold: false) }
    for output in all where output.outcome == .failed { output.announce(monotonicNow()) }
  }

  /// Has a device made safe and forgotten: at once where it is safe, or nobody knows it, else when it has been tried.
  /// - Returns: whether that has been done.
  mutating func discard(_ device: [UInt8]) -> Bool {
    guard let index = index(of: device) else { return true }
    guard all[index].outcome != .done else {
      forget(device)
      return true
    }
    all[index].isUnwanted = true
    all[index].begin(now: monotonicNow())
    return false
  }

  /// Forgets all but what is to be discarded yet.
  mutating func forgetRest() {
    for output in all where !output.isUnwanted { forget(output.record.device) }
  }

  private func index(of device: [UInt8]) -> Int? {
    for index in all.indices where all[index].record.device == device { return index }
    return nil
  }
}
