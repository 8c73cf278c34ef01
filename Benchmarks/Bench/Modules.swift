import Agent
import AgentInProcess
import AgentWASM
import BenchmarkAgents
import CLinux
import EventLoop
import Linux
import Model

/// The costs of agents that are WebAssembly modules, and the time to stop one.
final class Modules {
  /// The first argument of the process that measures memory; scratch folder and module follow.
  static let memoryArgument = "__memory"

  private let scratch: String
  private let module: String
  private let daemon: String
  private let loop: EventLoop

  /// - Parameter folder: the folder in which `Benchmarks/run` builds `workload.wasm`.
  /// - Throws: when the engine or the module is missing: a figure must not be skipped silently.
  init(scratch: String, folder: String, daemon: String) throws {
    module = "\(folder)/workload.wasm"
    (self.scratch, self.daemon) = (scratch, daemon)
    loop = try EventLoop()
    Report.section("Agents as WebAssembly modules")
    guard EngineLibrary.find() != nil else {
      throw SystemError("find the WebAssembly engine that .ci/wasmtime installs", "", errno: ENOENT)
    }
    guard Files.isFile(module) else {
      throw SystemError("find the module that SDK/build builds", module, errno: ENOENT)
    }
  }

  init(scratch: String, module: String) throws {
    (self.scratch, self.module, daemon) = (scratch, module, "")
    loop = try EventLoop()
  }

  func report() throws {
    Report.line("the module, from Swift", "\(SampleDistribution.round(Double(Files.size(module) ?? 0) / 1024)) KiB")
    // Measure in a new process: free space in this process's heap would hide the memory of instances.
    let child = try Spawn.start("/proc/self/exe", ["bench", Self.memoryArgument, scratch, module])
    guard try Spawn.wait(for: child) == 0 else { throw SystemError("measure", "the memory of instances", errno: EIO) }
    try starts()
    try calls()
    try instructions()
    let reflex = try Reflex(loop: loop, driver: newDriver(), entry: "workload.wasm", folder: Files.folder(of: module))
    Report.line("edge → actuator", SampleDistribution(try reflex.measure(20_000)).text("µs"), goal: "p50 18 µs")
    try throughput()
    try stopping()
    try daemonMemory()
  }

  // MARK: Steps

  private func newDriver() -> WASMDriver { WASMDriver(loop, folder: "\(scratch)/modules") }

  private func start(_ driver: any AgentDriver, _ id: Int = 0) throws -> any AgentInstance {
    let isModule = driver.kind == .wasm
    let manifest = Manifest(
      id: AgentID("workload-\(id)"), name: "Workload",
      runtime: .init(driver: driver.kind, entry: isModule ? "workload.wasm" : "workload"),
      budget: Budget(activation: .seconds(120)), file: "\(Files.folder(of: module))/agent.json")
    return try wait { driver.start(manifest, host: BareHost(), ended: { _ in }, $0) }.get()
  }

  private func activate(_ instance: any AgentInstance, _ type: String, _ count: Int64) throws -> Double {
    let event = Event(id: ULID(high: 1, low: 1), type: type, payload: ["count": .int(count)])
    let begin = loop.now
    try wait { instance.activate(event, $0) }.get()
    return Double((loop.now - begin).nanoseconds)
  }

  private func wait<Answer>(_ begin: (@escaping (Answer) -> Void) -> Void) -> Answer {
    var answer: Answer?
    begin { answer = $0 }
    while true {
      if let answer { return answer }
      loop.turn(wait: true)
    }
  }

  private func times(_ count: Int, _ body: () throws -> Void) rethrows -> [Double] {
    try (0..<count).map { _ in
      let begin = loop.now
      try body()
      return Double((loop.now - begin).nanoseconds) / 1000
    }
  }

  // MARK: Figures

  private func starts() throws {
    var compiled: [Double] = []
    for _ in 0..<10 {
      for name in (try? Files.names(in: "\(scratch)/modules")) ?? [] { Files.remove("\(scratch)/modules/\(name)") }
      compiled += try times(1) { _ = try start(newDriver()) }
    }
    Report.line("compile in a child, load, start", SampleDistribution(compiled.map { $0 / 1000 }).text("ms"))
    Report.line(
      "load a compiled module, start", SampleDistribution(try times(100) { _ = try start(newDriver()) }).text("µs"))
    let driver = newDriver()
    let first = try start(driver)
    Report.line("start one more of a module", SampleDistribution(try times(500) { _ = try start(driver) }).text("µs"))
    _ = first
  }

  private func calls() throws {
    let instance = try start(newDriver())
    for (type, name) in [("bench:now", "host call: the time"), ("bench:read", "host call: a reading")] {
      let costs = try (0..<50).map { _ in
        // The difference excludes the cost of the activation itself.
        (try activate(instance, type, 9000) - activate(instance, type, 1000)) / 8000
      }
      Report.line(name, SampleDistribution(costs).text("ns"))
    }
  }

  /// An edge that switches an output.
  private func instructions() throws {
    let instance = try start(newDriver())
    let event = Event(
      id: ULID(high: 1, low: 1), type: "input:button", source: "button",
      payload: ["active": true, "edge": "rising", "initial": false, "sequence": 1, "kernel_ns": 42])
    // The first events allocate memory.
    for _ in 0..<10 { try wait { instance.activate(event, $0) }.get() }
    guard let cost = instance.lastCost else { throw SystemError("measure", "an event's instructions", errno: ENODATA) }
    Report.line("instructions of an event that switches an output", "\(cost.fuel)", goal: "30000")
  }

  /// Compares a guest with native code from the same source: a sieve and a checksum.
  private func throughput() throws {
    let native = try start(InProcessDriver(types: [AgentType("workload", Workload.self)]))
    let guest = try start(newDriver())
    let ratios = try (0..<20).map { _ in
      try activate(guest, "bench:compute", 300) / activate(native, "bench:compute", 300)
    }
    Report.line("a computation, relative to in-process", SampleDistribution(ratios).text("×"))
  }

  private func stopping() throws {
    let driver = newDriver()
    var stops: [Double] = []
    for _ in 0..<200 {
      let instance = try start(driver)
      let event = Event(id: ULID(high: 1, low: 1), type: "bench:spin")
      var hasEnded = false
      instance.activate(event) { _ in hasEnded = true }
      for _ in 0..<3 { loop.turn(wait: true) }
      let begin = loop.now
      // The request is handled between two slices of the guest. Request it after a turn, when a slice has just begun:
      // the worst case.
      loop.turn(wait: true)
      wait { done in instance.stop(now: true) { done(()) } }
      guard hasEnded else { throw SystemError("stop", "a spinning guest", errno: EBUSY) }
      stops.append(Double((loop.now - begin).nanoseconds) / 1000)
    }
    Report.line("stop a spinning guest", SampleDistribution(stops).text("µs"), goal: "1 ms")
  }

  /// Prints the private dirty memory of this process per instance, for instances beyond the first that have handled an
  /// event.
  func memory() throws {
    let probe = ProcessProbe(pid: getpid())
    let driver = newDriver()
    var instances: [any AgentInstance] = [try start(driver)]
    let base = try probe.memory().privateDirty
    for count in [1, 10, 100, 1000] {
      while instances.count < count + 1 {
        let instance = try start(driver, instances.count)
        _ = try activate(instance, "bench:now", 1)
        instances.append(instance)
      }
      let each = Double(try probe.memory().privateDirty - base) / Double(count)
      Report.line("memory of \(count) instances, each", "\(SampleDistribution.round(each)) KiB", goal: "32 KiB")
    }
  }

  private func daemonMemory() throws {
    let folder = "\(scratch)/wasm"
    try Files.makeFolder(folder)
    let idle = try IdleConfiguration(folder: folder, agents: 0, module: module)
    let process = try DaemonProcess(daemon, folder: folder, arguments: idle.arguments)
    sleep(5)
    let memory = try ProcessProbe(pid: process.pid).memory()
    Report.line(
      "daemon with one running: PSS", "\(SampleDistribution.round(Double(memory.pss) / 1024)) MiB", goal: "12 MiB")
    Report.line("private dirty", "\(SampleDistribution.round(Double(memory.privateDirty) / 1024)) MiB")
    process.stop()
    idle.remove()
  }
}

/// Answers at once, so that only the call itself is measured.
private final class BareHost: AgentHost {
  var now: UInt64 { 42 }
  func read(_ sensor: String) throws(AgentError) -> Reading { Reading(value: 21.5, unit: "°C", time: 42) }
  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    Receipt(id: ULID(high: 1, low: 1), state: 1, previous: 0, at: 42)
  }
  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { throw AgentError(.unavailable, camera) }
  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { ULID(high: 1, low: 1) }
  func log(_ level: LogLevel, _ message: String) {}
  func state(_ key: String) -> Value? { nil }
  func setState(_ key: String, _ value: Value?) throws(AgentError) {}
  func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.notFound, path) }
}
