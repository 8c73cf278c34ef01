import EventLoop
import Model

/// Schedules guests on the loop's thread: slice by slice, by priority, round-robin within a priority.
///
/// One slice per turn of the loop, so that hardware, timers and clients are served in between.
final class SliceQueue {
  /// The result of a slice.
  enum Outcome {
    /// The guest has more to do.
    case more
    /// The guest is done, or waits until it is added again.
    case done
  }

  /// A queued guest. A structure, because Swift wraps a bare function each time it enters or leaves an array, and every slice
  /// would call through all the wrappers.
  private struct Work {
    let step: () -> Outcome
  }

  private let loop: any Loop
  private var waiting: [[Work]]
  private var isArmed = false
  private var isRunning = false

  init(_ loop: any Loop) {
    self.loop = loop
    waiting = Priority.allCases.map { _ in [] }
  }

  /// Runs `step` until it is done. The first slice runs at once, unless another runs or is queued.
  func add(_ priority: Priority, _ step: @escaping () -> Outcome) {
    let work = Work(step: step)
    if !isRunning && waiting.allSatisfy(\.isEmpty) && run(work) == .done { return }
    waiting[priority.rawValue].append(work)
    arm()
  }

  private func run(_ work: Work) -> Outcome {
    isRunning = true
    defer { isRunning = false }
    return work.step()
  }

  private func arm() {
    guard !isArmed else { return }
    isArmed = true
    loop.schedule(after: .zero) { [self] in
      isArmed = false
      turn()
    }
  }

  private func turn() {
    guard let first = waiting.firstIndex(where: { !$0.isEmpty }) else { return }
    let work = waiting[first].removeFirst()
    if run(work) == .more { waiting[first].append(work) }
    if !waiting.allSatisfy(\.isEmpty) { arm() }
  }
}
