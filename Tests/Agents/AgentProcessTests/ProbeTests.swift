import AgentProcess
import EventLoop
import Launcher
import LauncherClient
import Linux
import Model
import ProcessTestKit
import Testing

/// What traces of probes prove.
@Suite struct ProbeVerdictTests {
  private let all: LauncherFacts.Controllers = [.groups, .memory, .cpu, .pids]

  private func trace(_ lines: String..., code: Int32 = 0, _ change: (inout ProbeTrace) -> Void = { _ in }) -> ProbeTrace
  {
    var trace = ProbeTrace()
    trace.lines = lines
    trace.end = LaunchEnd(code: code, cpu: 700_000_000)
    trace.isGone = true
    change(&trace)
    return trace
  }

  private func outcome(
    _ probe: LimitProbe, _ trace: ProbeTrace,
    _ controllers: LauncherFacts.Controllers = [.groups, .memory, .cpu, .pids]
  ) -> ProbeResult.Outcome? { probe.verdict(trace, controllers).first?.outcome }

  @Test func memory() {
    let killed = trace("touched 21", code: 137) { $0.end?.isOutOfMemory = true }
    #expect(LimitProbe.memory.verdict(killed, all).first?.text.contains("memory.max") == true)
    #expect(outcome(.memory, killed) == .held)
    #expect(outcome(.memory, trace("refused 22"), [.groups, .cpu]) == .afterwards)
    #expect(outcome(.memory, trace("touched 64")) == .notHeld)
    #expect(outcome(.memory, trace("touched 3", code: 139)) == .notRun)
  }

  @Test func cpu() {
    #expect(outcome(.cpu, trace("elapsed 1000000", "used 205000")) == .held)
    #expect(outcome(.cpu, trace("elapsed 1000000", "used 990000")) == .notHeld)
    #expect(outcome(.cpu, trace("elapsed 1000000", "used 990000") { $0.measured = 9 << 20 }, []) == .afterwards)
    #expect(outcome(.cpu, trace("elapsed 1000000", "used 990000"), []) == .notRun)
    #expect(outcome(.cpu, trace()) == .notRun)
  }

  @Test func counts() {
    #expect(outcome(.processes, trace("started 13")) == .held)
    #expect(outcome(.processes, trace("started 64")) == .notHeld)
    #expect(outcome(.descriptors, trace("opened 32")) == .held)
    #expect(outcome(.file, trace("wrote 4096")) == .notHeld)
  }

  @Test func endsByOrder() {
    let ended = trace(code: 137) { $0.ending = .milliseconds(3) }
    #expect(outcome(.time, ended) == .held)
    #expect(outcome(.time, trace(code: 0)) == .notRun)
    #expect(outcome(.kill, ended) == .notRun)
    #expect(outcome(.kill, trace("deaf 3") { ($0.ending, $0.outlivedSignal) = (.milliseconds(3), true) }) == .held)
    #expect(outcome(.kill, trace("deaf 3") { $0.isGone = false }) == .notHeld)
    #expect(outcome(.kill, trace("deaf 3") { $0.end = nil }) == .notHeld)
  }

  @Test func aFloodIsReadAtItsRate() {
    let flood = { (bytes: Int) in
      self.trace(".") { ($0.bytes, $0.elapsed, $0.ending) = (bytes, .seconds(1), .zero) }
    }
    #expect(outcome(.log, flood(640 << 10)) == .held)
    #expect(outcome(.log, flood(4 << 20)) == .notHeld)
  }

  @Test func isolation() {
    let sets = ["CapPrm 0000000000000000", "CapEff 0000000000000000", "CapBnd 0000000000000000"]
    var seen = ProbeTrace()
    seen.lines = sets + ["NoNewPrivs 1", "Seccomp 2", "looked"]
    (seen.end, seen.isGone) = (LaunchEnd(code: 0), true)
    #expect(LimitProbe.isolation.verdict(seen, all).map(\.outcome) == [.held, .held, .held, .held, .held])
    seen.lines = ["CapEff 0000000000000400", "Seccomp 0", "sees /dev/gpiochip0", "interface eth0", "looked"]
    let results = LimitProbe.isolation.verdict(seen, all)
    #expect(results.map(\.outcome) == [.notHeld, .notHeld, .notHeld, .notHeld, .notHeld])
    #expect(results[3].text.contains("/dev/gpiochip0") && results[4].text.contains("eth0"))
    seen.lines = []
    #expect(outcome(.isolation, seen) == .notRun)
  }
}

/// The probes in real sandboxes.
@Suite(.enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")")) struct LimitProbesTests {
  @Test func everyLimitIsHeldOrMeasured() throws {
    let room = try SandboxRoom()
    let probes = LimitProbes(room.loop, room.launcher, hidden: [])
    var reports: [ProbeReport] = []
    #expect(probes.run { reports.append($0) })
    #expect(!probes.run { _ in }, "the second doctor is refused")
    room.run { !reports.isEmpty }
    let report = try #require(reports.first)
    #expect(report.obstacle == nil && reports.count == 1)
    #expect(report.launcher.map { $0.uid != 0 } == true)
    let names = report.results.map(\.limit)
    let more = LimitProbe.allCases.dropFirst().map(\.rawValue)
    #expect(names == ["capabilities", "no_new_privileges", "seccomp", "devices", "network"] + more)
    for result in report.results {
      #expect(result.outcome == .held || result.outcome == .afterwards, "\(result)")
    }
    // It can run again.
    #expect(probes.run { reports.append($0) })
    room.run { reports.count == 2 }
  }

  @Test func withoutALauncherTheReasonIsNamed() throws {
    let loop = try EventLoop()
    let launcher = LauncherLink(loop, socket: nil, program: nil)
    let probes = LimitProbes(loop, launcher, hidden: [])
    var report: ProbeReport?
    #expect(probes.run { report = $0 })
    loop.turn(wait: false)
    loop.turn(wait: false)
    #expect(
      report?.obstacle?.contains("openstarry-launcher is not installed") == true && report?.results.isEmpty == true)
  }
}
