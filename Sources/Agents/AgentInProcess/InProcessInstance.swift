import Agent
import Model
import OpenStarryAgent

/// An instance of an agent that is linked into the program.
final class InProcessInstance: AgentInstance {
  private let id: AgentID
  /// nil during an activation, so that a reentrant call through the host finds the instance busy.
  private var agent: (any OpenStarryAgent.Agent)?
  private var host: (any AgentHost)?
  private let witness: (any CodeWitness)?
  private var isHandling = false
  private var hasEnded = false
  private var waitingForEnd: [() -> Void] = []
  private var meter: ActivationMeter
  private(set) var lastCost: ActivationCost?

  init(
    _ id: AgentID, _ agent: any OpenStarryAgent.Agent, _ host: any AgentHost, _ clock: ActivationClock,
    _ witness: (any CodeWitness)? = nil
  ) {
    meter = ActivationMeter(clock)
    self.witness = witness
    self.id = id
    self.agent = agent
    self.host = host
  }

  var pid: Int32? { nil }

  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    guard !hasEnded, let host, var running = agent.take() else {
      let why = hasEnded ? "it has ended" : "it is handling another event"
      return done(.failure(AgentFailure(.error, "agent '\(id)' cannot take an event: \(why)")))
    }
    isHandling = true
    var context = Context(agent: id.rawValue, host: host)
    let result: Result<Void, AgentFailure>
    witness?.begin(.activation, id, event)
    meter.begin()
    do throws(AgentError) {
      try running.handle(event, &context)
      result = .success(())
    } catch {
      result = .failure(AgentFailure(.error, error.description))
    }
    witness?.end()
    lastCost = meter.end()
    isHandling = false
    if !hasEnded { agent = running }
    done(result)
    tellEnd()
  }

  func snapshot(_ done: @escaping (Value) -> Void) {
    guard let agent else { return done(.map([:])) }
    witness?.begin(.snapshot, id, nil)
    let value = agent.snapshot()
    witness?.end()
    done(value)
  }

  /// Ends immediately, or as soon as the running handler returns: nothing can interrupt it.
  func stop(now: Bool, _ done: @escaping () -> Void) {
    hasEnded = true
    if agent != nil {
      witness?.begin(.end, id, nil)
      agent = nil
      witness?.end()
    }
    host = nil
    waitingForEnd.append(done)
    if !isHandling { tellEnd() }
  }

  private func tellEnd() {
    guard hasEnded else { return }
    let waiting = waitingForEnd
    waitingForEnd = []
    for done in waiting { done() }
  }
}
