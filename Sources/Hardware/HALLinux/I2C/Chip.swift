import Chips
import HAL
import Model

/// Identifies one use of a chip. Devices with equal keys share the chip's driver and its last answer.
struct ChipKey: Hashable, Sendable {
  var address: UInt8
  /// The driver's name.
  var driver: String
  /// Distinguishes measurements of one chip, e.g. by the channel of a converter; empty for most chips.
  var variant = ""
}

/// A chip on a bus, on the loop's side. It runs one measurement at a time for all its devices, and leaves the bus free
/// while the chip converts.
///
/// Loop thread only; `submit` runs the transfers on the bus's thread.
final class Chip<Base: I2CTransport> {
  typealias Bus = I2CBus<Base>
  /// Runs a job on the bus's thread and returns its result to the loop.
  typealias Submit = (@escaping @Sendable (inout Bus) -> Step, @escaping (Step) -> Void) -> Void
  typealias Answer = Result<[String: Measurement], HALError.Fault>

  /// The result of one job on the bus's thread.
  struct Step: Sendable {
    var driver: any ChipDriver
    var outcome: Outcome

    enum Outcome: Sendable {
      /// The chip needs this long to convert.
      case waits(Duration)
      /// The conversion is not finished yet.
      case isBusy
      case answered(Answer)
    }
  }

  private struct Request {
    var key: ChipKey
    var quantity: String
    var make: @Sendable () -> any ChipDriver
    var done: (Result<Measurement, HALError.Fault>) -> Void
  }

  /// A measurement that is under way.
  private struct Running {
    var key: ChipKey
    var make: @Sendable () -> any ChipDriver
    var attempt = 1
    /// How often the chip was still busy.
    var polls = 0
    /// The pause before it is polled again.
    var pollPause = Duration.milliseconds(1)
  }

  /// How long an answer serves the chip's other quantities, which fall due in the same turn of the loop.
  private static var freshness: Duration { .milliseconds(10) }
  private static var mostPolls: Int { 10 }

  private let clock: any Timekeeper
  private let submit: Submit
  private var drivers: [ChipKey: any ChipDriver] = [:]
  private var answers: [ChipKey: (answer: Answer, time: Instant)] = [:]
  private var waiting: [Request] = []
  private var running: Running?

  init(clock: any Timekeeper, submit: @escaping Submit) {
    self.clock = clock
    self.submit = submit
  }

  /// Measures one quantity, or takes it from an answer just obtained for another quantity.
  /// - Parameters:
  ///   - make: makes the chip's driver at the first use, and after each fault, because the chip may have lost its
  ///     configuration.
  ///   - done: called once, within this call or later.
  func measure(
    _ key: ChipKey, _ quantity: String, _ make: @escaping @Sendable () -> any ChipDriver,
    _ done: @escaping (Result<Measurement, HALError.Fault>) -> Void
  ) {
    waiting.append(Request(key: key, quantity: quantity, make: make, done: done))
    startNext()
  }

  private func startNext() {
    while running == nil, let next = waiting.first {
      if let (answer, time) = answers[next.key], clock.now - time < Self.freshness {
        waiting.removeFirst()
        next.done(Self.quantity(next.quantity, of: answer))
      } else {
        running = Running(key: next.key, make: next.make)
        start()
      }
    }
  }

  private static func quantity(_ name: String, of answer: Answer) -> Result<Measurement, HALError.Fault> {
    answer.flatMap { quantities in
      quantities[name].map { .success($0) } ?? .failure(.protocolViolation("the chip gave no valid \(name)"))
    }
  }

  private func start() {
    guard let running else { return }
    let driver = drivers[running.key] ?? running.make()
    submit({ bus in Self.begin(driver, &bus) }, { [weak self] in self?.took($0) })
  }

  private func collect(after time: Duration) {
    clock.schedule(after: time) { [weak self] in
      guard let self, let running, let driver = drivers[running.key] else { return }
      submit({ bus in Self.finish(driver, &bus) }, { [weak self] in self?.took($0) })
    }
  }

  /// The first job on the bus's thread; the only one if the chip needs no time to convert.
  private static func begin(_ driver: any ChipDriver, _ bus: inout Bus) -> Step {
    var driver = driver
    do throws(HALError.Fault) {
      let time = try driver.start(&bus)
      if time > .zero { return Step(driver: driver, outcome: .waits(time)) }
    } catch {
      return Step(driver: driver, outcome: .answered(.failure(error)))
    }
    return finish(driver, &bus)
  }

  private static func finish(_ driver: any ChipDriver, _ bus: inout Bus) -> Step {
    var driver = driver
    do throws(HALError.Fault) {
      let quantities = try driver.collect(&bus)
      return Step(driver: driver, outcome: quantities.map { .answered(.success($0)) } ?? .isBusy)
    } catch {
      return Step(driver: driver, outcome: .answered(.failure(error)))
    }
  }

  private func took(_ step: Step) {
    guard var running else { return }
    drivers[running.key] = step.driver
    switch step.outcome {
    case .waits(let time):
      running.pollPause = max(.milliseconds(1), time / 8)
      self.running = running
      collect(after: time)
    case .isBusy:
      running.polls += 1
      self.running = running
      guard running.polls <= Self.mostPolls else {
        return end(running.key, .failure(.protocolViolation("the chip is still busy long after its conversion time")))
      }
      collect(after: running.pollPause)
    case .answered(.failure(.checksum)) where running.attempt < 3:
      self.running = Running(key: running.key, make: running.make, attempt: running.attempt + 1)
      start()
    case .answered(let answer): end(running.key, answer)
    }
  }

  private func end(_ key: ChipKey, _ answer: Answer) {
    if case .failure = answer { drivers[key] = nil }
    answers[key] = (answer, clock.now)
    running = nil
    let served = waiting.filter { $0.key == key }
    waiting.removeAll { $0.key == key }
    for request in served { request.done(Self.quantity(request.quantity, of: answer)) }
    startNext()
  }
}
