import Agent
import AgentInProcess
import Model
import OpenStarryAgent

@testable import AgentTrial

/// A trial of one of the agents below, with its steps.
final class TrialBench {
  private(set) var steps: [TrialStep] = []
  let trial: Trial

  init(_ manifest: Manifest, board: Board? = nil, state: Fields = [:], events: [String] = []) throws {
    var collect: (TrialStep) -> Void = { _ in }
    let board = board ?? TrialBoard.madeUp(for: manifest, events: events, named: [])
    trial = try Trial(manifest, board: board, state: state, onStep: { collect($0) }) { _ in
      InProcessDriver(types: [
        AgentType("fan", FanAgent.self), AgentType("clumsy", ClumsyAgent.self), AgentType("eye", EyeAgent.self),
      ])
    }
    collect = { [unowned self] in steps.append($0) }
  }

  /// The texts of the steps of these kinds, in order.
  func texts(_ kinds: TrialStep.Kind...) -> [String] { steps.filter { kinds.contains($0.kind) }.map(\.text) }

  func step(_ kind: TrialStep.Kind) -> TrialStep? { steps.last { $0.kind == kind } }
}

/// A manifest for one of the agents.
func manifest(
  _ entry: String, sensors: [String] = ["temperature", "door"], actuators: [String] = ["fan"], cameras: [String] = [],
  emit: [String] = ["fan:*"], subscribe: [String] = ["sensor:temperature"], policy: Policy = Policy(),
  budget: Budget = Budget(), lifecycle: Manifest.Lifecycle = .onDemand
) -> Manifest {
  func patterns(_ texts: [String]) -> [EventPattern] { texts.map { EventPattern($0) } }
  return Manifest(
    id: AgentID(entry), name: entry, runtime: .init(driver: .inProcess, entry: entry, lifecycle: lifecycle),
    permissions: Permissions(
      sensors: patterns(sensors), actuators: patterns(actuators), cameras: patterns(cameras), emit: patterns(emit)),
    budget: budget, policy: policy, subscribe: patterns(subscribe))
}

/// Uses every host call.
private struct FanAgent: Agent {
  var count: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    count += 1
    let reading = try context.read("temperature")
    context.log("it is \(reading.value)")
    if reading.value > 30 {
      try context.control("fan", .on, lease: .seconds(60))
      try context.emit("fan:turned", ["on": true])
    } else {
      try context.control("fan", .off)
    }
    try context.setState("count", .int((context.state("count")?.int ?? 0) + 1))
  }

  func snapshot() -> Value { ["count": .int(count)] }
}

/// Calls something that it is not granted, then fails.
private struct ClumsyAgent: Agent {
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    if event.type == "clumsy:rest" { return }
    do { try context.control("pump", .on) } catch {}
    throw AgentError(.failed, "I dropped it")
  }
}

/// Takes pictures.
private struct EyeAgent: Agent {
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    do { _ = try context.frame("cam0", width: 16, height: 12) } catch {}
    do { _ = try context.snapshot("cam0") } catch {}
  }
}
