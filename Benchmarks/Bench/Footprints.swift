import CLinux
import Linux

/// The daemon's footprint: at rest, at rest under CPU pressure, at work, and per rule and agent.
struct Footprints {
  let daemon: String
  let scratch: String
  let checkout: String
  /// The time for which the daemon at rest is observed, in seconds.
  let rest: Int

  func report(_ idle: IdleConfiguration) throws {
    try atRest(idle)
    try shortOfCPU(idle)
    try atWork()
    try many()
  }

  private func atRest(_ idle: IdleConfiguration) throws {
    Report.section("At rest, simulated board, 10 agents registered")
    // Wait until the CPU pressure is low: under pressure the daemon is not at rest.
    for _ in 0..<60 where Pressure.cpu >= 10 { sleep(1) }
    if Pressure.cpu >= 10 { Report.line("CPU pressure", "\(Pressure.cpu)%: this is not a quiet machine") }
    let process = try DaemonProcess(daemon, folder: scratch, arguments: idle.arguments)
    // The registry's thread exits after 2 s without work. New pressure triggers of the kernel may fire without cause in
    // the first 5 s, which wakes the daemon.
    sleep(15)
    let probe = ProcessProbe(pid: process.pid)
    let (wakeUps, written) = (try probe.wakeUps(), try probe.bytesWritten())
    sleep(UInt32(rest))
    try memory(probe, pss: "2.5 MiB", dirty: "0.9 MiB")
    Report.line("threads", "\(try probe.threads())", goal: "1")
    Report.line("descriptors", "\(try probe.descriptors())")
    Report.line("wake-ups in \(rest) s", "\(try probe.wakeUps() - wakeUps)", goal: "0")
    Report.line("bytes written in \(rest) s", "\(try probe.bytesWritten() - written)", goal: "0")
    process.stop()
  }

  private func shortOfCPU(_ idle: IdleConfiguration) throws {
    Report.section("The same under CPU pressure")
    let process = try DaemonProcess(daemon, folder: scratch, arguments: idle.arguments)
    let cores = Int32(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    var hogs: [Int32] = []
    for _ in 0..<cores * 2 {
      hogs.append(try Spawn.start("/bin/sh", ["sh", "-c", "while :; do :; done"], environment: ["PATH=/usr/bin:/bin"]))
    }
    sleep(20)
    try memory(ProcessProbe(pid: process.pid), pss: "2.5 MiB", dirty: "0.9 MiB")
    for hog in hogs {
      kill(hog, SIGKILL)
      _ = try? Spawn.wait(for: hog)
    }
    process.stop()
  }

  /// Measures the greenhouse example: a camera with motion detection, sensors, three agents, rules.
  private func atWork() throws {
    Report.section("At work: the greenhouse, with a camera")
    let folder = "\(scratch)/greenhouse"
    try Files.makeFolder(folder)
    let example = "\(checkout)/Examples/greenhouse"
    try Files.replace(
      "\(folder)/openstarry.yaml",
      with: Array(
        """
        board: \(checkout)/Board/greenhouse-sim/board.yaml
        agents: [\(example)/agents]
        rules: [\(example)/orchestration.yaml]
        home: home
        socket: control.sock

        """.utf8))
    let process = try DaemonProcess(daemon, folder: folder, arguments: ["--config", "\(folder)/openstarry.yaml"])
    sleep(UInt32(max(20, rest)))
    try memory(ProcessProbe(pid: process.pid), pss: "8 MiB", dirty: nil)
    process.stop()
  }

  /// Measures the memory per rule and agent, and the start with many of them.
  private func many() throws {
    Report.section("Many")
    let base = try measure(agents: 10, rules: 1).dirty
    let rules = try measure(agents: 10, rules: 10_000)
    Report.line("10,000 rules: exec to READY", SampleDistribution(rules.starts).text("ms"), goal: "120 ms")
    Report.line("a rule", "\(SampleDistribution.round(Double(rules.dirty - base) / 9999)) KiB", goal: "1 KiB")
    let agents = try measure(agents: 1000, rules: 1)
    Report.line("1,000 agents: exec to READY", SampleDistribution(agents.starts).text("ms"), goal: "120 ms")
    Report.line("an agent", "\(SampleDistribution.round(Double(agents.dirty - base) / 990)) KiB", goal: "4 KiB")
  }

  /// - Returns: the private dirty memory in KiB after the start, and five start times in milliseconds.
  private func measure(agents: Int, rules: Int) throws -> (dirty: Int, starts: [Double]) {
    let folder = "\(scratch)/many-\(agents)-\(rules)"
    try Files.makeFolder(folder)
    let configuration = try IdleConfiguration(folder: folder, agents: agents, rules: rules)
    var starts: [Double] = []
    for _ in 0..<4 {
      let process = try DaemonProcess(daemon, folder: folder, arguments: configuration.arguments)
      starts.append(process.startMilliseconds)
      process.stop()
    }
    let process = try DaemonProcess(daemon, folder: folder, arguments: configuration.arguments)
    starts.append(process.startMilliseconds)
    sleep(10)
    let dirty = try ProcessProbe(pid: process.pid).memory().privateDirty
    process.stop()
    configuration.remove()
    return (dirty, starts)
  }

  private func memory(_ probe: ProcessProbe, pss: String, dirty: String?) throws {
    let memory = try probe.memory()
    Report.line("PSS", "\(SampleDistribution.round(Double(memory.pss) / 1024)) MiB", goal: pss)
    Report.line("private dirty", "\(SampleDistribution.round(Double(memory.privateDirty) / 1024)) MiB", goal: dirty)
  }
}
