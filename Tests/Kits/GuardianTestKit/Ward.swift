import CLinux
import Config
import EventLoop
import Glibc
import GuardianClient
import HAL
import HALLinux
import Linux
import Model
import Orchestrator

/// A process that handles a board's outputs like the daemon, and nothing else, so that tests can kill it.
///
/// Arguments: `BOARD ROOT SOCKET GUARDIAN [leak] [uncharged] [log] [stop] [renew=MILLISECONDS]
/// [DEVICE=LEVEL[:SECONDS]]…`. It reports its held outputs, and when it is ready, on descriptor 3. With `log`, its
/// standard error and its guardian's go to `ward.log` in ROOT. With `stop` it stops (SIGSTOP) once it is ready. With
/// `renew` it repeats its commands at that interval.
package enum Ward {
  /// Runs until it is killed, or ends in good order after SIGTERM.
  /// - Parameter words: the arguments without the program's name.
  package static func run(_ words: [String]) -> Never {
    do {
      try serve(words)
      exit(0)
    } catch {
      try? System.writeAll(2, Array("ward: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func serve(_ words: [String]) throws {
    guard words.count >= 4 else { throw SystemError("ward", "BOARD ROOT SOCKET GUARDIAN", errno: EINVAL) }
    let (file, root, socket, program) = (words[0], words[1], words[2], words[3])
    var board = try ConfigText.board(try Files.read(file), file: file).0
    board.devices = board.devices.filter { if case .actuator = $0.kind { true } else { false } }
    if words.contains("log") {
      let file = try System.open("\(root)/ward.log", O_WRONLY | O_CREAT | O_APPEND)
      dup2(file.number, 2)
      _ = consume file
    }
    let loop = try EventLoop()
    let log = EventLog(clock: loop, capacity: 256, depthLimit: 16, later: { loop.later($0) })
    var lines: [String] = []
    _ = log.listen(EventPattern("*")) { lines.append("event \($0.type) \(EventSentence.text($0))") }
    let actuators = board.devices.compactMap { device -> (id: DeviceID, onExit: ActuatorSettings.OnExit)? in
      guard case .actuator(let settings) = device.kind else { return nil }
      return (device.id, settings.onExit)
    }
    let link = try GuardianLink(loop: loop, events: log, socket: socket, program: program, actuators: actuators)
    let backend = LinuxBackend(board: board, loop: loop, root: root, guardian: link)
    let hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
    try loop.onSignal(SIGTERM) { loop.stop() }
    try loop.onSignal(SIGXFSZ) {}
    link.start()
    hardware.open(leaseStore: link)
    if !words.contains("uncharged") { link.charge() }
    if words.contains("leak") { try leak() }
    let principal = Principal(name: "agent/ward", permissions: .all)
    var period: Duration?
    var commands: [() throws -> Void] = []
    for word in words.dropFirst(4) {
      let parts = word.split { $0 == "=" || $0 == ":" }
      guard parts.count >= 2, let level = Double(parts[1]) else { continue }
      if parts[0] == "renew" {
        period = .milliseconds(Int64(level))
        continue
      }
      let lease = parts.count > 2 ? Double(parts[2]) ?? 60 : 60
      commands.append {
        try hardware.controlActuator(
          DeviceID(String(parts[0])), .level(level), lease: .milliseconds(Int64(lease * 1000)), as: principal)
      }
    }
    for command in commands { try command() }
    func renew(every period: Duration) {
      loop.schedule(after: period) {
        for command in commands { try? command() }
        renew(every: period)
      }
    }
    if let period { renew(every: period) }
    var isLate = false
    loop.schedule(after: .seconds(10)) { isLate = true }
    while !hardware.confirmed && !isLate { loop.turn(wait: true) }
    if !hardware.confirmed { throw SystemError("wait for", lines.joined(separator: "\n"), errno: ETIMEDOUT) }
    func isUp() -> Bool { if case .starting = link.state { false } else { true } }
    while !isUp() && !isLate { loop.turn(wait: true) }
    for id in actuators.map(\.id) {
      guard let status = hardware.device(id), let holder = status.holder, let level = status.reading?.value else {
        continue
      }
      lines.append("holds \(id) \(level) \(holder)")
    }
    if case .running(let pid) = link.state { lines.append("guardian \(pid)") }
    lines.append("ready\n")
    try System.writeAll(3, Array(lines.joined(separator: "\n").utf8))
    // From now on report events at once.
    lines = []
    _ = log.listen(EventPattern("*")) { event in
      try? System.writeAll(3, Array("event \(event.type) \(EventSentence.text(event))\n".utf8))
    }
    if words.contains("stop") { kill(getpid(), SIGSTOP) }
    loop.run()
    var refusals: [Hardware.Refusal]?
    hardware.end(within: .milliseconds(500)) { refusals = $0 }
    while refusals == nil { loop.turn(wait: true) }
    let rest = (refusals ?? []).map(\.device)
    link.end(leaving: rest)
  }

  /// Passes the connection to the guardian to a child that survives, so that the ward's end does not close it.
  private static func leak() throws {
    let sockets = try Files.names(in: "/proc/self/fd").compactMap { Int32($0) }.filter { number in
      var kind: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      // SAFETY: the kernel writes one int.
      let result = unsafe getsockopt(number, SOL_SOCKET, SO_TYPE, &kind, &size)
      return result == 0 && kind == Int32(SOCK_SEQPACKET.rawValue)
    }
    let child = try Spawn.start("/bin/sleep", ["sleep", "20"], descriptors: sockets)
    try System.writeAll(3, Array("child \(child)\n".utf8))
  }
}

extension Hardware {
  /// Whether every actuator's hardware has confirmed its level.
  fileprivate var confirmed: Bool {
    board.devices.allSatisfy { device in
      guard case .actuator = device.kind else { return true }
      return self.device(device.id)?.reading?.quality == .good
    }
  }
}
