import AgentInProcess
import BenchmarkAgents
import EventLoop
import Glibc
import HAL
import HALSimulated
import Linux
import Model
import Orchestrator
import Rules

/// The same 100 rules here and in Home Assistant's automation engine: something is switched on, and one action follows.
///
/// Both run without a network, a broker or a database. Here an input of the simulated board changes and the rule
/// publishes an event; there a state changes and the automation calls a service.
struct Automations {
  static let rules = 100
  static let changes = 2000
  let checkout: String
  let scratch: String
  let daemon: String

  func report() throws {
    Report.section("\(Self.rules) rules, beside the same ones in Home Assistant: from a change to its action")
    let text = "active"
    let own = SampleDistribution(
      try measure { number in
        RuleDeclaration(
          id: RuleID("r\(number)"), trigger: .events([EventPattern("input:i\(number)")]),
          condition: .init(text: text, location: Location(file: "<bench>")), actions: [Self.action(number)],
          mode: .parallel)
      })
    let lasting = SampleDistribution(
      try measure { number in
        RuleDeclaration(
          id: RuleID("r\(number)"),
          trigger: .state(
            StateRule(begins: .init(text: "input('i\(number)')", location: Location(file: "<bench>")))),
          actions: [Self.action(number)])
      })
    Report.line("event rules", own.text("µs"))
    Report.line("state rules", lasting.text("µs"))
    Report.line("the daemon with them: PSS", "\(SampleDistribution.round(Double(try pss()) / 1024)) MiB")
    let theirs = try homeAssistant()
    guard let condition = theirs["condition"], let state = theirs["state"], let pss = theirs["pss"]?.first else {
      return
    }
    let (first, second) = (SampleDistribution(condition), SampleDistribution(state))
    Report.line("Home Assistant: with a condition", first.text("µs"))
    Report.line("Home Assistant: a state trigger alone", second.text("µs"))
    Report.line("Home Assistant: PSS", "\(SampleDistribution.round(pss / 1024)) MiB")
    func ratio(_ theirs: SampleDistribution, _ own: SampleDistribution) -> String {
      "\(SampleDistribution.round(theirs.percentile(0.5) / own.percentile(0.5))) times as long, p50"
    }
    Report.line("that is", "\(ratio(first, own)); \(ratio(second, lasting))")
  }

  private static func action(_ number: Int) -> RuleDeclaration.Action {
    .emit("bench:act", [EmitField(name: "n", expression: "\(number)")])
  }

  /// - Returns: microseconds from each change of an input to the event of its rule.
  private func measure(_ rule: (Int) -> RuleDeclaration) throws -> [Double] {
    let loop = try EventLoop()
    let inputs = (0..<Self.rules).map { number in
      Device(id: DeviceID("i\(number)"), kind: .input(InputSettings()), driver: "simulated")
    }
    let board = Board(name: "bench", backend: .simulated, devices: inputs)
    let log = EventLog(clock: loop, capacity: 1024, depthLimit: 16, later: { loop.later($0) })
    let backend = SimulatedBackend(board: board, clock: loop, seed: 1)
    let hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
    let agents = AgentSupervisor(
      clock: loop, events: log, hardware: hardware, files: NoFiles(), registry: MemoryRegistry(), drivers: [],
      logLines: 10)
    let declarations = (0..<Self.rules).map(rule)
    let rules = RuleRunner(
      clock: loop, events: log, hardware: hardware, agents: agents, utcOffset: { _ in 0 },
      load: { () throws(Diagnostics) in try RuleSet(compiling: declarations) })
    var acted: Int64?
    log.dispatch = { event in
      rules.handle(event)
      agents.handle(event)
      if event.type == "bench:act" { acted = event.payload["n"]?.int }
    }
    hardware.open()
    _ = try rules.reloadRules()
    for _ in 0..<100 { loop.turn(wait: false) }
    var times: [Double] = []
    for change in 0..<Self.changes + Self.rules {
      let number = change % Self.rules
      // A state rule that begins more often than 16 times within a second rests.
      if change % (Self.rules * 15) == 0 { wait(.milliseconds(1100), loop) }
      acted = nil
      let begin = loop.now
      try backend.inject(DeviceID("i\(number)"), ["active": true])
      while acted != Int64(number) {
        loop.turn(wait: false)
        guard loop.now - begin < .seconds(10) else {
          let last = log.events(matching: EventPattern("*"), last: 5, since: nil).map(EventSentence.text)
          throw SystemError("wait for rule r\(number)", last.joined(separator: "; "), errno: ETIMEDOUT)
        }
      }
      // The first round makes what is made once.
      if change >= Self.rules { times.append(Double((loop.now - begin).nanoseconds) / 1000) }
      try backend.inject(DeviceID("i\(number)"), ["active": false])
      for _ in 0..<4 { loop.turn(wait: false) }
    }
    return times
  }

  private func wait(_ time: Duration, _ loop: EventLoop) {
    var isOver = false
    loop.schedule(after: time) { isOver = true }
    while !isOver { loop.turn(wait: true) }
  }

  /// - Returns: KiB of a daemon with 100 inputs and rules.
  private func pss() throws -> Int {
    let folder = "\(scratch)/automations"
    try Files.makeFolder(folder)
    let inputs = (0..<Self.rules).map { "  i\($0): {kind: input}\n" }.joined()
    let rules = (0..<Self.rules).map {
      "  - {id: r\($0), on: \"input:i\($0)\", if: active, action: \"emit(bench:act, n: \($0))\"}\n"
    }.joined()
    for (name, text) in [
      ("board.yaml", "name: bench\nbackend: simulated\ndevices:\n\(inputs)"), ("rules.yaml", "rules:\n\(rules)"),
      ("openstarry.yaml", "board: board.yaml\nrules: [rules.yaml]\nhome: home\nsocket: control.sock\n"),
    ] {
      try Files.replace("\(folder)/\(name)", with: Array(text.utf8))
    }
    let process = try DaemonProcess(daemon, folder: folder, arguments: ["--config", "\(folder)/openstarry.yaml"])
    defer { process.stop() }
    sleep(10)
    return try ProcessProbe(pid: process.pid).memory().pss
  }

  /// Runs Home Assistant's engine, which is installed first where it is missing.
  /// - Returns: its figures by name; empty where it cannot be installed.
  private func homeAssistant() throws -> [Substring: [Double]] {
    let output = "\(scratch)/home-assistant"
    let file = try System.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    let program = "\(checkout)/Benchmarks/home-assistant"
    var plan = SpawnPlan("/bin/sh", ["sh", program, "\(Self.rules)", "\(Self.changes)"])
    plan.output = .descriptor(file.number)
    let status = try Spawn.wait(for: try Spawn.start(plan))
    let text = String(decoding: try Files.read(output), as: UTF8.self)
    var figures: [Substring: [Double]] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == "absent" { Report.line("Home Assistant", String(line.dropFirst("absent ".count))) }
      if words.count == 2, let figure = Double(words[1]) { figures[words[0], default: []].append(figure) }
    }
    guard status == 0 || text.hasPrefix("absent ") else { throw SystemError("run", program, errno: ECHILD) }
    return figures
  }
}
