import Glibc
import Linux
import Model
import Testing

/// Commands that wait for a person, with the command line.
@Suite(.enabled(if: geteuid() == 0, "only root approves without a group"))
struct ApprovalTests {
  private func station() throws -> Station {
    let station = try Station(
      settings: "socket_mode: \"0666\"\ngroups: {operate: nogroup}",
      files: [
        "board.yaml": MCPTests.valveBoard,
        "orchestration.yaml": """
        rules:
          - id: tell
            on: "approval:waiting"
            action: "notify('a command waits')"

        """,
      ])
    _ = unsafe chmod(station.folder, 0o755)
    return station
  }

  /// `openstarry set valve on` of a user who is no approver, which waits.
  private func ask(_ station: Station) throws -> (program: Program, id: String) {
    let words = ["--reuid=65534", "--regid=65534", "--clear-groups", try Station.executable("openstarry")]
    let program = try station.start(
      "/usr/bin/setpriv", words + ["set", "valve", "on", "--for", "20s", "--reason", "dry"])
    var id: String?
    let isAsked = try eventually {
      let list = try station.run("approvals", "--json").json?["approvals"]?.list
      id = list?.first { $0["state"] == "waiting" }?["approval"]?.string
      return id != nil || program.exitCode != nil
    }
    try #require(isAsked && program.exitCode == nil, "\(program.output) \(program.errors)")
    return (program, try #require(id))
  }

  @Test func aPersonApproves() throws {
    let station = try station()
    let daemon = try station.daemon()
    let (program, id) = try ask(station)
    let shown = try station.run("approvals")
    #expect(shown.output.contains("valve on for 20s") && shown.output.contains("“dry”"), "\(shown.output)")
    #expect(try station.run("status", "--json").json?["approvals"] == 1)
    #expect(try eventually { try station.run("messages").output.contains("a command waits") })
    let wrong = try station.run("approve", "ZZZZ")
    #expect(wrong.code == 5 && wrong.errors.contains("openstarry approvals"))
    // The end of the id is enough.
    let outcome = try station.run("approve", String(id.suffix(8)).lowercased())
    #expect(outcome.code == 0 && outcome.output.contains("approved: valve on"), "\(outcome)")
    #expect(program.wait() == 0 && program.output.contains("valve on"), "\(program.output) \(program.errors)")
    #expect(program.errors.contains("waits for"))
    let why = try station.run("why", "valve")
    #expect(why.output.contains("client/root approved valve on for client/nobody"), "\(why.output)")
    #expect(try station.run("approvals").output.contains("nothing waits"))
    #expect(try station.run("approvals", "--all").output.contains("approved"))
    #expect(daemon.exitCode == nil)
  }

  @Test func aPersonDenies() throws {
    let station = try station()
    let daemon = try station.daemon()
    let (program, id) = try ask(station)
    #expect(try station.run("deny", id, "--why", "it rains").code == 0)
    #expect(program.wait() == 4 && program.errors.contains("client/root denied it: it rains"), "\(program.errors)")
    #expect(try station.run("devices", "--json").json?["devices"]?.list?.first?["value"]?.double == 0)
    #expect(daemon.exitCode == nil)
  }

  @Test func whatWaitedBeforeARestartHasExpired() throws {
    let station = try station()
    var daemon = try station.daemon()
    let (program, id) = try ask(station)
    // Written soon.
    Pause.wait(nanoseconds: 500_000_000)
    daemon.send(SIGKILL)
    _ = daemon.wait()
    #expect(program.wait() != 0)
    daemon = try station.daemon()
    let all = try station.run("approvals", "--all", "--json").json?["approvals"]?.list ?? []
    #expect(all.first { $0["approval"]?.string == id }?["state"] == "expired", "\(all)")
    #expect(try station.run("approve", id).code == 5)
    #expect(try station.waitFor("approval:expired") { $0["payload"]?["why"] == "restart" })
    #expect(daemon.exitCode == nil)
  }
}
