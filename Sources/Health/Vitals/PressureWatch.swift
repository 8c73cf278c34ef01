import EventLoop
import Linux
import Model
import Orchestrator
import Watchdog

/// Watches the pressure on memory, CPU and disk, and carries out the effects of `PressureTable`.
///
/// PSI triggers wake it, so it reads nothing at rest. Under pressure it reads every two seconds. Without triggers it
/// reads with each beat of the loop.
final class PressureWatch {
  private let loop: EventLoop
  private let clock: any Timekeeper
  private let log: EventLog
  private let agents: AgentSupervisor
  private var table = PressureTable()
  private var files: [PressureFile] = []
  private var timer: TimerID?
  private let folder: String
  private let ownMemory: String?
  private var meter: BoardMeter?

  /// Called with true when the CPU becomes short, and with false when it is not any more.
  var onShortCPU: (Bool) -> Void = { _ in }

  /// Called when a period of reading every two seconds has ended.
  var onRest: () -> Void = {}

  /// - Parameters:
  ///   - clock: the loop; a manual clock in tests.
  ///   - folder: the kernel's files; another folder in tests.
  ///   - environment: `MEMORY_PRESSURE_WATCH` names the file of the service's own cgroup (systemd 254).
  init(
    loop: EventLoop, clock: any Timekeeper, log: EventLog, agents: AgentSupervisor, folder: String = "/proc/pressure",
    environment: [String: String]
  ) {
    self.loop = loop
    self.clock = clock
    self.log = log
    self.agents = agents
    self.folder = folder
    ownMemory = environment["MEMORY_PRESSURE_WATCH"].flatMap { $0.hasPrefix("/sys/fs/cgroup/") ? $0 : nil }
  }

  /// Opens the files that exist.
  func start() {
    for resource in Pressure.Resource.allCases {
      add(resource, "\(folder)/\(resource.rawValue)")
    }
    if let ownMemory { add(.memory, ownMemory) }
  }

  /// The pressure for `daemon.status`: in percent, the share of the last ten seconds in which some task waited.
  var status: Value {
    let over = Pressure.Resource.allCases.filter(table.isOverBudget)
    if files.isEmpty, over.isEmpty, table.shed.isEmpty {
      return "not available: this kernel has no pressure stall information"
    }
    var fields: Fields = [:]
    for resource in Pressure.Resource.allCases {
      guard let average = average(resource) else { continue }
      fields[resource.rawValue] = .double(average)
    }
    let short = Pressure.Resource.allCases.filter(table.isShort)
    if !short.isEmpty { fields["short_of"] = .list(short.map { .string($0.rawValue) }) }
    if !over.isEmpty { fields["over_budget"] = .list(over.map { .string($0.rawValue) }) }
    if !table.shed.isEmpty { fields["stopped"] = .list(table.shed.map { .string($0.rawValue) }) }
    return .map(fields)
  }

  /// Called with each beat of the loop: reads the files without a trigger.
  func beat() {
    if timer == nil { look { $0.descriptor == nil } }
    meter?.beat()
  }

  /// Hands the meter's measurements to the agents, and acts when the board's budget is exceeded. The meter measures
  /// with each beat and each reading.
  func follow(_ meter: BoardMeter) {
    self.meter = meter
    meter.onMeasured = { [unowned self] measured in
      guard let share = agents.note(measured) else { return }
      apply(.budget(measured.resource == .cpu ? .cpu : .memory, share))
    }
  }

  private func add(_ resource: Pressure.Resource, _ path: String) {
    let part = Int((PressureTable.Limits().enter[resource] ?? 100) * 20_000)
    // A slow disk is shown, but nothing is done about it, so it needs no trigger.
    let trigger = resource == .io ? nil : "some \(part) 2000000"
    guard let file = PressureFile(resource, path, trigger: trigger) else { return }
    files.append(file)
    guard let descriptor = file.descriptor else { return }
    file.watch = try? loop.watch(descriptor, for: .priority) { [unowned self, unowned file] ready in
      // The file is gone, such as that of a removed cgroup.
      if ready.contains(.error) {
        file.watch.map(loop.unwatch)
        file.watch = nil
      } else if let average = average(resource) {
        apply(.fired(resource, average))
      }
    }
  }

  /// Reads each resource that has a wanted file.
  private func look(_ isWanted: (PressureFile) -> Bool) {
    for resource in Set(files.filter(isWanted).map(\.resource)).sorted(by: { $0.rawValue < $1.rawValue }) {
      if let average = average(resource) { apply(.reading(resource, average)) }
    }
  }

  /// The highest pressure in the files of a resource.
  private func average(_ resource: Pressure.Resource) -> Double? {
    files.filter { $0.resource == resource }.compactMap { $0.reading?.some.average }.max()
  }

  private func apply(_ input: PressureTable.Input) {
    let effects = table.apply(input, at: clock.now) {
      agents.running.map { PressureTable.Candidate($0.agent, $0.priority) }
    }
    for effect in effects { execute(effect) }
    lookLater()
    muteTriggers()
  }

  /// Ignores the triggers of resources that are known to be short: they would fire every two seconds.
  private func muteTriggers() {
    for file in files {
      let isMuted = table.isShort(file.resource)
      guard let watch = file.watch, file.isMuted != isMuted else { continue }
      file.isMuted = isMuted
      try? loop.change(watch, to: isMuted ? [] : .priority)
    }
  }

  private func lookLater() {
    guard timer == nil, let wait = table.nextLook else { return }
    timer = clock.schedule(after: wait) { [unowned self] in
      meter?.beat()
      look { _ in true }
      timer = nil
      lookLater()
      if timer == nil { onRest() }
    }
  }

  private func execute(_ effect: PressureTable.Effect) {
    switch effect {
    case .tell(let resource, let isShort, let average):
      log.publish(
        SystemEvents.pressure(resource.rawValue, isShort: isShort, percent: average), from: "system")
      if resource == .cpu { onShortCPU(isShort) }
    case .shed(let agent):
      agents.shed(agent, "the board is short of memory, or of its budget; it may run again when there is more")
    case .restore(let agent): agents.restore(agent)
    case .throttle(let isOn): agents.throttle(isOn)
    case .letOneThrough: agents.letOneThrough()
    }
  }
}
