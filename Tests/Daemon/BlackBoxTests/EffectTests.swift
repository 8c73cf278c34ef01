import Glibc
import Model
import Testing

/// A pump whose current is measured: switched in vain, and stuck.
@Suite struct EffectTests {
  private static let board = """
    name: garden
    backend: simulated
    devices:
      current:
        kind: sensor
        every: 50ms
        model: {model: constant, value: 0, unit: A, influences: {pump: 0.5}}
      pump:
        kind: actuator
        lease: 10m
        verify: {sensor: current, within: 500ms, expect: "value > 0.2", else: safe}

    """

  private func row(_ station: Station) throws -> Value? {
    try station.run("devices", "--json").json?["devices"]?.list?.first { $0["device"] == "pump" }
  }

  @Test func anOutputWithoutItsEffectIsShownUntilItIsAcknowledged() throws {
    let station = try Station(files: ["board.yaml": Self.board])
    var daemon = try station.daemon()
    #expect(try station.run("set", "pump", "on").code == 0)
    #expect(try station.run("set", "pump", "off").code == 0)
    // The contacts no longer meet: the relay clicks, and no current flows.
    #expect(try station.run("simulate", "current", "0.01").code == 0)
    #expect(try station.run("set", "pump", "on").code == 0)
    #expect(try station.waitFor("device:no_effect") { $0["payload"]?["state"] == 1.0 })
    #expect(try station.waitFor("device:changed") { $0["payload"]?["reason"] == "no-effect" })
    #expect(eventually { daemon.errors.contains("pump is on without effect in 500ms: current shows 0.01 A") })
    let devices = try station.run("devices").output
    #expect(devices.contains("NO EFFECT when on: current was "), "\(devices)")
    #expect(try station.run("why", "pump").output.contains("pump is on without effect"))
    daemon.send(SIGKILL)
    _ = daemon.wait()
    daemon = try station.daemon()
    #expect(try row(station)?["no_effect"]?["after"] == 0.01)
    #expect(try station.run("acknowledge", "pump").output.hasPrefix("pump acknowledged\n"))
    #expect(try row(station).map { $0["no_effect"] == nil } == true)
    #expect(try station.run("acknowledge", "pump").output.hasPrefix("pump: there was nothing to acknowledge\n"))
    // The contacts are welded: it stays on although it is told to be off.
    #expect(try station.run("set", "pump", "on").code == 0)
    #expect(try station.run("simulate", "pump", "stuck").code == 0)
    #expect(try station.run("set", "pump", "off").code == 0)
    #expect(try station.waitFor("device:no_effect") { $0["payload"]?["state"] == 0.0 })
    #expect(try station.run("devices").output.contains("NO EFFECT when off: current was 0.5 A, and is 0.5 A"))
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    daemon = try station.daemon()
    #expect(try row(station)?["no_effect"]?["state"] == 0.0)
  }
}
