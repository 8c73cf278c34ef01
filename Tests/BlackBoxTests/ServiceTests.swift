import Glibc
import Linux
import Model
import Testing

/// What the daemon tells the service manager (sd_notify(3)), and what a person tells it line by line.
@Suite struct ServiceTests {
  @Test func theServiceManagerHearsEverything() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let manager = try NotifySocket("\(station.folder)/notify")
    let daemon = try station.daemon(
      environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"])
    #expect(manager.hears("READY=1\nSTATUS=quiet, 5 devices, 0 agents, 0 rules"), "\(manager.heard)")
    #expect(eventually { manager.count("WATCHDOG=1") >= 5 }, "\(manager.heard)")

    try station.write("orchestration.yaml", "rules: [{on: 1}]\n")
    daemon.send(SIGHUP)
    #expect(manager.hears { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") }, "\(manager.heard)")
    // Also when the reload failed: the rules in force go on.
    #expect(eventually { manager.count("READY=1") == 2 }, "\(manager.heard)")

    daemon.send(SIGTERM)
    #expect(manager.hears { $0.hasPrefix("STOPPING=1\n") }, "\(manager.heard)")
    #expect(daemon.wait() == 0)
  }

  @Test(arguments: [[:], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"]])
  func aWatchdogThatIsNotForItIsNotFed(_ environment: [String: String]) throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let manager = try NotifySocket("\(station.folder)/notify")
    let daemon = try station.daemon(
      ["--for", "500ms"], environment: environment.merging(["NOTIFY_SOCKET": manager.path]) { $1 })
    #expect(daemon.wait() == 0)
    #expect(manager.hears { $0.hasPrefix("STOPPING=1\n") })
    #expect(manager.count("WATCHDOG=1") == 0, "\(manager.heard)")
  }

  @Test(arguments: ["\\n", "\\r", "\\r\\n"]) func theConsoleWorksOverAnyLine(_ lineEnd: String) throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let daemon = try station.daemon()
    let typed = ["read temperature", "openstarry set fan on", "why fan", "redd x", "set 'fan", "", "exit", "status"]
      .joined(separator: lineEnd)
    let console = try station.start(
      "sh", ["-c", "printf \"$1\" | \"$2\" console", "sh", typed, try Station.executable("openstarry")])
    #expect(console.wait() == 0)
    let lines = console.output
    #expect(lines.hasPrefix("openstarry console: quiet\n5 devices, 0 of 0 agents running, 0 rules\n"), "\(lines)")
    #expect(lines.contains("quiet> temperature 21"), "\(lines)")
    #expect(lines.contains("quiet> fan on (was off)"), "\(lines)")
    #expect(lines.contains("a quote is not closed; nothing was done"), "\(lines)")
    #expect(console.errors.contains("redd"), "\(console.errors)")
    #expect(lines.hasSuffix("bye\n"), "what follows 'exit' is not carried out: \(lines)")
    #expect(!lines.contains("\u{1B}"))
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func theConsoleOpensWithoutADaemon() throws {
    let station = try Station()
    let console = try station.run("console")
    #expect(console.code == 0)
    #expect(console.output.contains("no daemon"), "\(console.output)")
    #expect(console.output.hasSuffix("openstarry> \n"), "\(console.output)")
  }
}

/// The service manager's end: a datagram socket.
private final class NotifySocket {
  let path: String
  private let socket: Descriptor
  private(set) var heard: [String] = []

  init(_ path: String) throws {
    self.path = path
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    socket = try Descriptor(checking: Glibc.socket(AF_UNIX, type, 0), "socket")
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    // SAFETY: a sockaddr_un may be read as the sockaddr it begins with.
    let result = unsafe withUnsafePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        unsafe bind(socket.number, name, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw SystemError("bind", path) }
  }

  func hears(_ message: String) -> Bool { hears { $0 == message } }

  func hears(_ isRight: (String) -> Bool) -> Bool {
    eventually {
      listen()
      return heard.contains(where: isRight)
    }
  }

  /// How many messages so far begin with this assignment.
  func count(_ assignment: String) -> Int {
    listen()
    return heard.count { $0 == assignment || $0.hasPrefix("\(assignment)\n") }
  }

  private func listen() {
    while true {
      var message: [UInt8] = []
      guard let count = try? System.read(socket.number, into: &message), count > 0 else { return }
      heard.append(String(decoding: message, as: UTF8.self))
    }
  }
}
