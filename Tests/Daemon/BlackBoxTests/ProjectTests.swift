import Glibc
import Linux
import Model
import ProcessTestKit
import Testing

/// A new project, as its author meets it: made, checked, and run with every device simulated.
@Suite struct ProjectTests {
  @Test func aNewProjectRunsAsItIs() throws {
    let station = try Station()
    let made = try station.run("init", "garden")
    #expect(made.code == 0 && made.lines.last == "next: cd garden && make run", "\(made)")
    let check = try station.run("check", "garden")
    #expect(check.code == 0 && check.errors.isEmpty, "\(check)")
    #expect(check.output == "4 file(s) checked: 0 error(s), 0 warning(s)\n")
    let again = try station.run("init", "garden", "--json")
    #expect(again.code == 1 && again.errors.contains("already exists, so nothing was written"), "\(again)")

    // By day and by night.
    let rules = "\(station.folder)/garden/rules/orchestration.yaml"
    let text = String(decoding: try Files.read(rules), as: UTF8.self)
    let always = text.replacing("    between: [\"06:00\", \"22:00\"]\n", with: "")
    #expect(always != text)
    try station.write("garden/rules/orchestration.yaml", always)
    let daemon = try station.start(
      "openstarryd",
      ["--simulate", "--config", "garden/openstarry.yaml", "--socket", "control.sock", "--for", "5m"])
    try #require(eventually { daemon.errors.contains("openstarryd: ready in ") }, "\(daemon.errors)")
    #expect(daemon.errors.contains("board garden (simulated), 7 devices"))
    func state(_ device: String) throws -> String? {
      try station.run("devices", "--json").json?["devices"]?.list?.first { $0["device"]?.string == device }?["state"]?
        .string
    }
    #expect(try state("soil") == "50 %" && state("pump") == "off")
    #expect(try station.run("simulate", "soil", "20").code == 0)
    // The pump rests for ten seconds after the start.
    #expect(try eventually(within: .seconds(60)) { try state("pump") == "on" && state("valve") == "on" })
    #expect(try station.run("simulate", "rain", "on").code == 0)
    #expect(try eventually { try state("pump") == "off" && state("valve") == "off" })
    #expect(try station.run("simulate", "button", "press").code == 0)
    #expect(try eventually { try state("lamp") == "on" })
    // The agent needs a sandbox, which not every machine has.
    if SandboxRoom.absence == nil, !daemon.errors.contains("agent 'diary' cannot run") {
      #expect(
        try eventually { try station.run("logs", "diary").output.contains("run 1 of the pump, the soil is at 20") })
    }
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }
}
