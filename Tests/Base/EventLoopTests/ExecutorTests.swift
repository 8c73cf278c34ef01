import CLinux
import Linux
import Model
import Testing

@testable import EventLoop

/// An actor on the loop that returns the thread it ran on.
private actor OnLoop {
  private let executor: LoopExecutor
  private var count = 0

  init(_ executor: LoopExecutor) { self.executor = executor }

  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

  func thread() -> pthread_t {
    count += 1
    return pthread_self()
  }

  func total() -> Int { count }
}

@Suite struct ExecutorTests {
  @Test func actorsAndTasksRunOnTheLoopsThread() throws {
    let loop = try EventLoop()
    let here = pthread_self()
    let place = OnLoop(loop.executor)
    var seen: [pthread_t] = []
    var total = 0
    loop.spawn {
      seen.append(pthread_self())
      for _ in 0..<10 { seen.append(await place.thread()) }
      seen.append(pthread_self())
      total = await place.total()
    }
    #expect(seen.isEmpty)
    #expect(loop.turn { total == 10 })
    #expect(seen == Array(repeating: here, count: 12))
  }

  @Test func sleepingTasksInterleave() throws {
    let loop = try EventLoop()
    let here = pthread_self()
    var order: [String] = []
    let start = loop.now
    loop.spawn {
      await loop.sleep(for: .milliseconds(4))
      #expect(pthread_self() == here)
      order.append("second")
    }
    loop.spawn {
      await loop.sleep(for: .milliseconds(1))
      order.append("first")
      await loop.sleep(for: .milliseconds(6))
      order.append("third")
    }
    #expect(loop.turn { order.count == 3 })
    #expect(order == ["first", "second", "third"])
    #expect(loop.now - start >= .milliseconds(7))
  }

  /// A thousand tasks switch between an actor and the loop; none is lost or starved.
  @Test func manyTasksFinish() throws {
    let loop = try EventLoop()
    let place = OnLoop(loop.executor)
    var done = 0
    for _ in 0..<1000 {
      loop.spawn {
        _ = await place.thread()
        await loop.sleep(for: .zero)
        _ = await place.thread()
        done += 1
      }
    }
    #expect(loop.turn { done == 1000 })
  }

  @Test func jobsFromOtherThreadsWakeTheLoop() throws {
    let loop = try EventLoop()
    let here = pthread_self()
    let place = OnLoop(loop.executor)
    let worker = Worker("t-jobs", on: loop) {}
    var threads: [pthread_t] = []
    worker.submit { _ in
    } then: {
      loop.spawn { threads.append(await place.thread()) }
    }
    #expect(loop.turn { threads.count == 1 })
    #expect(threads == [here])
  }
}
