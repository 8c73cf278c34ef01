import GuardianTestKit
import Linux

/// Measures the time from the daemon's SIGKILL to safe outputs, and the costs of the guardian. The outputs are
/// simulated PWM channels, files in memory.
struct GuardianDeath {
  /// The times from the kill to the last safe output, in milliseconds.
  private(set) var times: [Double] = []
  /// The memory of the idle guardian, in KiB.
  private(set) var pss = 0
  private(set) var privateDirty = 0
  /// The wake-ups of the idle guardian within `rest`.
  private(set) var wakeUps = 0

  /// - Parameters:
  ///   - guardian: the guardian's program.
  ///   - outputs: the number of outputs.
  ///   - rounds: the number of kills.
  ///   - rest: the time for which the idle guardian is observed, in nanoseconds.
  init(guardian: String, outputs: Int, rounds: Int, rest: UInt64) throws {
    let fixture = try PWMFixture(channels: outputs, in: Files.isFolder("/dev/shm") ? "/dev/shm" : "/tmp")
    let board = try fixture.board([String](repeating: "", count: outputs))
    let program = try Files.resolve("/proc/self/exe")
    let commands = (0..<outputs).map { "o\($0)=1" }
    for round in 0..<rounds {
      let ward = try WardProcess(
        program, ["--ward"], board: board, root: fixture.root, socket: fixture.socket, guardian: guardian, commands)
      if round == 0 {
        let probe = ProcessProbe(pid: ward.guardian)
        Pause.wait(nanoseconds: 200_000_000)
        let before = try probe.wakeUps()
        Pause.wait(nanoseconds: rest)
        wakeUps = try probe.wakeUps() - before
        (pss, privateDirty) = try probe.memory()
      }
      let time = try ward.timeOfKill { try (0..<outputs).allSatisfy { try fixture.text($0) == "0" } }
      guard let time else { throw SystemError("wait for", "safe outputs", errno: 110) }
      times.append(Double(time) / 1e6)
    }
  }
}
