import Agent
import Cgroup
import Footprint
import Linux
import Model
import Orchestrator
import Systemd
import Watchdog

/// What the daemon uses as a whole: measured by its control group where it has one of its own, else by the kernel's
/// account of its processes.
///
/// It has no timer: it looks with the loop's beat where the board has a budget, and when somebody asks.
package final class BoardMeter {
  /// No beat looks sooner than this after another; also the window of processor time.
  static let period = Duration.seconds(10)

  /// A memory limit of the service's unit that this kernel cannot hold; the daemon holds itself to it.
  package let looseLimit: UnitFile?
  /// What people should know at the start; nil where everything is as it was asked for.
  let notice: String?
  /// Takes each measurement.
  var onMeasured: (BoardMeasurement) -> Void = { _ in }
  /// The guardian's process; nil when none runs.
  var guardian: () -> Int32? = { nil }

  /// Whether the loop beats at rest, too.
  var looksByItself: () -> Bool = { true }

  private let clock: any Timekeeper
  private let root: String
  private let budget: Budget
  /// The daemon's own; nil where it has none.
  private let group: ControlGroup?
  /// Why it has none, in a sentence.
  private let missing: String
  /// When a stretch of processor time began, and what was used by then.
  private var begun: (time: Instant, used: Int64)
  /// What was used in the stretch before, as if it were as long as the window.
  private var lastCPU: Int64?
  private var lastLook: Instant

  /// Finds out what can be measured here, and begins.
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

  /// How much memory the board's budget has, the loose limit included; nil is no limit.
  package var memoryBudget: Int? { budget.memory }

  /// A beat of the loop.
  func beat() {
    guard budget.cpu != nil || budget.memory != nil, clock.now - lastLook >= Self.period else { return }
    look()
  }

  /// Measures, and tells.
  package func look() {
    lastLook = clock.now
    onMeasured(measureCPU())
    if let memory = measureMemory() { onMeasured(memory) }
  }

  /// The group, as `daemon.status` shows it.
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

  // MARK: Processor time

  private func measureCPU() -> BoardMeasurement {
    let (now, (used, meter)) = (clock.now, cpu())
    let elapsed = now - begun.time
    if elapsed >= Self.period {
      // What was used since nobody looked for long is taken as the mean of that time.
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

  /// Since some time in the past, in nanoseconds.
  private func cpu() -> (used: Int64, meter: BoardMeasurement.Meter) {
    if let group, let use = try? group.cpu() { return (Int64(clamping: use.microseconds) * 1000, .group) }
    return (Int64(clamping: System.processNanoseconds()), .process)
  }

  // MARK: Memory

  /// - Returns: nil where the kernel does not tell.
  private func measureMemory() -> BoardMeasurement? {
    var (why, brake) = (missing, UInt64?.none)
    var counted: (Int64, BoardMeasurement.Meter)?
    if let group {
      do throws(CgroupError) {
        counted = (Int64(clamping: try group.memory().needed), .group)
        (why, brake) = ("no memory.max is set", group.memoryBrake)
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

  /// Whether nobody but the daemon, its guardian and its helpers is in the group: no shell, no other service.
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
