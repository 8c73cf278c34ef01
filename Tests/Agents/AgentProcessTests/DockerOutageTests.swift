import Agent
import AgentProcess
import Glibc
import LauncherClient
import Linux
import Model
import ProcessTestKit
import Testing

/// A Docker engine that hangs, ends, or is not there.
@Suite(.enabled(if: DockerRoom.absence == nil, "\(DockerRoom.absence ?? "")"), .serialized)
struct DockerOutageTests {
  private let engine: DockerRoom
  private let agent: ContainerAgentCase

  init() throws {
    engine = try DockerRoom()
    // Less than a stage waits for its engine.
    agent = try ContainerAgentCase(.docker, socket: engine.socket, patience: .seconds(20))
  }

  private func runs(_ name: String) -> Int { ContainerAgentCase.processes(with: "sleep\u{0}\(name)").count }

  @Test func anAgentOfAHungEngineCanBeStopped() throws {
    try agent.startReady("(exec sleep 8101) & exec sleep 8101")
    agent.room.run { runs("8101") == 2 }
    engine.hang()
    defer { engine.goOn() }
    agent.stop(now: true)
    agent.room.run { runs("8101") == 0 }
    #expect(runs("8101") == 0)
    #expect(try Files.names(in: agent.room.door) == [])
  }

  @Test func anAgentOfAHungEngineGetsSignals() throws {
    try agent.startReady("trap 'echo drained; exit 0' TERM; echo set; while :; do sleep 0.1; done") {
      $0.policy.grace = .milliseconds(300)
    }
    agent.room.run { agent.host.lines == ["set"] }
    engine.hang()
    defer { engine.goOn() }
    agent.stop(now: false)
    // Then the engine's silence is in its log.
    #expect(agent.host.lines.starts(with: ["set", "drained"]), "\(agent.host.lines)")
  }

  @Test func aStartInAHungEngineCanBeGivenUp() throws {
    engine.hang()
    defer { engine.goOn() }
    let manifest = agent.room.manifest("exec sleep 8202")
    agent.room.driver.start(manifest, host: agent.host, ended: { _ in }) { [agent] in agent.started = $0 }
    // Its stage waits for the engine.
    agent.room.run { (try? Files.names(in: agent.room.door))?.isEmpty == false }
    agent.room.driver.cancelStart(of: manifest.id)
    agent.room.run { agent.started != nil }
    #expect(agent.startFailure?.reason == .killed, "\(agent.startFailure as Any)")
    #expect(try Files.names(in: agent.room.door) == [])
  }

  @Test func nothingOfAHungEngineOutlivesTheLauncher() throws {
    try agent.startReady("exec sleep 8303")
    agent.room.run { runs("8303") == 1 }
    engine.hang()
    defer { engine.goOn() }
    kill(try #require(agent.room.launcher.process), SIGKILL)
    agent.room.run { !agent.ends.isEmpty && runs("8303") == 0 }
    #expect(runs("8303") == 0)
    agent.room.run { (try? Files.names(in: agent.room.door)) == [] }
    #expect(try Files.names(in: agent.room.door) == [])
  }

  @Test func anEngineThatKeepsSilentIsAway() throws {
    engine.hang()
    defer { engine.goOn() }
    try agent.start("exec sleep 8404")
    #expect(agent.startFailure?.reason == .engineAway)
    #expect(agent.startFailure?.message.contains("\(engine.socket) does not answer") == true)
  }

  /// What happens when the machine's owner installs a new version of it.
  @Test func anEngineThatIsRestarted() throws {
    try agent.startReady("exec sleep 8505")
    engine.stop()
    agent.room.run { !agent.ends.isEmpty }
    #expect(agent.ends.map(\.failure.reason) == [.engineAway] && runs("8505") == 0, "\(agent.ends)")
    agent.ends = []
    // What its agents need is checked without the engine.
    try agent.room.driver.validate(agent.room.manifest("exec sleep 8505"))
    try agent.start("exec sleep 8505")
    #expect(agent.startFailure?.reason == .engineAway, "\(agent.startFailure as Any)")
    #expect(agent.startFailure?.message.contains("is the engine running") == true, "\(agent.startFailure as Any)")
    try engine.start()
    try agent.startReady("exec sleep 8505")
    agent.stop(now: true)
  }
}
