import CLinux

#if !hasFeature(Embedded)
  import Guardian
#endif

/// All outputs that are guarded, and the page that says who holds them.
struct Outputs {
  private(set) var all: [Output] = []
  private var page: HolderPage?

  /// Maps the page that the daemon writes. A descriptor that holds none is closed and forgotten.
  mutating func map(_ descriptor: Int32) {
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    // SAFETY: the kernel fills in the structure. The memory stays mapped until the process ends; its size is sealed by
    // whoever made it, and looked at here.
    guard unsafe fstat(descriptor, &status) == 0, status.st_size > 0,
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

  /// The daemon has died: what is quick comes first, a bus that hangs keeps nobody else waiting.
  /// - Parameter isRehearsal: touches the code and the memory and nothing else.
  mutating func settleAll(now: UInt64, isRehearsal: Bool) {
    for rank in 0...2 {
      for index in all.indices where all[index].record.rank == rank && !isRehearsal {
        all[index].hold = page?.hold(Int(all[index].record.slot))
        switch GuardianVerdict.of(all[index].record.policy, all[index].hold, now: now) {
        case .act: all[index].act(now: now)
        case .keep(let deadline): all[index].keep(until: deadline)
        }
      }
    }
  }

  /// What ends a device's lease, where its record does not say it.
  mutating func lapse(_ device: [UInt8], _ steps: [GuardianStep]) {
    guard let index = index(of: device) else { return }
    var record = all[index].record
    record.steps = steps
    if record.isSound(descriptors: all[index].descriptors.count) { all[index].lapse = steps }
  }

  /// The daemon lives: makes safe what it should have made safe by now.
  /// - Returns: what that was, each once.
  mutating func overrule() -> [OverruledOutput] {
    var overruled: [OverruledOutput] = []
    for rank in 0...2 {
      for index in all.indices where all[index].record.rank == rank && !all[index].record.steps.isEmpty {
        // Looked at right before something is done: the daemon may be awake again.
        let hold = page?.hold(Int(all[index].record.slot))
        let now = monotonicNow()
        guard let hold, LeaseWatch.isOverdue(hold.deadline, now: now) else {
          if all[index].overruled != nil { all[index].giveBack() }
          continue
        }
        let isNew = all[index].overruled != hold.deadline
        guard isNew || all[index].due ?? .max <= now else { continue }
        let was = all[index].outcome
        all[index].overrule(hold, now: now)
        if isNew || all[index].outcome != was { all[index].announce(now, isOverruled: true) }
        guard isNew else { continue }
        overruled.append(
          OverruledOutput(device: all[index].record.device, hold: hold, time: now, errno: all[index].errno))
      }
    }
    return overruled
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

  /// Whether that is now.
  func isDue(_ now: UInt64) -> Bool { due.map { $0 <= now } ?? false }

  /// Does what is due: leases that have ended, steps that failed before.
  mutating func settleDue(_ now: UInt64) {
    for index in all.indices {
      guard let due = all[index].due, due <= now else { continue }
      let was = all[index].outcome
      all[index].act(now: now)
      if all[index].outcome != was { all[index].announce(now) }
    }
  }

  /// Makes everything safe, also what is held, and says what is not.
  mutating func makeAllSafe() {
    for index in all.indices where all[index].outcome != .done {
      all[index].act(now: monotonicNow())
      if all[index].outcome == .failed { all[index].announce(monotonicNow()) }
    }
  }

  /// Makes a device safe, unless it is, and forgets it.
  /// - Returns: why it is not safe; 0 when it is, or nobody knows it.
  mutating func discard(_ device: [UInt8]) -> Int32 {
    guard let index = index(of: device) else { return 0 }
    if all[index].outcome != .done { all[index].act(now: monotonicNow()) }
    let errno = all[index].errno
    forget(device)
    return errno
  }

  private func index(of device: [UInt8]) -> Int? {
    for index in all.indices where all[index].record.device == device { return index }
    return nil
  }
}
