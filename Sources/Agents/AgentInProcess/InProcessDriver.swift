import Agent
import Model

/// Runs agents that are linked into the program, on the loop's thread.
///
/// There is no isolation: an agent that hangs or crashes takes the daemon with it. In return an activation costs only a
/// function call, and an instance only the memory of its own properties.
package final class InProcessDriver: AgentDriver {
  private let types: [String: AgentType]
  private let witness: (any CodeWitness)?
  private let clock: ActivationClock

  /// - Parameters:
  ///   - types: the linked agents. Traps when two have the same name.
  ///   - clock: measures activations.
  ///   - witness: observes when an agent's code runs; nil for none.
  package init(types: [AgentType], clock: ActivationClock = .system, witness: (any CodeWitness)? = nil) {
    self.clock = clock
    self.witness = witness
    self.types = Dictionary(types.map { ($0.name, $0) }) { first, _ in
      preconditionFailure("two linked agents are called '\(first.name)'")
    }
  }

  /// The properties of the in-process isolation.
  package static let isolation = Isolation(
    .inProcess, entry: "the name of an agent type that is linked into the daemon", runsOnLoop: true,
    cannotWait: "an in-process agent may not wait for a model: give it the driver 'wasm' or 'process'",
    cannotBeTried: "is in-process: the firmware that it is linked into runs it; start that on a simulated "
      + "board: openstarryd --board Board/greenhouse-sim/board.yaml",
    ineffective: ["network_allow_hosts", "data"], cpu: .afterwards(uninterruptible),
    memory: .notEnforced("in-process agents share the daemon's memory"),
    activation: .afterwards(uninterruptible))

  private static let uninterruptible = "an activation of an in-process agent cannot be interrupted"

  package var isolation: Isolation { Self.isolation }

  /// The valid values of `runtime.entry`, sorted.
  package var entries: [String] { types.keys.sorted() }

  package func validate(_ manifest: Manifest) throws(AgentFailure) { _ = try type(for: manifest) }

  package func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    do throws(AgentFailure) {
      let type = try type(for: manifest)
      witness?.begin(.start, manifest.id, nil)
      let agent = type.make()
      witness?.end()
      done(.success(InProcessInstance(manifest.id, agent, host, clock, witness)))
    } catch {
      done(.failure(error))
    }
  }

  private func type(for manifest: Manifest) throws(AgentFailure) -> AgentType {
    let entry = manifest.runtime.entry
    guard manifest.runtime.driver == kind else {
      throw AgentFailure(.startFailed, "runtime.driver is '\(manifest.runtime.driver.rawValue)', not 'in-process'")
    }
    if let type = types[entry] { return type }
    let known =
      types.isEmpty
      ? "no agent is linked into this daemon" : "linked are \(entries.map { "'\($0)'" }.joined(separator: ", "))"
    throw AgentFailure(
      .startFailed, "no linked agent is called '\(entry)'\(Suggestion.phrase(for: entry, in: types.keys)); \(known)")
  }
}
