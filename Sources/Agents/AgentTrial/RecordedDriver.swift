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

  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    let began = time.now
    real.start(manifest, host: RecordedHost(host, tape), ended: ended) { [tape, time] result in
      if case .failure(let failure) = result {
        tape.started(failure, in: time.now - began)
      } else {
        tape.started(nil, in: time.now - began)
      }
      done(result.map { RecordedInstance($0, tape, time) })
    }
  }
}

/// Wraps an instance and records its activations.
private final class RecordedInstance: AgentInstance {
  private let real: any AgentInstance
  private let tape: Tape
  private let time: any Timekeeper

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
    real.activate(event) { [self] result in
      let took = time.now - began
      if case .failure(let failure) = result {
        tape.end(failure, real.lastCost, in: took)
      } else {
        tape.end(nil, real.lastCost, in: took)
      }
      done(result)
    }
  }

  func snapshot(_ done: @escaping (Value) -> Void) { real.snapshot(done) }

  func stop(now: Bool, _ done: @escaping () -> Void) { real.stop(now: now, done) }
}
