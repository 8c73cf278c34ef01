import Agent
import EventLoop
import Model

/// Wraps a driver and records its instances' starts, events, calls, results and costs on a tape.
final class RecordedDriver: AgentDriver {
  private let real: any AgentDriver
  private let tape: Tape
  private let time: any Timekeeper

  /// - Parameter time: real time; measures starts and activations.
  init(_ real: any AgentDriver, _ tape: Tape, time: any Timekeeper) {
    self.real = real
    self.tape = tape
    self.time = time
  }

  var isolation: Isolation { real.isolation }

  func validate(_ manifest: Manifest) throws(AgentFailure) { try real.validate(manifest) }

  func cancelStart(of agent: AgentID) { real.cancelStart(of: agent) }

  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    let began = time.now
    var instance: RecordedInstance?
    let recorded = { (end: AgentEnd) in
      instance?.ended(end)
      instance = nil
      ended(end)
    }
    real.start(manifest, host: RecordedHost(host, tape), ended: recorded) { [tape, time] result in
      if case .failure(let failure) = result {
        tape.started(failure, in: time.now - began)
      } else {
        tape.started(nil, in: time.now - began)
      }
      done(
        result.map {
          let made = RecordedInstance($0, tape, time)
          instance = made
          return made
        })
    }
  }
}

/// Wraps an instance and records its activations.
private final class RecordedInstance: AgentInstance {
  private let real: any AgentInstance
  private let tape: Tape
  private let time: any Timekeeper
  /// When the running activation began; nil between two.
  private var began: Instant?

  init(_ real: any AgentInstance, _ tape: Tape, _ time: any Timekeeper) {
    self.real = real
    self.tape = tape
    self.time = time
  }

  var pid: Int32? { real.pid }
  var lastCost: ActivationCost? { real.lastCost }

  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    tape.begin(event)
    let began = time.now
    self.began = began
    real.activate(event) { [self] result in
      let took = time.now - began
      self.began = nil
      if case .failure(let failure) = result {
        tape.end(failure, real.lastCost, in: took)
      } else {
        tape.end(nil, real.lastCost, in: took)
      }
      done(result)
    }
  }

  /// The instance has ended by itself: if it was handling an event, that is its result.
  func ended(_ end: AgentEnd) {
    guard let began = began.take(), !end.leavesEvent else { return }
    tape.end(end.failure, real.lastCost, in: time.now - began)
  }

  func snapshot(_ done: @escaping (Value) -> Void) { real.snapshot(done) }

  func stop(now: Bool, _ done: @escaping () -> Void) { real.stop(now: now, done) }
}
