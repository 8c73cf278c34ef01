import HAL
import KernelTestKit
import Linux
import Model
import OpenStarryAgent

/// From a simulated button to a simulated lamp, through a rule and an agent.
final class Path {
  let stage: AgentStand
  let button: (chip: SimulatedChip, line: String)
  let lamp: (chip: SimulatedChip, line: String)
  /// From each edge's kernel timestamp until the kernel has accepted the output's level, in nanoseconds.
  private(set) var inside: [UInt64] = []
  /// From before the pull of the button changes until after the lamp's level is read, both through sysfs, in nanoseconds.
  private(set) var outside: [UInt64] = []
  /// The same by steps: from each event of the chain to the next.
  private(set) var steps: [(from: String, to: String, times: [UInt64])] = []
  private var presses = 0

  static let rules = """
    rules:
      - on: "input:button"
        action: "wake(follower)"
        mode: parallel
    """

  init(_ board: Board) throws {
    guard let input = board.device("button"), let output = board.device("lamp") else {
      throw Skip("the board file has no devices 'button' and 'lamp'")
    }
    button = try end(of: input, on: board)
    lamp = try end(of: output, on: board)
    try button.chip.pull(button.line, up: false)
    let manifest = Manifest(
      id: "follower", name: "follower",
      runtime: Manifest.Runtime(driver: .inProcess, entry: "follower", lifecycle: .always),
      permissions: Permissions(actuators: [EventPattern("lamp")]))
    stage = try AgentStand(
      board, ["button", "lamp"], agents: [manifest], types: [AgentType("follower", Follower.self)], rules: Self.rules)
  }

  func close() { stage.close() }

  /// Alternately presses and releases the button.
  func run(rounds: Int) throws {
    for round in 1...rounds {
      try step(up: round % 2 == 1)
      stage.stand.turn(for: RingTests.pace)
    }
  }

  /// One edge and all its effects.
  func step(up: Bool) throws {
    let stand = stage.stand
    presses += 1
    let count = stand.events.count
    let start = System.monotonicNanoseconds()
    try button.chip.pull(button.line, up: up)
    var change: Event?
    try stand.wait("the lamp's change number \(presses)") {
      change = stand.events[count...].first { $0.type == "device:changed" }
      return change != nil
    }
    let isHigh = try lamp.chip.isHigh(lamp.line)
    let end = System.monotonicNanoseconds()
    try expect(isHigh, is: up, "the lamp's line after press \(presses)")
    guard let change else { return }
    let chain = stand.log.chain(to: change.id)
    try expect(
      chain.map(\.type), is: ["input:button", "rule:fired", "agent:activated", "device:changed"], "the chain")
    guard let edge = chain[0]["kernel_ns"]?.int else { throw Failure("the edge has no time") }
    inside.append(change.monotonic - UInt64(clamping: edge))
    outside.append(end - start)
    let moments = [("edge", UInt64(clamping: edge))] + chain.map { ($0.type, $0.monotonic) }
    for (index, (earlier, later)) in zip(moments, moments.dropFirst()).enumerated() {
      if index == steps.count { steps.append((earlier.0, later.0, [])) }
      steps[index].times.append(later.1 - earlier.1)
    }
  }
}

/// Sets the lamp to the state of the button.
struct Follower: Agent {
  init() {}

  func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    try context.control("lamp", event["active"] == .bool(true) ? .on : .off)
  }
}

/// Measures the path and prints the distribution of its times.
struct PathBenchmark {
  let board: Board
  let rounds: Int

  func run() throws {
    let path = try Path(board)
    defer { path.close() }
    // Warm up: exclude lazy initialisation from the measurement.
    try path.run(rounds: 20)
    let warm = try Path.Measured(path, rounds: rounds)
    say("edge → rule → in-process agent → output line, \(rounds) times on board '\(board.name)'")
    say("  edge (kernel timestamp) to command carried out: \(LatencyDistribution(warm.inside).text)")
    for bar in LatencyDistribution(warm.inside).bars { say("    \(bar)") }
    say("  of these:")
    for step in warm.steps { say("    \(step.from) → \(step.to): \(LatencyDistribution(step.times).text)") }
    say("  pull written to level seen, both through sysfs: \(LatencyDistribution(warm.outside).text)")
  }
}

extension Path {
  /// The measurements of the last rounds, without the earlier ones.
  struct Measured {
    var inside: [UInt64]
    var outside: [UInt64]
    var steps: [(from: String, to: String, times: [UInt64])]

    init(_ path: Path, rounds: Int) throws {
      let before = path.inside.count
      try path.run(rounds: rounds)
      inside = Array(path.inside[before...])
      outside = Array(path.outside[before...])
      steps = path.steps.map { ($0.from, $0.to, Array($0.times[before...])) }
    }
  }
}
