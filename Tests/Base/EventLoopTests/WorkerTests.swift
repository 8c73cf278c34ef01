import CLinux
import Linux
import Model
import Synchronization
import Testing

@testable import EventLoop

@Suite struct WorkerTests {
  /// The number of this process's threads named `name` (/proc/self/task); the test runner has threads of its own.
  private func threads(_ name: String) throws -> Int {
    try Files.names(in: "/proc/self/task").count { task in
      guard let comm = try? Files.read("/proc/self/task/\(task)/comm") else { return false }
      return String(decoding: comm, as: UTF8.self) == "\(name)\n"
    }
  }

  @Test func resultsComeBackInOrderOnTheLoop() throws {
    let loop = try EventLoop()
    let worker = Worker("t-order", on: loop) { [Int]() }
    let here = pthread_self()
    var results: [Int] = []
    // Blocks the thread until all jobs are queued.
    let gate = Gate()
    worker.submit { _ in
      gate.wait()
    } then: {
    }
    for number in 0..<50 {
      worker.submit { state -> (count: Int, thread: pthread_t) in
        state.append(number)
        return (state.count, pthread_self())
      } then: { result in
        #expect(pthread_self() == here)
        #expect(result.thread != here)
        results.append(result.count)
      }
    }
    #expect(worker.pending == 51)
    gate.open()
    #expect(loop.turn { results.count == 50 })
    #expect(results == Array(1...50))
  }

  @Test func urgentJobsGoFirstAndInOrder() throws {
    let loop = try EventLoop()
    let worker = Worker("t-urgent", on: loop) { [String]() }
    let gate = Gate()
    worker.submit { _ in
      gate.wait()
    } then: {
    }
    #expect(try turn(loop) { loop.workerStatus().first?.busySince != nil })
    var order: [String] = []
    for (name, urgent) in [("read 1", false), ("off 1", true), ("read 2", false), ("off 2", true)] {
      worker.submit(urgent: urgent) { state in
        state.append(name)
        return state
      } then: {
        order = $0
      }
    }
    #expect(worker.pending == 5)
    gate.open()
    #expect(loop.turn { order.count == 4 })
    #expect(order == ["off 1", "off 2", "read 1", "read 2"])
  }

  @Test func workersReportTheirStatus() throws {
    let loop = try EventLoop()
    var asked = 0
    loop.onWork = { asked += 1 }
    #expect(loop.workerStatus().isEmpty)
    do {
      let worker = Worker("t-seen", on: loop, idle: .milliseconds(1)) { 0 }
      #expect(loop.workerStatus() == [WorkerStatus(name: "t-seen", pending: 0, busySince: nil, isVital: false)])
      worker.makeVital()
      let gate = Gate()
      let before = loop.now
      var isDone = false
      worker.submit { _ in
        gate.wait()
      } then: {
        isDone = true
      }
      #expect(asked == 1)
      #expect(try turn(loop) { loop.workerStatus().first?.busySince != nil })
      let status = loop.workerStatus().first
      #expect(status?.isVital == true && status?.pending == 1)
      #expect(status?.busySince.map { $0 >= before && $0 <= loop.now } == true)
      gate.open()
      #expect(loop.turn { isDone })
      #expect(try turn(loop) { loop.workerStatus().first?.busySince == nil })
    }
    #expect(try turn(loop) { loop.workerStatus().isEmpty }, "a worker that is gone is not seen")
  }

  @Test func theThreadEndsWhenIdleAndComesBackWithItsState() throws {
    let loop = try EventLoop()
    let made = Mutex(0)
    let worker = Worker("t-idle", on: loop, idle: .milliseconds(5)) {
      made.withLock { $0 += 1 }
      return 0
    }
    #expect(try threads("t-idle") == 0)
    for round in 1...3 {
      var result = 0
      var during = 0
      worker.submit { state in
        state += 1
        return state
      } then: {
        result = $0
      }
      #expect(loop.turn { result == round })
      during = try threads("t-idle")
      #expect(during <= 1)
      #expect(try turn(loop) { try threads("t-idle") == 0 })
      #expect(worker.pending == 0)
    }
    #expect(made.withLock { $0 } == 1)
  }

  /// Turns the loop until `isDone` is true. Polls every millisecond, as the end of a thread does not wake the loop.
  private func turn(_ loop: EventLoop, until isDone: () throws -> Bool) throws -> Bool {
    let end = loop.now + .seconds(10)
    while try !isDone() && loop.now < end {
      loop.schedule(after: .milliseconds(1)) {}
      loop.turn(wait: true)
    }
    return try isDone()
  }

  @Test func workersDoNotWaitForEachOther() throws {
    let loop = try EventLoop()
    let gate = Mutex(false)
    let slow = Worker("t-slow", on: loop) {}
    let quick = Worker("t-quick", on: loop) {}
    var order: [String] = []
    slow.submit { _ in
      while !gate.withLock({ $0 }) { sched_yield() }
    } then: {
      order.append("slow")
    }
    quick.submit { _ in
    } then: {
      order.append("quick")
      gate.withLock { $0 = true }
    }
    #expect(loop.turn { order.count == 2 })
    #expect(order == ["quick", "slow"])
  }

  @Test func nonSendableStateStaysOnItsThread() throws {
    final class Tally { var count = 0 }
    let loop = try EventLoop()
    let worker = Worker("t-class", on: loop) { Tally() }
    var count = 0
    for _ in 0..<1000 {
      worker.submit { tally in
        tally.count += 1
        return tally.count
      } then: {
        count = $0
      }
    }
    #expect(loop.turn { count == 1000 })
  }

  @Test func anEndlessIdleTimeIsAllowed() throws {
    let loop = try EventLoop()
    let worker = Worker("t-forever", on: loop, idle: .seconds(Int64.max)) { 1 }
    var result = 0
    worker.submit {
      $0
    } then: {
      result = $0
    }
    #expect(loop.turn { result == 1 })
  }
}

/// Blocks a thread until it is opened.
private final class Gate: Sendable {
  private let isOpen = Mutex(false)

  func open() { isOpen.withLock { $0 = true } }
  func wait() { while !isOpen.withLock({ $0 }) { Pause.wait(nanoseconds: 1_000_000) } }
}
