import CLinux
import Document
import Glibc
import Linux
import Model
import Testing

/// The watchdogs are fed by the daemon's loop only.
@Suite struct WatchdogTests {
  private func station() throws -> Station {
    try Station(files: ["board.yaml": quietBoard, "agents/bad/agent.json": manifest("bad", entry: "hostile")])
  }

  @Test(arguments: ["block", "spin"]) func aStuckHandlerIsNotFedAndIsNamed(_ how: String) throws {
    let station = try station()
    let manager = try NotifySocket("\(station.folder)/notify")
    let environment = ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"]
    let daemon = try station.daemon(environment: environment, program: "hostile-firmware")
    #expect(eventually { manager.count("WATCHDOG=1") >= 3 }, "\(manager.heard)")
    let client = try station.start("openstarry", ["wake", "bad", "x:y", "how=\(how)"])
    #expect(manager.falls(silentAfter: "WATCHDOG=1"), "\(manager.heard)")
    // As systemd does.
    daemon.send(SIGABRT)
    #expect(daemon.wait() == 128 + SIGABRT)
    _ = client.wait()
    let last = try station.daemon(program: "hostile-firmware")
    let event = try #require(try station.events("system:unclean_start").last?["payload"])
    if how == "spin" && event["ending"]?.string == "starved" {
      // This machine was too busy to tell.
      #expect(event["agent"] == nil, "\(event)")
      return
    }
    #expect(event["ending"]?.string == (how == "spin" ? "stuck.spinning" : "stuck.blocked"), "\(event)")
    #expect(event["agent"]?.string == "bad", "\(event)")
    #expect(event["message"]?.string?.contains("while agent bad handled x:y") == true, "\(event)")
    #expect(last.exitCode == nil)
  }

  @Test func aLateTurnIsAnEventWithItsCause() throws {
    let station = try station()
    let manager = try NotifySocket("\(station.folder)/notify")
    let last = try station.daemon(
      environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"], program: "hostile-firmware")
    #expect(try station.run("wake", "bad", "x:y", "how=late", "ms=1500").code == 0)
    #expect(try station.waitFor("system:late"))
    let late = try #require(try station.events("system:late").last?["payload"])
    // A busy machine has the same effect.
    #expect(["busy", "starved"].contains(late["cause"]?.string), "\(late)")
    if late["cause"]?.string == "busy" {
      #expect(late["longest"]?.string?.hasPrefix("agent bad, 1.") == true, "\(late)")
    }
    let status = try #require(try station.run("status", "--json").json)
    #expect(status["watchdog"]?["fed"]?.string == "systemd" && status["watchdog"]?["every"]?.string == "100ms")
    #expect(last.exitCode == nil)
  }

  @Test func theHardwaresWatchdogIsFedAndStoppedInTheEnd() throws {
    let station = try station()
    let dog = try Dog(station)
    let daemon = try station.daemon()
    #expect(eventually { dog.heard.count >= 3 })
    #expect(try station.run("status", "--json").json?["watchdog"]?["fed"]?.string == "hardware")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    #expect(dog.heard.hasSuffix("fV") && !dog.heard.dropLast().contains("V"), "\(dog.heard)")
  }

  @Test func theHardwaresWatchdogStaysOnWhenTheDaemonDies() throws {
    let station = try station()
    let dog = try Dog(station)
    let daemon = try station.daemon()
    #expect(eventually { dog.heard.count >= 2 })
    daemon.send(SIGKILL)
    _ = daemon.wait()
    #expect(!dog.heard.contains("V"), "\(dog.heard)")
  }

  @Test func theHardwaresWatchdogIsStoppedWhenTheStartIsRefused() throws {
    let actuators = (0..<16).map { "  lamp\($0): {kind: actuator}\n" }.joined()
    let station = try Station(files: ["board.yaml": "name: lamps\nbackend: simulated\ndevices:\n\(actuators)"])
    let dog = try Dog(station, more: "guardian: true\n")
    // Daemon and guardian share a file in memory; this limit makes it impossible.
    let command =
      "trap '' XFSZ; exec prlimit --fsize=4000 \(try Station.executable("openstarryd")) --config openstarry.yaml"
    let daemon = try station.start("sh", ["-c", command])
    #expect(daemon.wait() == 69)
    #expect(daemon.errors.contains("no memory for the guardian"), "\(daemon.errors)")
    #expect(dog.heard == "V")
  }

  @Test func systemdsWatchdogGoesBeforeTheHardwares() throws {
    let station = try station()
    let dog = try Dog(station)
    let manager = try NotifySocket("\(station.folder)/notify")
    let daemon = try station.daemon(environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"])
    #expect(eventually { manager.count("WATCHDOG=1") >= 3 })
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    #expect(dog.heard.isEmpty)
  }

  @Test func aWatchdogThatIsNotThereIsSaid() throws {
    let station = try station()
    try station.write("openstarry.yaml", "board: board.yaml\nhome: home\nsocket: control.sock\nwatchdog: nowhere\n")
    let daemon = try station.daemon()
    #expect(daemon.errors.contains("nobody watches the daemon: open nowhere: No such file"), "\(daemon.errors)")
  }
}

/// A watchdog without effect: the reading end of a FIFO.
private final class Dog {
  private let reader: Descriptor
  private var bytes: [UInt8] = []

  init(_ station: Station, more: String = "") throws {
    let path = "\(station.folder)/dog"
    guard unsafe mkfifo(path, 0o600) == 0 else { throw SystemError("mkfifo", path) }
    reader = try System.open(path, O_RDONLY | O_NONBLOCK)
    try station.write(
      "openstarry.yaml",
      "board: board.yaml\nagents: [agents]\nhome: home\nsocket: control.sock\nwatchdog: dog\nlimits: {watchdog: 1s}\n"
        + more)
  }

  var heard: String {
    while let count = try? System.read(reader.number, into: &bytes), count > 0 {}
    return String(decoding: bytes, as: UTF8.self)
  }
}
