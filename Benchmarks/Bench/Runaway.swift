import BenchmarkAgents
import CLinux
import Daemon
import Linux
import OpenStarryAgent

/// An in-process agent that never returns. It blocks the daemon until the service manager's watchdog kills it.
struct Runaway {
  /// The environment variable that makes this program a daemon with the benchmarks' agents.
  static let variable = "OPENSTARRY_BENCH_DAEMON"

  /// WatchdogSec of the simulated service manager, in milliseconds; 5 s in the unit.
  static let patience: Int32 = 1000

  /// Makes an agent spin, kills the daemon as systemd does after its watchdog time-out, and restarts it.
  /// - Returns: the milliseconds from the event to the exit of the process, and from there to READY.
  static func measure(folder: String, command: String) throws -> (stop: Double, back: Double) {
    try write(folder)
    let daemon = try start(folder)
    let begin = System.monotonicNanoseconds()
    let emit = try Spawn.start(
      "/bin/sh", ["sh", "-c", "exec '\(command)' emit bench:spin --socket '\(folder)/control.sock' >/dev/null"],
      environment: ["PATH=/usr/bin:/bin"])
    daemon.waitForSilence(milliseconds: patience)
    daemon.stop(SIGABRT)
    let ended = System.monotonicNanoseconds()
    kill(emit, SIGKILL)
    _ = try? Spawn.wait(for: emit)
    let next = try start(folder)
    let back = System.monotonicNanoseconds()
    next.stop()
    return (Double(ended - begin) / 1e6, Double(back - ended) / 1e6)
  }

  private static func start(_ folder: String) throws -> DaemonProcess {
    try DaemonProcess(
      "/proc/self/exe", folder: folder, arguments: ["--config", "\(folder)/openstarry.yaml"],
      environment: ["WATCHDOG_USEC=\(patience * 1000)", "\(variable)=1"])
  }

  private static func write(_ folder: String) throws {
    try Files.makeFolder(folder)
    let files = [
      "board.yaml": "name: runaway\nbackend: simulated\ndevices: {}\n", "rules.yaml": "rules: []\n",
      "openstarry.yaml":
        "board: board.yaml\nagents: [.]\nrules: [rules.yaml]\nhome: home\nsocket: control.sock\n",
      "workload.agent.json": """
      {"identity": {"id": "workload", "name": "Workload"},
       "runtime": {"driver": "in-process", "entry": "workload"}, "subscribe": ["bench:spin"]}
      """,
    ]
    for (name, text) in files { try Files.replace("\(folder)/\(name)", with: Array(text.utf8)) }
  }
}
