import Glibc
import Linux
import Model
import Testing

/// Which daemon a command talks to when no socket is named: one in the current folder, or one in place of the system's.
///
/// On a machine with a daemon of its own these tests would move its board.
@Suite(.enabled(if: !Files.exists("/run/openstarry/control.sock")))
struct SearchTests {
  private func station(_ name: String) throws -> Station {
    try Station(files: ["board.yaml": quietBoard.replacing("name: quiet", with: "name: \(name)")])
  }

  /// Runs a command in the folder of `local` without naming a socket.
  private func start(_ words: [String], _ local: Station, _ system: Station) throws -> Program {
    try local.start(
      "openstarry", words,
      ["OPENSTARRY_SOCKET": "", "HOME": "\(local.folder)/nobody", "XDG_RUNTIME_DIR": "\(system.folder)/run"])
  }

  private func run(_ words: String..., local: Station, system: Station) throws -> Station.Outcome {
    let command = try start(words, local, system)
    let code = command.wait()
    return Station.Outcome(code: code, output: command.output, errors: command.errors)
  }

  private let own = ".openstarry/control.sock"
  private func startBoth(_ local: Station, _ system: Station) throws -> (Program, Program) {
    (try local.daemon(["--socket", own]), try system.daemon(["--socket", "run/openstarry/control.sock"]))
  }

  @Test func theNearestThatLivesIsUsedAndNamed() throws {
    let (local, system) = (try station("near"), try station("far"))
    let (near, far) = try startBoth(local, system)
    let first = try run("set", "lamp", "on", local: local, system: system)
    #expect(first.output == "lamp on (was off)\nboard 'near' (socket \(own))\n" && first.errors.isEmpty, "\(first)")
    near.send(SIGKILL)
    #expect(near.wait() == 128 + SIGKILL)
    // A dead daemon does not hide others.
    let second = try run("set", "lamp", "on", local: local, system: system)
    let socket = "\(system.folder)/run/openstarry/control.sock"
    #expect(second.output == "lamp on (was off)\nboard 'far' (socket \(socket))\n", "\(second)")
    #expect(second.errors.contains("nobody listens on \(own)") && second.errors.contains("using \(socket)"))
    far.send(SIGKILL)
    #expect(far.wait() == 128 + SIGKILL)
    let third = try run("set", "lamp", "on", local: local, system: system)
    #expect(third.code == 3 && third.errors.contains("nobody listens on \(own)"), "\(third)")
  }

  @Test func anEmergencyStopStopsAllThatMayBeMeant() throws {
    let (local, system) = (try station("near"), try station("far"))
    let (near, far) = try startBoth(local, system)
    // A daemon that hangs does not delay the others.
    near.send(SIGSTOP)
    let stop = try start(["estop"], local, system)
    #expect(eventually { stop.output.contains("board 'far'") })
    #expect(stop.exitCode == nil && !stop.output.contains("board 'near'"))
    // Somebody at the machine hears soon that one of them is silent.
    #expect(eventually { stop.errors.contains("NOT KNOWN TO BE STOPPED: \(own) has not answered for 2s") })
    near.send(SIGCONT)
    #expect(stop.wait() == 0)
    #expect(stop.output.contains("board 'near' (socket \(own))"))
    #expect(stop.output.split(separator: "\n").count { $0.hasPrefix("STOPPED") } == 2)
    // The command names the daemons that were cleared.
    let clear = try run("estop", "--clear", local: local, system: system)
    #expect(clear.code == 2 && clear.errors.contains("--socket \(own) or --socket "), "\(clear)")
    let cleared = try run("estop", "--clear", "--socket", own, local: local, system: system)
    #expect(cleared.code == 0 && cleared.output.contains("board 'near'"))
    #expect(try run("set", "lamp", "on", local: local, system: system).code == 0)
    #expect(far.exitCode == nil)
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away")) func aPlantedSocketIsNotObeyed() throws {
    let (local, system) = (try station("planted"), try station("far"))
    let (near, far) = try startBoth(local, system)
    #expect(unsafe chown("\(local.folder)/\(own)", 70_001, 70_001) == 0)
    let sentence = "the socket \(own) belongs to 'uid70001'"
    let set = try run("set", "lamp", "on", local: local, system: system)
    #expect(set.code == 0 && set.output.contains("board 'far'") && set.errors.contains(sentence), "\(set)")
    let stop = try run("estop", local: local, system: system)
    #expect(stop.output.contains("board 'far'") && !stop.output.contains("planted"))
    // The exit code says that perhaps not every daemon was stopped.
    #expect(stop.code == 4 && stop.errors.contains(sentence), "\(stop)")
    far.send(SIGTERM)
    #expect(far.wait() == 0)
    let alone = try run("estop", local: local, system: system)
    #expect(alone.code == 4 && alone.output.isEmpty && alone.errors.contains(sentence), "\(alone)")
    #expect(near.exitCode == nil)
  }
}
