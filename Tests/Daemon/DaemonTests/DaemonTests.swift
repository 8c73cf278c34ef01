import Control
import Journal
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import TestKit
import Testing

@testable import Daemon

/// The whole daemon in this process, on a simulated board.
@Suite(.serialized) struct DaemonTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("board.yaml", "name: small\nbackend: simulated\ndevices: {fan: {kind: actuator}}\n")
    try folder.write(
      "openstarry.yaml",
      """
      board: \(folder.path)/board.yaml
      home: \(folder.path)/home
      socket: \(folder.path)/control.sock
      """)
  }

  /// Runs a daemon to its end.
  /// - Parameters:
  ///   - sign: the event after which it serves.
  ///   - act: called then; it has to end the daemon.
  private func run(_ more: [String] = [], after sign: String = "system:started", _ act: @escaping (Daemon) -> Void)
    throws
  {
    let arguments = try Arguments(["--config", "\(folder.path)/openstarry.yaml"] + more)
    let daemon = try Daemon(
      arguments, environment: [:], agents: [AgentType("idler", Idler.self)],
      journal: Journal(environment: ["OPENSTARRY_LOG": "emergency"]))
    var hasBegun = false
    _ = daemon.log.listen(EventPattern(sign)) { [unowned daemon] _ in
      if hasBegun { return }
      hasBegun = true
      // Not before the daemon has reported that it is ready.
      daemon.loop.schedule(after: .zero) { act(daemon) }
    }
    try daemon.run()
    #expect(hasBegun)
  }

  @Test func whatWasRegisteredInSafeModeIsNewerThanWhatWasKept() throws {
    func manifest(_ version: String) -> Value {
      [
        "identity": ["id": "guest", "name": "Guest", "version": .string(version)],
        "runtime": ["driver": "in-process", "entry": "idler"],
      ]
    }
    func register(_ daemon: Daemon, _ version: String, then act: @escaping () -> Void) {
      daemon.registrar.register(AgentRegistration(manifest: manifest(version), file: "guest.json"), cause: nil) {
        result in
        if case .failure(let error) = result { Issue.record("\(error)") }
        act()
      }
    }
    func version(_ daemon: Daemon) -> String? { (try? daemon.agents.manifest("guest"))?.version }
    try run { daemon in register(daemon, "1.0.0") { daemon.end() } }
    try run(["--safe-mode"], after: "system:safe_mode") { daemon in
      #expect(daemon.agents.listAgents().isEmpty)
      register(daemon, "2.0.0") {
        daemon.leaveSafeMode { isLeft in
          #expect(isLeft && version(daemon) == "2.0.0")
          // The earlier ends are forgiven, whatever ends the daemon now.
          let strikes = (try? Files.read("\(daemon.configuration.settings.home)/strikes.json")).map {
            String(decoding: $0, as: UTF8.self)
          }
          #expect(strikes?.contains("\"unclean\":[]") == true, "\(strikes ?? "none")")
          daemon.leaveSafeMode { #expect(!$0) }
          daemon.end()
        }
        // Nothing of it runs before that.
        #expect(daemon.safeMode != nil)
        daemon.leaveSafeMode { #expect(!$0, "it is about to") }
      }
    }
    try run { daemon in
      #expect(version(daemon) == "2.0.0")
      daemon.end()
    }
  }

  @Test func aModuleThatIsRefusedIsCalledByItsOwnNameAndLeavesNothing() throws {
    let file = "\(folder.path)/project/agent.json"
    let manifest: Value = [
      "identity": ["id": "guest", "name": "Guest"], "runtime": ["driver": "wasm", "entry": "build/guest.wasm"],
    ]
    try run { daemon in
      let handed = AgentRegistration(manifest: manifest, file: file, module: Array("no module".utf8))
      daemon.registrar.register(handed, cause: nil) { result in
        guard case .failure(.agent(let error)) = result else {
          Issue.record("\(result)")
          return daemon.end()
        }
        #expect(error.reason.hasPrefix("\(folder.path)/project/build/guest.wasm: byte 0: "), "\(error)")
        #expect(!Files.exists("\(daemon.configuration.settings.home)/registered/guest"))
        daemon.end()
      }
    }
  }

  @Test func filesInErrorsGetTheirNamesEverywhere() {
    func renamed(_ error: RegistrationError) -> String {
      guard case .agent(let error) = error else { return "" }
      return "\(error.calling("/x/1.wasm", "a.wasm"))"
    }
    #expect(
      renamed(.agent(.cannotRun("a", "/x/1.wasm: no; see /x/1.wasm")))
        == "agent 'a' cannot run: a.wasm: no; see a.wasm")
    #expect(renamed(.agent(.turnedBack("a", "version 2 failed: /x/1.wasm: it traps"))).hasSuffix("a.wasm: it traps"))
    #expect(renamed(.agent(.storage("/y is full"))).hasSuffix("/y is full"))
  }
}

private struct Idler: OpenStarryAgent.Agent {
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {}
}
