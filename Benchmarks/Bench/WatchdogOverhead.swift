import Crash
import Linux
import Model

/// What the watchdog costs: noting an activation, and a beat.
struct WatchdogOverhead {
  private let record: CrashRecord
  private let event = Event(id: ULID(high: 1, low: 2), type: "sensor:temperature")

  /// - Parameter folder: where the record is; in the daemon that is memory.
  init(folder: String) throws(SystemError) {
    record = try CrashRecord("\(folder)/crash.record", boot: LoopClock.boot, now: Instant(nanoseconds: 1))
  }

  /// In nanoseconds, with the two looks at the clock that go with it; each the mean of a hundred.
  func activations(_ count: Int) -> [Double] {
    (0..<count / 100).map { _ in
      let begin = System.monotonicNanoseconds()
      for _ in 0..<100 {
        record.begin(.activation, "climate", event: event, at: Instant(nanoseconds: System.monotonicNanoseconds()))
        record.end()
        _ = System.monotonicNanoseconds()
      }
      return Double(System.monotonicNanoseconds() - begin) / 100
    }
  }

  /// In microseconds.
  func beats(_ count: Int) -> [Double] {
    let clock = LoopClock()
    return (0..<count).map { _ in
      let begin = System.monotonicNanoseconds()
      record.beat(at: Instant(nanoseconds: begin), cpu: clock.cpu, delay: clock.delay ?? .zero)
      return Double(System.monotonicNanoseconds() - begin) / 1000
    }
  }
}
