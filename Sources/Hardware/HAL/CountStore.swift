import Model

/// Stores what inputs have counted outside this process.
package protocol CountStore: AnyObject {
  /// Replaces the stored numbers of pulses of some inputs. Called at most once a minute while there are pulses, and when
  /// the gate closes.
  func keep(_ pulses: [DeviceID: UInt64])
}

/// Writes the counts of all inputs together.
final class CountBook {
  /// The shortest time between two writes, and what a power cut loses.
  private static let pause = Duration.seconds(60)

  private let counters: [DeviceID: PulseCounter]
  private let clock: any Timekeeper
  private var store: (any CountStore)?
  private var changed: Set<DeviceID> = []
  private var timer: TimerID?

  init(_ counters: [DeviceID: PulseCounter], _ clock: any Timekeeper) {
    self.counters = counters
    self.clock = clock
    for (id, counter) in counters { counter.onPulse = { [weak self] in self?.note(id) } }
  }

  /// Adds what earlier processes have counted; from now on counts are stored. Nothing is stored before, because it would
  /// replace what is not known yet. Only the first call has an effect.
  func recall(_ earlier: [DeviceID: UInt64], _ store: any CountStore) {
    guard self.store == nil else { return }
    self.store = store
    for (id, counter) in counters {
      if counter.pulses > 0 { note(id) }
      counter.recall(earlier[id] ?? 0)
    }
  }

  private func note(_ id: DeviceID) {
    guard store != nil else { return }
    changed.insert(id)
    guard timer == nil else { return }
    timer = clock.schedule(after: Self.pause) { [weak self] in
      self?.timer = nil
      self?.write()
    }
  }

  private func write() {
    guard let store, !changed.isEmpty else { return }
    var pulses: [DeviceID: UInt64] = [:]
    for id in changed { pulses[id] = counters[id]?.pulses }
    changed = []
    store.keep(pulses)
  }

  /// Writes what has changed. Later pulses are counted, and stored a minute later.
  func close() {
    if let timer { clock.cancel(timer) }
    timer = nil
    write()
  }
}

extension Hardware {
  /// Adds what the inputs of earlier processes have counted, and stores counts from now on. Until then totals begin at
  /// zero, and nothing is stored. Only the first call has an effect.
  /// - Parameters:
  ///   - earlier: the pulses by input; other ids are ignored.
  ///   - store: retained.
  package func recallCounts(_ earlier: [DeviceID: UInt64], store: any CountStore) { counts?.recall(earlier, store) }

  /// - Returns: nil on a board without inputs that count.
  func makeCounts() -> CountBook? {
    var counters: [DeviceID: PulseCounter] = [:]
    for (id, channel) in channels { if case .input(let input) = channel { counters[id] = input.counter } }
    return counters.isEmpty ? nil : CountBook(counters, clock)
  }
}
