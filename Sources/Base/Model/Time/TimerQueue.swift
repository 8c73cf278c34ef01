/// The timers of a timekeeper, by deadline.
///
/// A binary heap. Cancelling releases the action at once and leaves an empty slot; empty slots are skipped, and removed
/// when they make up more than half of a heap of over 64.
package struct TimerQueue {
  private struct Slot {
    var deadline: Instant
    var number: UInt64
    static func < (left: Slot, right: Slot) -> Bool {
      (left.deadline.nanoseconds, left.number) < (right.deadline.nanoseconds, right.number)
    }
  }

  private var heap: [Slot] = []
  private var actions: [UInt64: () -> Void] = [:]
  private var lastNumber: UInt64 = 0

  /// An empty queue.
  package init() {}

  /// The number of waiting timers.
  package var count: Int { actions.count }

  /// The deadline of the first waiting timer; nil when none waits.
  package mutating func nextDeadline() -> Instant? {
    dropCancelled()
    return heap.first?.deadline
  }

  /// Adds a timer. Timers with the same deadline run in the order they were added.
  package mutating func add(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    lastNumber += 1
    actions[lastNumber] = action
    heap.append(Slot(deadline: deadline, number: lastNumber))
    siftUp(heap.count - 1)
    return TimerID(lastNumber)
  }

  /// Cancels a timer; does nothing when it does not wait.
  package mutating func cancel(_ timer: TimerID) {
    guard actions.removeValue(forKey: timer.number) != nil else { return }
    if heap.count > 64 && actions.count < heap.count / 2 {
      let live = heap.filter { actions[$0.number] != nil }
      heap = []
      for slot in live {
        heap.append(slot)
        siftUp(heap.count - 1)
      }
    }
  }

  /// Removes and returns the first timer that is due at `now`; nil when none is.
  package mutating func popDue(at now: Instant) -> (deadline: Instant, action: () -> Void)? {
    dropCancelled()
    guard let first = heap.first, first.deadline <= now else { return nil }
    removeFirst()
    guard let action = actions.removeValue(forKey: first.number) else { return nil }
    return (first.deadline, action)
  }

  private mutating func dropCancelled() {
    while let first = heap.first, actions[first.number] == nil { removeFirst() }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    siftDown(0)
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child] < heap[parent] else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
        least = child
      }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
