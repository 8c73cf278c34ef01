import CLinux
import Glibc
import Linux
import Model
import Testing

@testable import EventLoop

/// Shared by the tests of this folder.
extension EventLoop {
  /// Turns the loop until `isDone` is true, for at most ten seconds.
  /// - Returns: whether `isDone` became true.
  func turn(until isDone: () -> Bool) -> Bool {
    let end = now + .seconds(10)
    // Wakes the loop at the deadline, so that a failing test does not hang.
    let alarm = schedule(at: end) {}
    defer { cancel(alarm) }
    while !isDone() && now < end { turn(wait: true) }
    return isDone()
  }
}

/// Both ends of a pipe.
struct Pipe: ~Copyable {
  let reader: Descriptor
  let writer: Descriptor

  init() throws {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else { throw SystemError("pipe2") }
    reader = Descriptor(owning: ends[0])
    writer = Descriptor(owning: ends[1])
  }
}

@Suite struct EventLoopTests {
  @Test func timersRunInOrder() throws {
    let loop = try EventLoop()
    var order: [Int] = []
    let start = loop.now
    loop.schedule(after: .milliseconds(3)) { order.append(3) }
    loop.schedule(after: .milliseconds(1)) { order.append(1) }
    let cancelled = loop.schedule(after: .milliseconds(2)) { order.append(99) }
    loop.schedule(after: .milliseconds(2)) { order.append(2) }
    loop.cancel(cancelled)
    #expect(loop.turn { order.count == 3 })
    #expect(order == [1, 2, 3])
    #expect(loop.now - start >= .milliseconds(3))
    #expect(loop.turns >= 1)
  }

  @Test func aTurnWithoutWaitingReturnsAtOnce() throws {
    let loop = try EventLoop()
    var ran = false
    loop.schedule(after: .seconds(3600)) { ran = true }
    loop.turn(wait: false)
    #expect(!ran && loop.turns == 1)
  }

  @Test func aTimerRescheduledForThePastDoesNotStarveDescriptors() throws {
    let loop = try EventLoop()
    let pipe = try Pipe()
    var ticks = 0
    var bytes: [UInt8] = []
    let past = Instant(nanoseconds: 1)
    func again() {
      ticks += 1
      if ticks < 1_000_000 { loop.schedule(at: past) { again() } }
    }
    loop.schedule(at: past) { again() }
    try loop.watch(pipe.reader.number, for: .readable) { _ in _ = try? System.read(pipe.reader.number, into: &bytes) }
    try System.writeAll(pipe.writer.number, [7])
    #expect(loop.turn { !bytes.isEmpty })
    #expect(ticks < 100)
  }

  @Test func laterRunsBeforeTheNextWait() throws {
    let loop = try EventLoop()
    var order: [String] = []
    loop.schedule(at: loop.now) {
      loop.later {
        order.append("later")
        loop.later { order.append("later still") }
      }
      order.append("now")
    }
    loop.turn(wait: true)
    #expect(order == ["now", "later", "later still"])
    loop.later { order.append("from outside") }
    loop.turn(wait: false)
    #expect(order.last == "from outside")
  }

  /// An action that always adds another must not starve descriptors.
  @Test func endlessDeferredActionsDoNotStarveDescriptors() throws {
    let loop = try EventLoop()
    let pipe = try Pipe()
    var isReadable = false
    func again() { if !isReadable { loop.later { again() } } }
    again()
    try loop.watch(pipe.reader.number, for: .readable) { _ in isReadable = true }
    try System.writeAll(pipe.writer.number, [1])
    #expect(loop.turn { isReadable })
  }

  @Test func runEndsWithStop() throws {
    let loop = try EventLoop()
    var ticks = 0
    func tick() {
      ticks += 1
      if ticks == 5 { loop.stop() } else { loop.schedule(after: .microseconds(100)) { tick() } }
    }
    tick()
    loop.run()
    #expect(ticks == 5)
    loop.later { loop.stop() }
    loop.run()
  }

  @Test func descriptorsAreWatchedUntilUnwatch() throws {
    let loop = try EventLoop()
    let pipe = try Pipe()
    var seen: [UInt8] = []
    let watch = try loop.watch(pipe.reader.number, for: .readable) { ready in
      #expect(ready.contains(.readable))
      _ = try? System.read(pipe.reader.number, into: &seen, limit: 1)
    }
    try System.writeAll(pipe.writer.number, [1, 2])
    #expect(loop.turn { seen == [1, 2] })
    loop.unwatch(watch)
    loop.unwatch(watch)
    try System.writeAll(pipe.writer.number, [3])
    loop.turn(wait: false)
    #expect(seen == [1, 2])
    #expect(throws: SystemError.self) { try loop.watch(-1, for: .readable) { _ in } }
  }

  @Test func interestChanges() throws {
    let loop = try EventLoop()
    let pipe = try Pipe()
    var isWritable = 0
    let watch = try loop.watch(pipe.writer.number, for: []) { _ in isWritable += 1 }
    loop.turn(wait: false)
    #expect(isWritable == 0)
    try loop.change(watch, to: .writable)
    loop.turn(wait: false)
    #expect(isWritable == 1)
    try loop.change(watch, to: [])
    loop.turn(wait: false)
    #expect(isWritable == 1)
  }

  @Test func hangUpIsReported() throws {
    let loop = try EventLoop()
    let pipe = try Pipe()
    var ready: Readiness = []
    let number = pipe.reader.number
    try loop.watch(number, for: .readable) { ready = $0 }
    let reader = try Descriptor(checking: dup(number), "dup")
    _ = consume pipe
    // The watched descriptor is closed, but its duplicate keeps the pipe's end, and so the watch, alive.
    #expect(loop.turn { ready.contains(.hangUp) })
    _ = consume reader
  }

  /// Both pipes are ready in the same turn; the first handler removes both watches.
  @Test func unwatchInsideAHandler() throws {
    let loop = try EventLoop()
    let first = try Pipe()
    let second = try Pipe()
    var watches: [WatchID] = []
    var calls = 0
    for number in [first.reader.number, second.reader.number] {
      watches.append(
        try loop.watch(number, for: .readable) { _ in
          calls += 1
          for watch in watches { loop.unwatch(watch) }
        })
    }
    try System.writeAll(first.writer.number, [1])
    try System.writeAll(second.writer.number, [1])
    loop.turn(wait: true)
    loop.turn(wait: false)
    #expect(calls == 1)
  }

  @Test func aLoopReleasesItsHandlers() throws {
    final class Token {}
    weak var token: Token?
    do {
      let loop = try EventLoop()
      let held = Token()
      token = held
      let pipe = try Pipe()
      try loop.watch(pipe.reader.number, for: .readable) { _ in _ = held }
      loop.schedule(after: .seconds(99)) { _ = held }
      loop.later { _ = held }
    }
    #expect(token == nil)
  }
}
