import Glibc
import Linux
import Model
import Store
import Testing

/// Outputs with `at_start` after a power cut. It is played by killing the daemon, and by giving what it has stored to an
/// earlier boot.
@Suite struct PowerCutTests {
  private static let board = """
    name: garden
    backend: simulated
    devices:
      well: {kind: actuator, lease: 10m, at_start: last}
      valve: {kind: actuator, lease: 10m, at_start: safe}
      lamp: {kind: actuator, lease: 10m}

    """

  private func holder(_ station: Station, _ device: String) throws -> String? {
    try station.run("devices", "--json").json?["devices"]?.list?.first { $0["device"]?.string == device }?["holder"]?
      .string
  }

  /// Whether a text is in the registry's files.
  private func isStored(_ station: Station, _ text: String) -> Bool {
    ["registry.db", "registry.db-wal"].contains { name in
      guard let bytes = try? Files.read("\(station.folder)/home/\(name)", limit: 16 << 20) else { return false }
      return String(decoding: bytes, as: UTF8.self).contains(text)
    }
  }

  private func cutThePower(_ station: Station, _ daemon: Program) throws {
    daemon.send(SIGKILL)
    _ = daemon.wait()
    let store = try Store(folder: "\(station.folder)/home")
    for (output, text) in try store.notes(beginning: "held.") {
      let earlier = text.split(separator: System.bootID(), omittingEmptySubsequences: false).joined(
        separator: "earlier")
      #expect(earlier != text)
      try store.apply([.setNote("held.\(output)", earlier)])
    }
    store.close()
  }

  @Test func whatWasHeldIsTakenUpAgainWhereTheFileSaysSo() throws {
    let station = try Station(files: ["board.yaml": Self.board])
    var daemon = try station.daemon()
    for output in ["well", "valve", "lamp"] {
      #expect(try station.run("set", output, "on", "--for", "5m").code == 0)
    }
    #expect(eventually { isStored(station, "held.well") && isStored(station, "held.valve") })
    try cutThePower(station, daemon)
    daemon = try station.daemon()
    #expect(try eventually(pause: .milliseconds(150)) { try holder(station, "well")?.hasPrefix("client/") == true })
    #expect(try holder(station, "valve") == nil && holder(station, "lamp") == nil)
    let history = try station.run("history").output
    #expect(history.contains(" taken-up "), "\(history)")
    #expect(history.contains("well: held at 100% by client/"), "\(history)")
    #expect(history.contains(" when the power went; taken up again for 5m"), "\(history)")
    #expect(history.contains("valve: held at 100% by client/"), "\(history)")
    #expect(history.contains("; not taken up: at_start is safe"), "\(history)")
    #expect(!history.contains("lamp"), "\(history)")
    #expect(try station.run("why", "well").output.contains("well on"))
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }
}
