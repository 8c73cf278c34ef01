import Agent
import AgentProcess
import EventLoop
import Glibc
import Linux
import Model
import Wire

/// Agents as programs in their sandbox, beside other ways to start a program.
struct Processes {
  private let folder: String
  private let workload: String
  private let python: String
  private let checkout: String

  /// - Parameters:
  ///   - programs: the folder of the release build.
  ///   - scratch: a folder for the agents' programs. The launcher's user must be able to read it.
  init(programs: String, scratch: String, checkout: String) throws {
    folder = "\(scratch)/programs"
    self.checkout = checkout
    try Files.makeFolder(folder, mode: 0o755)
    _ = unsafe chmod(scratch, 0o755)
    workload = "\(folder)/workload"
    python = "\(folder)/agent.py"
    try Files.replace(workload, with: Files.read("\(programs)/workload-program", limit: 256 << 20), mode: 0o755)
    let script = """
      #!/usr/bin/python3 -S
      import openstarry
      openstarry.run(lambda event, board: board.control("relay", "on" if event["active"] else "off"))
      """
    try Files.replace(python, with: Array(script.utf8), mode: 0o755)
  }

  func report() throws {
    Report.section("Agents as programs")
    for (name, program, goal) in [("Swift", workload, "12 ms"), ("Python", python, "16 ms")] {
      let plain = SampleDistribution(try (0..<30).map { _ in try plainStart([program]) })
      Report.line("\(name): posix_spawn to its first bytes", plain.text("ms"))
      let bare = ["/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--"]
      let alone = SampleDistribution(try (0..<30).map { _ in try plainStart(bare + [program]) })
      Report.line("\(name): bubblewrap alone, to its first bytes", alone.text("ms"))
      let starts = SampleDistribution(try (0..<30).map { _ in try sandboxedStart(program) })
      Report.line("\(name): spawn to first event handled, in the sandbox", starts.text("ms"), goal: goal)
      let (whole, without) = (starts.percentile(0.5), plain.percentile(0.5))
      Report.line(
        "\(name): what sandbox and event add", "\(SampleDistribution.round(whole - without)) ms", goal: "8 ms")
      Report.line("\(name): the same, relative to posix_spawn", SampleDistribution.round(whole / without))
    }
    if let node = ["/usr/bin/node", "/usr/local/bin/node"].first(where: { Files.isFile($0) }) {
      Report.line("Node's child_process.fork to a message", SampleDistribution(try nodeForks(node)).text("ms"))
    } else {
      Report.line("Node's child_process.fork to a message", "node is not installed here")
    }
    let loop = try EventLoop()
    var launchers: [Int] = []
    for (name, program) in [("Swift", workload), ("Python", python)] {
      let driver = ProcessDriver(loop, home: "\(folder)/home")
      let reflex = try Reflex(loop: loop, driver: driver, entry: program, folder: folder)
      Report.line(
        "\(name): edge → rule → agent → actuator", SampleDistribution(try reflex.measure(2_000)).text("µs"),
        goal: "p50 120 µs")
      let (agent, sandbox) = try memory(of: reflex)
      Report.line("\(name): PSS of the program", "\(SampleDistribution.round(agent)) MiB")
      Report.line("\(name): PSS of its sandbox", "\(SampleDistribution.round(sandbox)) MiB")
      guard let launcher = driver.launcherProcess else { throw SystemError("find", "the launcher", errno: ESRCH) }
      launchers.append(try ProcessProbe(pid: launcher).memory().pss)
      driver.close()
      let kills = try (0..<10).map { _ in
        let driver = ProcessDriver(loop, home: "\(folder)/home")
        defer { driver.close() }
        let reflex = try Reflex(loop: loop, driver: driver, entry: program, folder: folder)
        _ = try reflex.measure(0)
        return try reflex.killAgent()
      }
      Report.line("\(name): SIGKILL of the sandbox to its output safe", SampleDistribution(kills).text("ms"))
    }
    let pss = Double(launchers.max() ?? 0) / 1024
    Report.line("launcher: PSS", "\(SampleDistribution.round(pss)) MiB", goal: "0.6 MiB")
  }

  /// Milliseconds until the first bytes on descriptor 3 of a program that is started without the launcher.
  private func plainStart(_ words: [String]) throws -> Double {
    let sockets = try UnixSocket.pair()
    let begin = System.monotonicNanoseconds()
    let child = try Spawn.start(
      words[0], words, environment: ["PYTHONPATH=\(checkout)/SDK/python", "PATH=/usr/bin:/bin"],
      descriptors: [sockets.1])
    close(sockets.1)
    var bytes: [UInt8] = []
    let count = try System.read(sockets.0, into: &bytes)
    let took = System.monotonicNanoseconds() - begin
    close(sockets.0)
    _ = try Spawn.wait(for: child)
    // The end of the stream is no start.
    guard let count, count > 0 else { throw SystemError("start", words.joined(separator: " "), errno: EPIPE) }
    return Double(took) / 1_000_000
  }

  /// Milliseconds from the request to the driver until the first event is handled.
  private func sandboxedStart(_ program: String) throws -> Double {
    let loop = try EventLoop()
    let driver = ProcessDriver(loop, home: "\(folder)/home")
    defer { driver.close() }
    let manifest = Manifest(
      id: "bench", name: "bench", runtime: .init(driver: .process, entry: program), permissions: .all,
      file: "\(folder)/agent.json")
    return try AgentStart.milliseconds(manifest, driver, on: loop)
  }

  private func nodeForks(_ node: String) throws -> [Double] {
    let script = "\(folder)/fork.js"
    let text = """
      const { fork } = require('child_process');
      if (process.argv[2]) { process.send('up'); process.disconnect(); } else {
        const once = (left) => { if (!left) return; const begin = process.hrtime.bigint();
          const child = fork(__filename, ['child']);
          child.on('message', () => console.log(Number(process.hrtime.bigint() - begin) / 1e6));
          child.on('exit', () => once(left - 1)); };
        once(15); }
      """
    try Files.replace(script, with: Array(text.utf8), mode: 0o644)
    let output = "\(folder)/fork.times"
    let file = try System.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    var plan = SpawnPlan(node, ["node", script])
    plan.output = .descriptor(file.number)
    guard try Spawn.wait(for: try Spawn.start(plan)) == 0 else { throw SystemError("run", node, errno: ECHILD) }
    return String(decoding: try Files.read(output), as: UTF8.self).split(separator: "\n").compactMap { Double($0) }
  }

  /// MiB of the agent's program and of the processes of its sandbox.
  private func memory(of reflex: Reflex) throws -> (agent: Double, sandbox: Double) {
    guard let outer = reflex.pid else { throw SystemError("find", "the agent", errno: ESRCH) }
    let inner = Self.children(outer).first ?? outer
    let agent = Self.children(inner).first ?? inner
    func pss(_ process: Int32) throws -> Double { Double(try ProcessProbe(pid: process).memory().pss) / 1024 }
    return (try pss(agent), try pss(outer) + pss(inner))
  }

  private static func children(_ process: Int32) -> [Int32] {
    let text = (try? Files.read("/proc/\(process)/task/\(process)/children")) ?? []
    return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
  }
}
