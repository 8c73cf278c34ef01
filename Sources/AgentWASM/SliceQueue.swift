import EventLoop
import Model

/// Shares the loop's thread between guests: a slice at a time, the most urgent first, the others in turn.
///
/// One slice a turn of the loop, so that hardware, timers and clients are served in between.
final class SliceQueue {
  /// What is left after a slice.
  enum Outcome {
    /// More to do.
    case more
    /// Nothing, or nothing until somebody adds it again.
    case done
  }

  private let loop: EventLoop
  private var waiting: [[() -> Outcome]]
  private var isArmed = false
  private var isRunning = false

  init(_ loop: EventLoop) {
    self.loop = loop
    waiting = Priority.allCases.map { _ in [] }
  }

  /// Runs `step` until it is done. The first slice runs at once, unless one is running or others wait.
  func add(_ priority: Priority, _ step: @escaping () -> Outcome) {
    if !isRunning && waiting.allSatisfy(\.isEmpty) && run(step) == .done { return }
    waiting[priority.rawValue].append(step)
    arm()
  }

  private func run(_ step: () -> Outcome) -> Outcome {
    isRunning = true
    defer { isRunning = false }
    return step()
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
    let step = waiting[first].removeFirst()
    if run(step) == .more { waiting[first].append(step) }
    if !waiting.allSatisfy(\.isEmpty) { arm() }
  }
}
