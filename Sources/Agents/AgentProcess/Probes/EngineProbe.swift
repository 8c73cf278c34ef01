import EventLoop
import Launcher
import LauncherClient
import Linux
import Model
import Wire

/// Asks which Docker engine answers, through the launcher: its rights decide, not those of the daemon. Loop thread only.
package final class EngineProbe {
  /// What was found.
  package enum Answer: Sendable, Equatable {
    /// An engine of this version answers.
    case version(String)
    /// None does, or the launcher may not use it: a sentence with the remedy.
    case obstacle(String)

    var fields: Value {
      switch self {
      case .version(let version): ["version": .string(version), "obstacle": .null]
      case .obstacle(let obstacle): ["version": .null, "obstacle": .string(obstacle)]
      }
    }
  }

  private let loop: EventLoop
  private let launcher: LauncherLink
  private let socket: String
  private let system: SystemFiles
  private var output: AgentOutput?
  private var done: ((Answer) -> Void)?

  /// Starts nothing yet.
  /// - Parameters:
  ///   - launcher: that of the agents.
  ///   - socket: the engine's.
  package init(_ loop: EventLoop, _ launcher: LauncherLink, socket: String, system: SystemFiles = SystemFiles()) {
    self.loop = loop
    self.launcher = launcher
    self.socket = Files.join(Files.resolveExisting("."), socket)
    self.system = system
  }

  /// Asks once.
  /// - Parameter done: called once, later. The launcher's process for it gives up after five seconds.
  package func run(_ done: @escaping (Answer) -> Void) {
    self.done = done
    let confinement = Confinement(
      words: [system.stage, "--engine", socket], environment: [], refused: [], filter: nil)
    do throws(SystemError) {
      let sockets = try UnixSocket.pair()
      let ours = Descriptor(owning: sockets.0)
      let theirs = Descriptor(owning: sockets.1)
      let log = try AgentOutput.open()
      let writing = Descriptor(owning: log.program)
      let output = AgentOutput(Descriptor(owning: log.daemon), on: loop) { _ in }
      try output.start()
      self.output = output
      _ = try launcher.start(
        { confinement.plan($0, name: "engine", LaunchLimits()) }, [theirs.number, writing.number]
      ) { [self] in take($0) }
      _ = ours.number
    } catch {
      loop.later { [self] in finish(.obstacle("the launcher cannot be asked: \(error)")) }
    }
  }

  private func take(_ news: LauncherLink.News) {
    switch news {
    case .started, .usage: break
    case .refused(let why), .lost(let why): finish(.obstacle(why))
    case .ended(let end):
      output?.finish()
      let text = output?.last ?? "the launcher does not say what is at \(socket)"
      finish(end.code == 0 ? .version(text) : .obstacle(text))
    }
  }

  private func finish(_ answer: Answer) {
    output?.finish()
    output = nil
    let done = done.take()
    done?(answer)
  }
}
