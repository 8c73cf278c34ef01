import EventLoop
import Model

extension EventLoop {
  /// Turns until `isDone` is true, or a generous timeout.
  package func run(until isDone: () -> Bool) {
    let patience = now + .seconds(60)
    while !isDone(), now < patience { shortTurn() }
  }

  /// Turns until nothing has happened for 20 ms.
  package func settle() {
    var isQuiet = false
    while !isQuiet {
      let before = now
      shortTurn()
      isQuiet = now - before >= .milliseconds(20)
    }
  }

  private func shortTurn() {
    let alarm = schedule(after: .milliseconds(20)) {}
    turn(wait: true)
    cancel(alarm)
  }
}
