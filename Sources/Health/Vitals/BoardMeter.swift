import Agent
import Cgroup
import Footprint
import Linux
import Model
import Orchestrator
import Systemd
import Watchdog

/// Measures what the daemon uses as a whole: by its control group if it has one of its own, otherwise by the kernel's
/// figures for its processes.
///
/// It has no timer. It measures with the loop's beat if the board has a budget, and on request.
package final class BoardMeter {
  /// The least time between two measurements by beats, and the window of CPU time.
  static let period = Duration.seconds(10)

  /// A memory limit of the service's unit that this kernel cannot enforce; the daemon enforces it itself.
  package let looseLimit: UnitFile?
  /// A warning for the journal at the start; nil when every limit is enforced.
  let notice: String?
  /// Called with each measurement.
  var onMeasured: (BoardMeasurement) -> Void = { _ in }
  /// The guardian's process id; nil when none runs.
  var guardian: () -> Int32? = { nil }

  /// Whether the loop also beats at rest.
  var looksByItself: () -> Bool = { true }

  private let clock: any Timekeeper
  private let root: String
  private let budget: Budget
  /// The daemon's own control group; nil when it has none.
  private let group: ControlGroup?
  /// Why there is no group, in a sentence.
  private let missing: String
  /// When the current window of CPU time began, and the CPU time used by then.
  private var begun: (time: Instant, used: Int64)
  /// The CPU time of the previous window, scaled to the window's length.
  private var lastCPU: Int64?
  private var lastLook: Instant

  /// Finds out what can be measured on this machine, and starts a window.
  /// - Parameters:
  ///   - budget: the board's.
  ///   - root: a folder that stands for `/`, in tests.
  init(_ budget: Budget, clock: any Timekeeper, root: String = "") {
    self.clock = clock
    self.root = root
    var budget = budget
    var (own, missing, loose, notice): (ControlGroup?, String, UnitFile?, String?) = (nil, "", nil, nil)
    do throws(CgroupError) {
      let group = try ControlGroup.ofThisProcess(root: root)
      let absence = group.absence(of: "memory")
      if absence != .root, Self.isOwn(group, root: root) {
        own = group
      } else {
        missing = absence == .root ? "\(ControllerAbsence.root)" : "its control group \(group.name) has others in it"
      }
      if let absence, absence.isOfKernel, let unit = group.name.split(separator: "/").last,
        let limit = UnitFile.find("MemoryMax", of: String(unit), root: root)
      {
        loose = limit
        let instead = limit.bytes == nil ? "give budget.memory in openstarry.yaml" : "the daemon stops agents instead"
        notice = "MemoryMax=\(limit.value) of \(limit.file) is not enforced: \(absence); \(instead)"
      }
    } catch {
      missing = "\(error)"
    }
    if let bytes = loose?.bytes { budget.memory = min(budget.memory ?? bytes, bytes) }
    (group, self.missing, looseLimit, self.notice, self.budget) = (own, missing, loose, notice, budget)
    (begun, lastLook) = ((clock.now, 0), clock.now)
    begun.used = cpu().used
  }

  /// The board's memory budget in bytes, or `looseLimit` if that is lower; nil without a limit.
  package var memoryBudget: Int? { budget.memory }

  /// Measures when it is time to; called with each beat of the loop.
  func beat() {
    guard budget.cpu != nil || budget.memory != nil, clock.now - lastLook >= Self.period else { return }
    look()
  }

  /// Measures now and calls `onMeasured`.
  package func look() {
    lastLook = clock.now
    onMeasured(measureCPU())
    if let memory = measureMemory() { onMeasured(memory) }
  }

  /// The control group, for `daemon.status`.
  var status: Value {
    guard let group else { return .string(missing) }
    var fields: Fields = ["name": .string(group.name)]
    if let tasks = group.tasks { fields["tasks"] = .int(Int64(clamping: tasks)) }
    if let throttled = (try? group.cpu())?.throttled, throttled.times > 0 {
      fields["throttled"] = .string("\(throttled.times) times, \(Duration.microseconds(throttled.microseconds).text)")
    }
    if let kills = (try? group.memory())?.kills, kills > 0 {
      fields["killed_for_memory"] = .int(Int64(clamping: kills))
    }
    return .map(fields)
  }

  // MARK: CPU time

  private func measureCPU() -> BoardMeasurement {
    let (now, (used, meter)) = (clock.now, cpu())
    let elapsed = now - begun.time
    if elapsed >= Self.period {
      // After a longer pause this is the mean over that pause.
      lastCPU = Int64(Double(used - begun.used) * (Self.period / elapsed))
      begun = (now, used)
    }
    let window = Double(Self.period.nanoseconds)
    let kernel = group?.cpuLimit.map { Int64($0 * window) }
    let limit = budget.cpu.map { Int64(($0 * window).rounded()) }
    let enforcement: Enforcement
    if limit == nil, kernel == nil {
      enforcement = .notEnforced("there is no limit")
    } else if let kernel, kernel <= limit ?? kernel {
      enforcement = .enforced
    } else {
      enforcement = .afterwards("agents are held back for what agents use at once; of the rest \(looks)")
    }
    return BoardMeasurement(
      .cpu, max(0, lastCPU ?? used - begun.used), by: meter, kernelLimit: kernel, enforcement: enforcement)
  }

  /// CPU time in nanoseconds since some time in the past.
  private func cpu() -> (used: Int64, meter: BoardMeasurement.Meter) {
    if let group, let use = try? group.cpu() { return (Int64(clamping: use.microseconds) * 1000, .group) }
    return (Int64(clamping: System.processNanoseconds()), .process)
  }

  // MARK: Memory

  /// - Returns: nil when the kernel does not tell.
  private func measureMemory() -> BoardMeasurement? {
    var (why, brake) = (missing, UInt64?.none)
    var counted: (Int64, BoardMeasurement.Meter)?
    if let group {
      do throws(CgroupError) {
        counted = (Int64(clamping: try group.memory().needed), .group)
        (why, brake) = ("no memory.max is set", group.memoryHigh)
      } catch {
        why = "\(error)"
      }
    }
    let kernel = group?.memoryLimit.map { Int64(clamping: $0) }
    guard let (amount, meter) = counted ?? pss() else { return nil }
    return BoardMeasurement(
      .memory, amount, by: meter, kernelLimit: kernel, enforcement: hold(kernel, brake: brake, why))
  }

  private func hold(_ kernel: Int64?, brake: UInt64?, _ why: String) -> Enforcement {
    guard let limit = budget.memory.map(Int64.init) else {
      return kernel == nil ? .notEnforced("there is no limit") : .enforced
    }
    if let kernel, kernel <= limit { return .enforced }
    let otherwise =
      if let kernel { "the kernel's limit is higher, \(BudgetText.amount(kernel, unit: "bytes"))" } else if let brake {
        "the kernel slows it down from \(BudgetText.amount(Int64(clamping: brake), unit: "bytes")) on (memory.high)"
      } else { why }
    return .afterwards("\(looks), and stops agents: \(otherwise)")
  }

  private var looks: String {
    looksByItself()
      ? "the daemon looks every \(Self.period.text)"
      : "the daemon, which nobody watches, looks only while its threads work"
  }

  private func pss() -> (Int64, BoardMeasurement.Meter)? {
    guard let own = ResourceUsage.pss(of: "self", root: root) else { return nil }
    let guardian = guardian().flatMap { ResourceUsage.pss(of: "\($0)", root: root) } ?? 0
    return ((own + guardian) * 1024, .pss)
  }

  /// Whether the group holds only the daemon, its guardian and its helpers, and no shell or other service.
  private static func isOwn(_ group: ControlGroup, root: String) -> Bool {
    func name(_ process: String) -> [UInt8]? { try? Files.read("\(root)/proc/\(process)/comm", limit: 64) }
    guard let own = name("self"), let processes = try? group.processes(), (1...32).contains(processes.count) else {
      return false
    }
    // A name has at most 15 characters (PR_SET_NAME, prctl(2)).
    let guardian = Array("openstarry-guardian".utf8.prefix(15)) + [UInt8(ascii: "\n")]
    return processes.allSatisfy { process in
      let other = name("\(process)")
      return other == own || other == guardian
    }
  }
}
