import Agent
import Model
import Watchdog

/// How daemons ended, as the crash record tells it, and what is held against agents: the real judgement on what a run
/// of the campaign knows.
final class PastLives {
  private(set) var strikes = Strikes()
  /// Why everything but the outputs is to be left alone; nil when nothing is.
  private(set) var safeMode: String?
  private var run: PastRun?
  private var boots = 1

  private var boot: String { "boot-\(boots)" }

  private func moment(_ line: Timeline) -> Strikes.Moment {
    Strikes.Moment(boot: boot, instant: line.now, wall: line.wallMilliseconds)
  }

  /// Judges how the daemon before has ended.
  func daemonStarts(at line: Timeline) {
    if let run { _ = strikes.note(Verdict.on(run, boot: boot), at: moment(line)) }
    safeMode = strikes.isBootLoop(at: moment(line)) ? "the daemon ended too often" : nil
    run = PastRun(boot: boot, pid: 1, started: line.now, stage: .serving)
  }

  /// A person wants everything to run again.
  func forgive() {
    safeMode = nil
    strikes.forgiveEnds()
  }

  /// A person lets an agent run again.
  func release(_ agent: AgentID) { _ = strikes.release(agent) }

  /// An agent's code got a signal of its own making.
  func agentCrashes(_ agent: AgentID, at now: Instant) {
    run?.activity = activity(agent, now)
    run?.fault = PastRun.Fault(signal: 11, code: 1, time: now)
  }

  /// The loop does not turn any more, using the CPU.
  func loopHangs(_ agent: AgentID?, at now: Instant) {
    run?.activity = agent.map { activity($0, now) }
    run?.beat = PastRun.Beat(time: now, cpu: .zero, delay: .zero)
  }

  /// It goes on.
  func loopTurns() {
    run?.beat = nil
    run?.activity = nil
  }

  /// It is gone; when it hung, the service manager's watchdog has ended it.
  func daemonEnds(inOrder: Bool, at now: Instant) {
    if inOrder { run?.stage = .ended }
    guard let beat = run?.beat, run?.fault == nil else { return }
    run?.fault = PastRun.Fault(signal: 6, code: 0, sender: 7, time: now, cpu: now - beat.time)
  }

  /// The next daemon runs in another boot.
  func powerGoes() { boots += 1 }

  private func activity(_ agent: AgentID, _ now: Instant) -> PastRun.Activity {
    PastRun.Activity(phase: .activation, agent: agent, event: nil, type: "", began: now)
  }
}
