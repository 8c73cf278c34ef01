import CLinux
import CompanionClient
import EventLoop
import Glibc
import Launcher
import Linux
import Model

/// The daemon's connection to the launcher: starts it or connects to it when the first program is started, and lets it
/// go when the last one has ended. Loop thread only.
package final class LauncherLink {
  /// What happens to a program. After `refused`, `ended` and `lost` nothing follows.
  package enum News: Sendable, Equatable {
    /// It runs; the process is that of its sandbox.
    case started(process: Int32)
    /// It could not be started.
    case refused(String)
    /// What it uses, as `measure` asked.
    case usage(LaunchUsage)
    /// It is gone.
    case ended(LaunchEnd)
    /// The launcher is gone, and all its programs with it.
    case lost(String)
  }

  /// What the launcher has found on this machine; nil before it has run.
  package private(set) var facts: LauncherFacts?

  /// The loop that it runs on.
  package let loop: EventLoop
  private let companion: CompanionLink<LauncherMessage>
  private var programs: [UInt32: (News) -> Void] = [:]
  private var lastID: UInt32 = 0
  /// The launcher's process, if this daemon has started it and it runs.
  package var process: Int32? { companion.process }

  /// Starts nothing yet.
  /// - Parameters:
  ///   - socket: where systemd listens for the launcher. nil, or a path where nothing listens: the daemon starts the
  ///     program itself.
  ///   - program: the launcher's program; nil when it is not installed.
  ///   - patience: how long the launcher may take for an answer.
  package init(
    _ loop: EventLoop, socket: String? = Environment.current()[LauncherLink.variable],
    program: String? = CompanionProgram.find("openstarry-launcher"), patience: Duration = .seconds(10)
  ) {
    self.loop = loop
    companion = CompanionLink(
      CompanionStart("openstarry-launcher", socket: socket, program: program), on: loop, patience: patience)
    companion.handlers = .init(hear: { [weak self] in self?.hear($0) }, lost: { [weak self] in self?.lose($0) })
  }

  /// The variable with the path of the launcher's socket. The daemon's unit sets it: a daemon that somebody starts beside
  /// the service has a launcher of its own.
  package static let variable = "OPENSTARRY_LAUNCHER"

  /// Whether programs run as another user than the daemon.
  package var hasOwnUser: Bool { geteuid() == 0 || companion.start.isService }

  /// Why no program could be started here; nil when one could.
  package var absence: String? {
    guard companion.start.isAbsent else { return nil }
    return "openstarry-launcher is not installed beside the daemon, so agents with the drivers 'process' and 'docker' "
      + "cannot run"
  }

  /// Starts a program.
  /// - Parameters:
  ///   - plan: made for the id that it is given.
  ///   - descriptors: the program's socket, its log, the seccomp filter; they stay the caller's.
  ///   - news: called later, never from within this call.
  /// - Returns: the program's id.
  /// - Throws: when there is no launcher, or the plan is too long, or not sound.
  package func start(
    _ plan: (UInt32) -> LaunchPlan, _ descriptors: [Int32], _ news: @escaping (News) -> Void
  ) throws(SystemError) -> UInt32 {
    try companion.open()
    defer { if programs.isEmpty { companion.release() } }
    lastID &+= 1
    let id = lastID
    let plan = plan(id)
    // The launcher could not even say whose plan it refuses.
    guard plan.isSound else { throw SystemError("pass", "the program's arguments", errno: EINVAL) }
    let message = LauncherMessage.start(plan)
    guard message.bytes.count <= LauncherMessage.longest else {
      throw SystemError("pass", "the program's arguments", errno: E2BIG)
    }
    try companion.send(message, descriptors, expectsAnswer: true)
    programs[id] = news
    return id
  }

  /// Sends a signal to a program; ignored when it has ended.
  package func signal(_ id: UInt32, _ number: Int32) { tell(.signal(id: id, number: number), id) }

  /// Ends a program and everything that it has started; `ended` follows.
  package func kill(_ id: UInt32) { tell(.kill(id: id), id) }

  /// Asks what a program uses; `usage` follows.
  package func measure(_ id: UInt32) { tell(.measure(id: id), id) }

  private func tell(_ message: LauncherMessage, _ id: UInt32) {
    guard programs[id] != nil else { return }
    let expectsAnswer = if case .signal = message { false } else { true }
    companion.tell(message, expectsAnswer: expectsAnswer)
  }

  /// Ends all programs and the launcher, and waits for nothing.
  package func close() {
    programs = [:]
    companion.close()
  }

  // MARK: News

  private func hear(_ message: LauncherMessage) {
    switch message {
    case .ready(let facts): self.facts = facts
    case .started(let id, let pid): programs[id]?(.started(process: pid))
    case .refused(let id, let step, let errno): finish(id, .refused(Self.sentence(step, errno)))
    case .usage(let id, let usage): programs[id]?(.usage(usage))
    case .ended(let id, let end): finish(id, .ended(end))
    default: break
    }
  }

  private static func sentence(_ step: LaunchStep, _ errno: Int32) -> String {
    let why = SystemError.text(errno)
    return switch step {
    case .group: "its control group cannot be set up: \(why)"
    case .data: "its folder for data cannot be made: \(why)"
    case .execute where errno == ENOENT: "bubblewrap is not installed: install the package 'bubblewrap'"
    case .execute: "bubblewrap cannot be started: \(why)"
    case .plan: "the launcher does not take more programs: \(why)"
    }
  }

  private func finish(_ id: UInt32, _ news: News) {
    let tell = programs.removeValue(forKey: id)
    if programs.isEmpty { companion.release() }
    tell?(news)
  }

  private func lose(_ reason: String) {
    let all = programs.sorted { $0.key < $1.key }.map(\.value)
    programs = [:]
    for tell in all { tell(.lost("the launcher is gone: \(reason)")) }
  }
}
