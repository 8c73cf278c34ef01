import LanguageModel
import Model

/// How many calls are under way at a time: as many as the gateway's program makes. The others wait for their turn, first come,
/// first served.
final class CallSlots {
  private let clock: any Timekeeper
  private var busy = 0
  private var waiting: [(call: UInt64, begin: () -> Void)] = []
  private var isTurnDue = false

  init(_ clock: any Timekeeper) { self.clock = clock }

  /// Begins a call, now or when it is its turn.
  func enter(_ call: UInt64, _ begin: @escaping () -> Void) {
    guard busy < LanguageModelRequest.mostCalls, waiting.isEmpty else { return waiting.append((call, begin)) }
    busy += 1
    begin()
  }

  /// A call that had its turn needs it no longer. Those that wait begin later, when this call has been settled.
  func leave() {
    busy -= 1
    guard !waiting.isEmpty, !isTurnDue else { return }
    isTurnDue = true
    clock.schedule(after: .zero) { [weak self] in self?.beginNext() }
  }

  private func beginNext() {
    isTurnDue = false
    while busy < LanguageModelRequest.mostCalls, !waiting.isEmpty {
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
