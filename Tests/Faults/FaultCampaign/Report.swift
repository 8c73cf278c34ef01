import FaultKit
import Glibc
import Linux
import Model

/// Runs the campaign and prints its results.
final class Report {
  private let folders: Folders
  private let options: Options
  private let engine: GuestEngine?
  /// Why WASM agents are missing; empty when they are not.
  private let noEngine: String
  private var guestEnds: [String: Int] = [:]
  private var kinds: [Fault.Kind: Int] = [:]
  private var pairs = 0
  private var checks = 0
  private var lives = 0
  private var diskCalls = 0
  private var diskRefusals = 0
  /// A histogram: the number of probes by the number of other events before their handling.
  private var distances: [Int: Int] = [:]
  /// The memory in bytes after `settling` runs.
  private var settled: (runs: Int, memory: Int)?
  private var failing: [UInt64] = []

  init(_ folders: Folders, _ options: Options) {
    self.folders = folders
    self.options = options
    do {
      engine = try GuestEngine(folder: folders.guests)
      noEngine = ""
    } catch {
      engine = nil
      noEngine = "\(error)"
      print("no agents that are WebAssembly modules: \(error)")
    }
  }

  private func run(_ plan: Plan, trace: ((String) -> Void)? = nil) -> RunResult {
    Campaign.run(plan, folders, engine, trace: trace)
  }

  /// - Returns: whether no violation was found.
  func run() -> Bool {
    // Compile the modules in a run without faults, so that the other runs do not depend on it.
    if engine != nil {
      var quiet = Plan(seed: 0)
      quiet.faults = []
      _ = run(quiet)
    }
    if let seed = options.seed { return tell(seed) }
    let begin = System.monotonicNanoseconds()
    var runs = 0
    for number in 0..<options.runs {
      let elapsed = Duration.nanoseconds(Int64(System.monotonicNanoseconds() - begin))
      if let limit = options.limit, elapsed >= limit { break }
      if failing.count >= options.failures { break }
      let plan = Plan(seed: options.first + UInt64(number))
      let result = run(plan)
      runs += 1
      guard result.diskCalls > 0 else {
        print("no file operation reached the campaign's disk: faults of the disk would have no effect")
        return false
      }
      add(plan, result)
      if runs == Self.settling, let memory = Self.memory { settled = (runs, memory) }
      if !result.violations.isEmpty { explain(plan, result) }
      // Repeat some runs: the result must depend on the seed alone.
      if number % 100 == 50, run(plan).digest != result.digest {
        print("seed \(plan.seed) had another result the second time: a run must depend on its seed alone")
        failing.append(plan.seed)
      }
    }
    let seconds = Double(System.monotonicNanoseconds() - begin) / 1e9
    summarise(runs, seconds)
    return failing.isEmpty && isBounded(runs)
  }

  /// The number of runs after which every code path has been used, and memory should no longer grow.
  private static let settling = 300
  /// The permitted growth of memory after `settling` runs, in bytes: heap fragmentation.
  private static let growth = 16 << 20

  /// Resident memory of this process in bytes (proc_pid_status(5), VmRSS).
  private static var memory: Int? {
    guard let bytes = try? Files.read("/proc/self/status") else { return nil }
    let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }.map {
      $0 << 10
    }
  }

  /// Whether memory has stopped growing: ended daemons leave nothing behind.
  private func isBounded(_ runs: Int) -> Bool {
    guard let settled, let memory = Self.memory, runs > settled.runs else { return true }
    let more = memory - settled.memory
    print("memory: \(memory >> 10) KiB, \(more >> 10) KiB more than after \(settled.runs) runs")
    if more > Self.growth { print("that is too much: ended daemons leak memory") }
    return more <= Self.growth
  }

  private func add(_ plan: Plan, _ result: RunResult) {
    for fault in plan.faults { kinds[fault.kind, default: 0] += 1 }
    for (first, second) in zip(plan.faults, plan.faults.dropFirst()) where second.at - first.at < .milliseconds(50) {
      pairs += 1
    }
    checks += result.checks
    lives += result.lives
    diskCalls += result.diskCalls
    diskRefusals += result.diskRefusals
    for distance in result.distances { distances[distance, default: 0] += 1 }
    guestEnds.merge(result.guestEnds) { $0 + $1 }
  }

  private func explain(_ plan: Plan, _ result: RunResult) {
    failing.append(plan.seed)
    let rule = result.violations[0].rule
    let smallest = Campaign.shrink(plan) { smaller in
      run(smaller).violations.contains { $0.rule == rule }
    }
    print("seed \(plan.seed) fails: \(rule)")
    for violation in result.violations.prefix(options.seed == nil ? 5 : 50) {
      let seconds = Double(violation.at.nanoseconds) / 1e9 - 1
      print("  \(seconds) s: \(violation.rule): \(violation.text)")
    }
    print("  needs \(smallest.faults.count) of its \(plan.faults.count) faults:")
    for fault in smallest.faults { print("    \(fault)") }
    print("  replay: make faults SEED=\(plan.seed)")
    // Flush, so that the seed is known even if the campaign is interrupted.
    fflush(nil)
  }

  /// Runs one seed with a trace of every event.
  private func tell(_ seed: UInt64) -> Bool {
    let plan = Plan(seed: seed)
    let result = run(plan) { print($0) }
    if result.violations.isEmpty {
      print("seed \(seed): \(result.checks) checks, nothing found")
    } else {
      explain(plan, result)
    }
    return result.violations.isEmpty
  }

  private func summarise(_ runs: Int, _ seconds: Double) {
    let all = kinds.values.reduce(0, +)
    let listed = Fault.Kind.allCases.map { "\($0.rawValue) \(kinds[$0] ?? 0)" }
    print("faults: \(listed.joined(separator: ", "))")
    if engine != nil {
      let ends = guestEnds.sorted { $0.key < $1.key }.map { "\($0) \($1)" }
      print("modules that ended: \(ends.joined(separator: ", "))")
    }
    let count = distances.values.reduce(0, +)
    var rest = count * 99 / 100
    let sorted = distances.sorted { $0.key < $1.key }
    let p99 = sorted.first { _, times in
      rest -= times
      return rest < 0
    }
    print(
      "bystanders: \(count) answers, p99 after \(p99?.key ?? 0) events of others, at most \(sorted.last?.key ?? 0); "
        + "disk: \(diskCalls) calls, \(diskRefusals) refused")
    print(
      "\(runs) runs of \(Plan.defaultLength.text), \(lives) daemons, \(all) faults (\(pairs) of them with another), "
        + "\(checks) checks, \(failing.count) seeds failed, \(Int(Double(runs) / max(seconds, 0.001) * 60)) runs a minute"
        + (engine == nil ? "; without WebAssembly modules: \(noEngine)" : ""))
    if !failing.isEmpty { print("failing seeds: \(failing.map { "\($0)" }.joined(separator: ", "))") }
  }
}
