import Crash
import Linux
import Model

/// The costs of the watchdog: recording an activation, and a beat.
struct WatchdogOverhead {
  private let record: CrashRecord
  private let event = Event(id: ULID(high: 1, low: 2), type: "sensor:temperature")

  /// - Parameter folder: the folder of the crash record; the daemon's is in memory.
  init(folder: String) throws(SystemError) {
    record = try CrashRecord("\(folder)/crash.record", boot: System.bootID(), now: Instant(nanoseconds: 1))
  }

  /// The cost of recording an activation, with its two reads of the clock, in nanoseconds; each sample is the mean of a
  /// hundred.
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

  /// The cost of a beat, in microseconds.
  func beats(_ count: Int) -> [Double] {
    let clock = LoopClock()
    return (0..<count).map { _ in
      let begin = System.monotonicNanoseconds()
      record.beat(at: Instant(nanoseconds: begin), cpu: clock.cpu, delay: clock.delay ?? .zero)
      return Double(System.monotonicNanoseconds() - begin) / 1000
    }
  }
}
