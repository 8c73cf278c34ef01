/// How many calls are under way at a time: as many as the gateway's program makes. The others wait for their turn, first come,
/// first served.
final class CallSlots {
  /// What openstarry-model makes at a time.
  static let most = 16

  private var busy = 0
  private var waiting: [(call: UInt64, begin: () -> Void)] = []

  /// Begins a call, now or when it is its turn.
  func enter(_ call: UInt64, _ begin: @escaping () -> Void) {
    guard busy < Self.most, waiting.isEmpty else { return waiting.append((call, begin)) }
    busy += 1
    begin()
  }

  /// A call that had its turn needs it no longer.
  func leave() {
    busy -= 1
    while busy < Self.most, !waiting.isEmpty {
      busy += 1
      waiting.removeFirst().begin()
    }
  }

  /// Takes a call out of the queue.
  /// - Returns: false if it does not wait.
  func giveUp(_ call: UInt64) -> Bool {
    guard let place = waiting.firstIndex(where: { $0.call == call }) else { return false }
    waiting.remove(at: place)
    return true
  }
}
