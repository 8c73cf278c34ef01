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

  /// One that runs slice by slice. A function put into an array and taken out again is wrapped each time, and each wrap
  /// is one more call for every slice to come: hence a structure around it.
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

  /// Runs `step` until it is done. The first slice runs at once, unless one is running or others wait.
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
