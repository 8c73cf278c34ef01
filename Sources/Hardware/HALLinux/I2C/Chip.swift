import Chips
import HAL
import Model

/// Names one use of a chip. Devices that agree in all of it share the chip's driver and its last answer.
struct ChipKey: Hashable, Sendable {
  var address: UInt8
  /// The driver's name.
  var driver: String
  /// What makes two uses of one chip different measurements, e.g. the channel of a converter; empty for most.
  var variant = ""
}

/// A chip on a bus as the loop has it: one measurement at a time, whoever asks for what, and the bus is free for others
/// while the chip measures.
///
/// Loop thread only; the transfers happen where `submit` takes them.
final class Chip<Base: I2CTransport> {
  typealias Bus = I2CBus<Base>
  /// Does something on the bus's thread, and comes back with what it gave.
  typealias Submit = (@escaping @Sendable (inout Bus) -> Step, @escaping (Step) -> Void) -> Void
  typealias Answer = Result<[String: Measurement], HALError.Fault>

  /// Where one turn on the bus has left a measurement.
  struct Step: Sendable {
    var driver: any ChipDriver
    var outcome: Outcome

    enum Outcome: Sendable {
      /// The chip needs so long.
      case waits(Duration)
      /// It was asked too early.
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
    /// How often it was asked too early, and how long it waits before it asks again.
    var polls = 0
    var pollPause = Duration.milliseconds(1)
  }

  /// How long an answer serves the other quantities of its chip: they fall due in the same turn of the loop.
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

  /// Measures one quantity, or takes it from the answer that another quantity has just had.
  /// - Parameters:
  ///   - make: makes the chip's driver when there is none yet, and after each fault: a chip that failed may have lost
  ///     its configuration.
  ///   - done: called once, now or later.
  func measure(
    _ key: ChipKey, _ quantity: String, _ make: @escaping @Sendable () -> any ChipDriver,
    _ done: @escaping (Result<Measurement, HALError.Fault>) -> Void
  ) {
    waiting.append(Request(key: key, quantity: quantity, make: make, done: done))
    goOn()
  }

  private func goOn() {
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

  /// What the bus's thread does at the beginning: all of it where the chip needs no time.
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
        return end(running.key, .failure(.protocolViolation("the chip has been measuring for too long")))
      }
      collect(after: running.pollPause)
    case .answered(.failure(.checksum)) where running.attempt < 3:
      // What was read does not add up: measured again.
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
    goOn()
  }
}
