import Agent
import Model

/// How soon bystanders get to see what is for them, and whether anything got lost on the way.
///
/// Distance is counted in events that the daemon handed on meanwhile: what a slower machine would wait for, too.
public final class Answers {
  private struct Probe {
    var published: Instant
    var dispatched: Int
    var life: Int
    var waiting: Set<AgentID>
  }

  /// No more events than that are handed on before a bystander is, in 99 of 100 cases; and never more than `mostEver`.
  /// A short run may have met one storm: two probes may wait longer.
  static let most99 = 100
  static let mostEver = 2000
  /// The longest that a bystander waits while the daemon lives: its own start, and a start after a crash.
  static let longest = Duration.milliseconds(500)

  private var probes: [Int64: Probe] = [:]
  private var dispatched = 0
  private var life = 0
  /// Events handed on between each probe and its handling.
  public private(set) var distances: [Int] = []
  /// Time between the same.
  public private(set) var delays: [Duration] = []
  private var late: [String] = []
  private var isPaused = false

  public init() {}

  func lifeBegins(_ number: Int) {
    life = number
    isPaused = false
  }

  /// What it had not handed on is gone with it.
  func lifeEnds(_ number: Int) { probes = probes.filter { $0.value.life != number } }

  /// Nobody is woken from now on, or again.
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

  /// What the daemon was asleep for does not count.
  func slept(_ duration: Duration) {
    probes = probes.mapValues { probe in
      var probe = probe
      probe.published = probe.published + duration
      return probe
    }
  }

  /// Looks at everything; at the end of a run, when nothing is under way.
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
