import Model
import Testing

/// Hardware that does not answer, as on a bus that hangs.
@Suite struct UnconfirmedTests {
  @Test func makingSafeIsNotCalledDoneWithoutAConfirmation() throws {
    let board = """
      name: slow
      backend: simulated
      devices:
        heater: {kind: actuator, lease: 30s, latency: 1h}
      """
    let station = try Station(files: ["board.yaml": board])
    let daemon = try station.daemon()
    let on = try station.run("set", "heater", "on")
    #expect(on.code == 0 && on.output.contains("(the hardware has not confirmed it yet)"), "\(on.errors)")
    for words in [["set", "heater", "off"], ["release", "heater"]] {
      let off = try station.run(words)
      #expect(off.code == 1 && off.errors.contains("NOT SAFE: "), "\(words): \(off.output) \(off.errors)")
    }
    let off = try station.run("set", "heater", "off", "--json")
    #expect(off.code == 1 && off.json?["confirmed"] == false && off.json?["not_safe"]?.string != nil)
    daemon.send(9)
    _ = daemon.wait()
  }
}
