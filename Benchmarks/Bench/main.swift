import AgentInProcess
import AgentWASM
import BenchmarkAgents
import CLinux
import Daemon
import EventLoop
import GuardianTestKit
import Linux
import Model
import OpenStarryAgent
import TestKit

// make bench: measures the figures of the README. Usage: bench FOLDER-WITH-openstarryd CHECKOUT SECONDS-AT-REST [SECTION…]

// This program compiles modules in child processes of itself.
if let code = ModuleCompiler.runIfAsked(CommandLine.arguments) { exit(code) }
// The benchmark of the guardian kills a child process of this program.
if CommandLine.arguments.dropFirst().first == "--ward" { Ward.run(Array(CommandLine.arguments.dropFirst(2))) }

if Environment.current()[Runaway.variable] != nil {
  OpenStarry.run(agents: [AgentType("workload", Workload.self)])
}
let arguments = CommandLine.arguments
if arguments.count == 4, arguments[1] == Modules.memoryArgument {
  do {
    try Modules(scratch: arguments[2], module: arguments[3]).memory()
    exit(0)
  } catch {
    print("bench: \(error)")
    exit(1)
  }
}
guard arguments.count >= 4, let rest = Int(arguments[3]) else {
  print("usage: bench BIN-FOLDER CHECKOUT SECONDS-AT-REST [SECTION…]")
  exit(64)
}
let (binaries, checkout) = (arguments[1], arguments[2])

let wanted = Set(arguments.dropFirst(4))
let scratch = "/tmp/openstarry-bench-\(getpid())"
let daemon = "\(binaries)/openstarryd"

func fileSize(_ path: String) throws -> String {
  let bytes = try Files.read(path, limit: 256 << 20).count
  return "\(SampleDistribution.round(Double(bytes) / 1_048_576)) MiB"
}

func size() throws {
  Report.section("Size")
  Report.line("openstarryd, stripped", try fileSize(daemon), goal: "10 MiB")
  Report.line("openstarry, stripped", try fileSize("\(binaries)/openstarry"))
}

func start() throws {
  let idle = try IdleConfiguration(folder: scratch, agents: 10)
  Report.section("Start to READY, simulated board, 10 agents")
  var starts: [Double] = []
  for _ in 0..<20 {
    let process = try DaemonProcess(daemon, folder: scratch, arguments: idle.arguments)
    starts.append(process.startMilliseconds)
    process.stop()
  }
  Report.line("exec to READY=1", SampleDistribution(starts).text("ms"), goal: "8 ms")
}

func watchdog() throws {
  let idle = try IdleConfiguration(folder: scratch, agents: 10)
  Report.section("Watchdog")
  // Fed every 5 s, half as often as in the unit (WatchdogSec=5).
  let fed = try DaemonProcess(
    daemon, folder: scratch, arguments: idle.arguments, environment: ["WATCHDOG_USEC=10000000"])
  sleep(15)
  let fedProbe = ProcessProbe(pid: fed.pid)
  let before = try fedProbe.wakeUps()
  sleep(UInt32(rest))
  Report.line(
    "wake-ups in \(rest) s, fed every 5 s", "\(try fedProbe.wakeUps() - before)", goal: "\(rest / 5)")
  let pssReads = try MeterCost.pss(of: fed.pid, 2_000)
  fed.stop()
  let overhead = try WatchdogOverhead(folder: scratch)
  Report.line("crash record, per activation", SampleDistribution(overhead.activations(50_000)).text("ns"))
  Report.line("reading the kernel's clocks, per beat", SampleDistribution(overhead.beats(5_000)).text("µs"))
  Report.line("reading the daemon's PSS", SampleDistribution(pssReads).text("µs"))
  let group = try MeterCost.group(2_000).map { SampleDistribution($0).text("µs") }
  Report.line("reading a control group", group ?? "no control group with a memory controller here")

  var (stops, backs): ([Double], [Double]) = ([], [])
  // Use a new folder each time: after three strikes in one folder the agent would be quarantined.
  for round in 0..<5 {
    let measured = try Runaway.measure(folder: "\(scratch)/runaway-\(round)", command: "\(binaries)/openstarry")
    stops.append(measured.stop)
    backs.append(measured.back)
  }
  Report.line("stop an in-process spinner, WatchdogSec=1", SampleDistribution(stops).text("ms"))
  Report.line("the daemon's next READY", SampleDistribution(backs).text("ms"), goal: "1000 ms")
}

func reflex() throws {
  Report.section("Reflex: edge → rule → in-process agent → actuator")
  let inProcess = InProcessDriver(types: [AgentType("workload", Workload.self)])
  let reflex = try Reflex(loop: EventLoop(), driver: inProcess, entry: "workload")
  Report.line("latency", SampleDistribution(try reflex.measure(20_000)).text("µs"), goal: "p50 6 µs, p99 12 µs")
}

func guardian() throws {
  Report.section("Guardian, 16 outputs")
  let program = "\(binaries)/openstarry-guardian"
  let death = try GuardianDeath(
    guardian: program, outputs: 16, rounds: 100, rest: UInt64(min(rest, 10)) * 1_000_000_000)
  Report.line(
    "SIGKILL of the daemon to all safe", SampleDistribution(death.times).text("ms"), goal: "p50 1.5 ms, p99 10 ms")
  Report.line("guardian: size", try fileSize(program))
  Report.line("guardian: PSS", "\(SampleDistribution.round(Double(death.pss) / 1024)) MiB", goal: "0.5 MiB")
  Report.line("guardian: private dirty", "\(SampleDistribution.round(Double(death.privateDirty) / 1024)) MiB")
  Report.line("guardian: wake-ups in \(min(rest, 10)) s", "\(death.wakeUps)", goal: "0")

  let hold = try HoldCost(guardian: program, folder: scratch)
  Report.line("lease renewed, without a packet to it", SampleDistribution(hold.renewals(100_000)).text("ns"))
  Report.line("lease renewed, with a packet to it", SampleDistribution(hold.packets(100_000)).text("ns"))
  hold.end()
  if Files.isInMemory("/dev/shm") {
    for rate in [6, 60] {
      let changes = try HoldCost.changes(100_000, folder: "/dev/shm", rate: rate)
      Report.line("storing a change, max_rate: \(rate)/m", SampleDistribution(changes).text("ns"))
    }
  } else {
    Report.line("storing a change", "/dev/shm is not in memory here")
  }
}

func matching() throws {
  Report.section("Rule matching")
  for rules in [10, 1000, 10_000] {
    let rate = try Matching.rate(rules: rules, events: 500_000)
    Report.line("\(rules) event rules", "\(Int(rate)) events/s", goal: rules == 10_000 ? "5000000/s" : nil)
  }
  for rules in [10, 1000, 10_000] {
    let rate = try StateMatching.rate(rules: rules, events: 500_000)
    Report.line(
      "\(rules) rules, half of them state rules", "\(Int(rate)) events/s", goal: rules == 10_000 ? "5000000/s" : nil)
  }
  Report.line(
    "value > 30.0 && sensor('door') == 1.0", "\(Int(try StateMatching.evaluation(times: 500_000))) ns", goal: "300 ns")
}

let sections: [(name: String, report: () throws -> Void)] = [
  ("size", size),
  ("start", start),
  (
    "footprint",
    {
      let idle = try IdleConfiguration(folder: scratch, agents: 10)
      try Footprints(daemon: daemon, scratch: scratch, checkout: checkout, rest: rest).report(idle)
    }
  ),
  ("watchdog", watchdog),
  ("reflex", reflex),
  ("wasm", { try Modules(scratch: scratch, folder: "\(checkout)/.build/bench", daemon: daemon).report() }),
  ("programs", { try Processes(programs: binaries, scratch: scratch, checkout: checkout).report() }),
  (
    "network",
    { try Network.report(proxy: "\(binaries)/openstarry-proxy", checkout: checkout, scratch: scratch) }
  ),
  ("models", { try Models.report(gateway: "\(binaries)/openstarry-model", checkout: checkout, scratch: scratch) }),
  ("mind", { try Minds.report(mind: "\(binaries)/openstarry-mind", checkout: checkout, scratch: scratch) }),
  ("mcp", { try ContextProtocol.report(programs: binaries, checkout: checkout, scratch: scratch) }),
  (
    "containers",
    {
      if let absence = Containers.absence { return Report.line("Agents in containers", absence) }
      try Containers(programs: binaries, scratch: scratch, checkout: checkout).report()
    }
  ),
  ("guardian", guardian),
  ("json", JSONReaders.report),
  ("matching", matching),
  ("tokens", { try TokenCost.report(scratch: scratch) }),
  ("automations", { try Automations(checkout: checkout, scratch: scratch, daemon: daemon).report() }),
]

for name in wanted where !sections.contains(where: { $0.name == name }) {
  print("bench: there is no section '\(name)', only \(sections.map(\.name).joined(separator: ", "))")
  exit(64)
}
func end(_ code: Int32) -> Never {
  TemporaryFolder.remove(scratch)
  exit(code)
}

do {
  try Files.makeFolder(scratch)
  // Unwritten pages of a fresh binary would count as dirty.
  sync()
  for section in sections where wanted.isEmpty || wanted.contains(section.name) { try section.report() }
  end(0)
} catch {
  print("bench: \(error)")
  end(1)
}
