import Agent
import Model

/// Checks that bystanders receive every probe event once, and soon enough.
///
/// The distance of a probe is the number of other events that the daemon dispatched before the probe was handled. It
/// does not depend on the speed of the machine.
package final class Answers {
  private struct Probe {
    var published: Instant
    var dispatched: Int
    var life: Int
    var waiting: Set<AgentID>
  }

  /// The maximum distance of 99 % of the probes; `mostEver` is the maximum of all. In a short run with a storm of
  /// events two probes may exceed `most99`.
  static let most99 = 100
  static let mostEver = 2000
  /// The longest time that a bystander waits while the daemon lives, including its own start.
  static let longest = Duration.milliseconds(500)

  private var probes: [Int64: Probe] = [:]
  private var dispatched = 0
  private var life = 0
  /// The distance of each handled probe.
  package private(set) var distances: [Int] = []
  /// The time between the publication and the handling of each probe.
  package private(set) var delays: [Duration] = []
  private var late: [String] = []
  private var isPaused = false

  package init() {}

  func lifeBegins(_ number: Int) {
    life = number
    isPaused = false
  }

  /// Probes that the daemon had not dispatched are lost with it.
  func lifeEnds(_ number: Int) { probes = probes.filter { $0.value.life != number } }

  /// Agents are not woken from now on (true), or are woken again (false).
  func pause(_ isPaused: Bool) {
    self.isPaused = isPaused
    if isPaused { probes = [:] }
  }

  func published(_ event: Event, _ life: Int, _ now: Instant) {
    switch event.type {
    case "probe:tick":
      guard !isPaused, let number = event["n"]?.int else { return }
      probes[number] = Probe(
        published: now, dispatched: dispatched, life: life, waiting: Set(TestAgents.bystanders))
    case "system:emergency_stop": pause(true)
    case "system:emergency_stop_cleared": pause(false)
    default: break
    }
  }

  func oneDispatched() { dispatched += 1 }

  func handled(_ agent: AgentID, _ event: Event, _ life: Int, _ now: Instant) {
    guard event.type == "probe:tick", let number = event["n"]?.int, var probe = probes[number] else { return }
    guard probe.waiting.remove(agent) != nil else { return late.append("\(agent) got probe \(number) twice") }
    distances.append(dispatched - probe.dispatched)
    delays.append(now - probe.published)
    probes[number] = probe.waiting.isEmpty ? nil : probe
  }

  /// Excludes time that the machine slept.
  func slept(_ duration: Duration) {
    probes = probes.mapValues { probe in
      var probe = probe
      probe.published = probe.published + duration
      return probe
    }
  }

  /// Checks all probes at the end of a run, when no event is under way.
  func check(_ invariants: Invariants, at now: Instant) {
    invariants.expect(late.isEmpty, "handled once", at: now, late.first ?? "")
    for (number, probe) in probes.sorted(by: { $0.key < $1.key }) where now - probe.published > Self.longest {
      let who = probe.waiting.sorted().map(\.rawValue).joined(separator: ", ")
      invariants.expect(false, "handled", at: now, "probe \(number) never came to \(who)")
    }
    guard !distances.isEmpty else { return }
    let sorted = distances.sorted()
    let outliers = max(2 * TestAgents.bystanders.count, sorted.count / 100)
    let p99 = sorted.count > outliers ? sorted[sorted.count - 1 - outliers] : 0
    invariants.expect(
      p99 <= Self.most99 && (sorted.last ?? 0) <= Self.mostEver, "latency", at: now,
      "bystanders waited for \(p99) events in 99 of 100 cases, for \(sorted.last ?? 0) at most")
    let longest = delays.max() ?? .zero
    invariants.expect(longest <= Self.longest, "latency", at: now, "a bystander waited for \(longest.text)")
  }
}
