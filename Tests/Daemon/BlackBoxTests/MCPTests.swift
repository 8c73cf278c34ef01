import Document
import Glibc
import Linux
import Model
import TestKit
import Testing

/// `openstarry mcp` with a daemon, as programs that run models use it.
@Suite struct MCPTests {
  /// A board for an MCP server.
  /// - Parameters:
  ///   - groups: those of the settings beside the one that may operate.
  ///   - board: the board file.
  fileprivate func station(groups: String = "", board: String = quietBoard) throws -> Station {
    let station = try Station(
      settings: "socket_mode: \"0666\"\ngroups: {operate: nogroup\(groups)}",
      files: [
        "board.yaml": board,
        "orchestration.yaml": """
        rules:
          - id: too-hot
            on: "sensor:temperature"
            if: "value > 30.0"
            action: "log('hot')"

        """,
      ])
    // The server is another user than the tests, if these run as root.
    _ = unsafe chmod(station.folder, 0o755)
    return station
  }

  /// The command line of a server. It does not run as root.
  fileprivate func server(_ station: Station, _ options: String...) throws -> [String] {
    let command = [try Station.executable("openstarry"), "mcp", "--socket", station.socket] + options
    if geteuid() != 0 { return command }
    return ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + command
  }

  /// Hands messages to a server, and gives its answers.
  private func converse(
    _ station: Station, _ options: String..., messages: [Value]
  ) throws -> (answers: [Value], errors: String, code: Int32?) {
    try station.write("messages", messages.map { JSON.text($0) + "\n" }.joined())
    _ = unsafe chmod("\(station.folder)/messages", 0o644)
    var words = try server(station)
    words += options
    let program = try station.start("/bin/sh", ["-c", #""$@" <messages"#, "sh"] + words)
    let code = program.wait()
    let answers = program.output.split(separator: "\n").compactMap { try? JSON.decode(Array($0.utf8)[...]) }
    return (answers, program.errors, code)
  }

  private static let envelope: Value = [
    "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": [:],
  ]

  private static func call(_ id: Int64, _ tool: String, _ arguments: Value) -> Value {
    [
      "jsonrpc": "2.0", "id": .int(id), "method": "tools/call",
      "params": ["name": .string(tool), "arguments": arguments, "_meta": envelope],
    ]
  }

  private static let list: Value = ["jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": ["_meta": envelope]]

  @Test func rootDoesNotServe() throws {
    guard geteuid() == 0 else { return }
    let outcome = try Station().run("mcp")
    #expect(outcome.code == 4 && outcome.errors.contains("does not run as root") && outcome.output.isEmpty)
  }

  @Test func withoutADaemonItSaysSo() throws {
    let station = try station()
    let (answers, errors, code) = try converse(station, messages: [])
    #expect(code == 3 && answers.isEmpty && errors.contains("control.sock"))
  }

  @Test func anApproverDoesNotServe() throws {
    let group = geteuid() == 0 ? "nogroup" : String(decoding: try Files.read("/etc/group"), as: UTF8.self).groupName
    let station = try station(groups: ", approve: \(group)")
    let daemon = try station.daemon()
    let (_, errors, code) = try converse(station, messages: [])
    #expect(code == 4 && errors.contains("who may approve commands") && daemon.exitCode == nil)
  }

  @Test func boundsAreTheDaemons() throws {
    let station = try station()
    let daemon = try station.daemon()
    var (answers, _, code) = try converse(
      station, "--role", "view", "--devices", "temp*,fan",
      messages: [
        Self.call(1, "devices", [:]), Self.call(2, "control", ["device": "fan", "command": "on"]),
        Self.call(3, "read", ["device": "temperature"]), Self.call(4, "read", ["device": "door"]),
      ])
    func result(_ id: Int64) -> Value { answers.first { $0["id"]?.int == id }?["result"] ?? .null }
    #expect(code == 0 && answers.count == 4)
    #expect(
      result(1)["structuredContent"]?["devices"]?.list?.compactMap { $0["device"]?.string } == ["temperature", "fan"])
    #expect(result(2)["isError"] == true && result(4)["isError"] == true)
    #expect(result(3)["structuredContent"]?["value"]?.double == 21)

    (answers, _, code) = try converse(
      station, "--rate", "5/s", messages: (0..<40).map { Self.call($0, "read", ["device": "temperature"]) })
    #expect(code == 0 && answers.count == 40)
    #expect(
      answers.contains { $0["result"]?["isError"] == true } && answers.contains { $0["result"]?["isError"] == false })
    #expect(daemon.exitCode == nil)
  }

  @Test func theLowestRateIsEnoughToStart() throws {
    let station = try station()
    let daemon = try station.daemon()
    let (answers, errors, code) = try converse(station, "--rate", "1/s", messages: [Self.list])
    #expect(code == 0 && answers.first?["result"]?["tools"]?.list?.isEmpty == false, "\(errors)")
    #expect(daemon.exitCode == nil)
  }

  @Test(arguments: [("max_on: 20s", false), ("min_off: 20s", true)])
  func theBoardFileDecidesWhetherACommandIsCalledDestructive(limit: String, isDestructive: Bool) throws {
    let station = try station(
      board: """
        name: limited
        backend: simulated
        devices:
          fan: {kind: actuator, lease: 10s, \(limit)}

        """)
    let daemon = try station.daemon()
    let (answers, errors, _) = try converse(station, messages: [Self.list])
    let tools = answers.first?["result"]?["tools"]?.list ?? []
    let control = try #require(tools.first { $0["name"] == "control" }, "\(errors)")
    #expect(control["annotations"]?["destructiveHint"]?.bool == isDestructive)
    #expect(daemon.exitCode == nil)
  }

  @Test func anotherDaemonAtTheSamePlaceIsFound() throws {
    let station = try station()
    var daemon = try station.daemon()
    // A pipe that stays open over the end of the first daemon.
    try station.write("first", JSON.text(Self.call(1, "read", ["device": "temperature"])) + "\n")
    try station.write("second", JSON.text(Self.call(2, "read", ["device": "temperature"])) + "\n")
    for name in ["first", "second"] { _ = unsafe chmod("\(station.folder)/\(name)", 0o644) }
    let words = try server(station)
    let program = try station.start(
      "/bin/sh",
      ["-c", #"{ cat first; while [ ! -e go ]; do sleep 0.1; done; cat second; } | "$@""#, "sh"] + words)
    #expect(eventually { program.output.contains(#""id":1"#) })
    kill(daemon.pid, SIGTERM)
    _ = daemon.wait()
    daemon = try station.daemon()
    try station.write("go", "")
    #expect(program.wait() == 0)
    #expect(program.output.split(separator: "\n").last?.contains(#""quality":"good""#) == true, "\(program.output)")
  }

  // MARK: Clients of the Python package index

  /// The clients: what `drive.py` calls them, and the revision that they are to agree on.
  private static let clients = [
    ("mcp2-auto", "2026-07-28"), ("mcp2-legacy", "2025-11-25"), ("fastmcp", "fastmcp"), ("mcp1", "2025-11-25"),
  ]

  /// The Python of the clients of each major version, or why there is none.
  fileprivate static let pythons: (python: [String: String], absence: String?) = {
    var found: [String: String] = [:]
    for version in ["1", "2"] {
      guard let folder = try? TemporaryFolder() else { return (found, "no folder can be made") }
      let script = #""$0" "$1" >"$2/out" 2>"$2/err""#
      var plan = SpawnPlan(
        "/bin/sh", ["sh", "-c", script, Repository.path(".ci/mcp-clients"), version, folder.path])
      plan.ownSession = true
      let code = (try? Linux.Spawn.start(plan)).flatMap { try? Linux.Spawn.wait(for: $0) }
      func text(_ name: String) -> String { String(decoding: (try? folder.bytes(name)) ?? [], as: UTF8.self) }
      guard code == 0, let path = text("out").split(separator: "\n").last else {
        return (found, "no MCP clients can be installed: \(text("err").split(separator: "\n").last ?? "")")
      }
      found[version] = String(path)
    }
    return (found, nil)
  }()

  @Test(.enabled(if: pythons.absence == nil, "\(pythons.absence ?? "")"), arguments: clients)
  func clientsOfThePythonPackageIndex(name: String, revision: String) throws {
    let station = try station()
    let daemon = try station.daemon()
    let python = try #require(Self.pythons.python[name == "mcp1" ? "1" : "2"])
    let words = try server(station, "--rate", "100/s")
    let drive = Repository.path("Tests/Daemon/MCPClients/drive.py")
    let program = try station.start(python, ["-B", drive, name] + words)
    let code = program.wait()
    try #require(code == 0, "\(program.errors.suffix(3000))")
    let seen = try JSON.decode(Array(program.output.utf8)[...])
    #expect(seen["version"]?.string == revision)
    for tool in [
      "devices", "read", "control", "why", "events", "emit", "rules_test", "rules_explain", "history", "doctor",
    ] {
      #expect(seen[tool]?["error"] == false, "\(tool): \(seen[tool] ?? .null)")
    }
    #expect(seen["control"]?["structured"]?["lease_ms"] == 20000)
    #expect(seen["snapshot"]?["content"]?.list?.first?["image"] == "image/jpeg")
    #expect(seen["refused"]?.list?.count == 4 && seen["refused"]?.list?.allSatisfy { $0["error"] == true } == true)
    let chain = seen["why"]?["structured"]?["events"]?.list ?? []
    #expect(chain.first?["payload"]?["client"]?.string?.hasPrefix("mcp/") == true, "\(chain)")
    #expect(seen["prompts"] == ["diagnose", "write_rule"] && seen["prompt"]?.string?.contains("<data>") == true)
    #expect(seen["texts"]?["openstarry://devices"]?.string?.contains("lamp") == true)
    if name != "fastmcp" { #expect(seen["updated"] == "openstarry://causes/fan") }
    // What it held ended with it.
    #expect(seen["held"]?["error"] == false)
    #expect(
      try eventually {
        let fan = try station.run("devices", "--json").json?["devices"]?.list?.first { $0["device"] == "fan" }
        return fan?["holder"] == .null && fan?["value"]?.double == 0
      })
    #expect(daemon.exitCode == nil)
  }
}

// MARK: Approval

extension MCPTests {
  static let valveBoard = """
    name: garden
    backend: simulated
    devices:
      valve: {kind: actuator, lease: 30s, approval: required}

    """

  @Test(.enabled(if: pythons.absence == nil && geteuid() == 0, "\(pythons.absence ?? "only root approves here")"))
  func aClientWaitsForAPersonByItself() throws {
    let station = try station(board: Self.valveBoard)
    let daemon = try station.daemon()
    let python = try #require(Self.pythons.python["2"])
    let words = try server(station)
    let drive = Repository.path("Tests/Daemon/MCPClients/drive.py")
    let program = try station.start(python, ["-B", drive, "approval"] + words)
    func waiting() throws -> Value? {
      try station.run("approvals", "--json").json?["approvals"]?.list?.first { $0["state"] == "waiting" }
    }
    #expect(try eventually(within: .seconds(60)) { try waiting() != nil })
    let approval = try #require(try waiting())
    #expect(approval["reason"] == "dry" && approval["asker"]?.string?.hasPrefix("mcp/nobody/") == true)
    let outcome = try station.run("approve", try #require(approval["approval"]?.string))
    #expect(outcome.code == 0 && outcome.output.contains("valve on"), "\(outcome)")
    #expect(program.wait() == 0, "\(program.errors.suffix(3000))")
    let seen = try JSON.decode(Array(program.output.utf8)[...])
    #expect(seen["error"] == false && seen["structured"]?["state"]?.double == 1, "\(seen)")
    #expect(daemon.exitCode == nil)
  }
}

extension String {
  /// The name of a group of this process, from the text of /etc/group.
  fileprivate var groupName: String {
    let id = "\(getegid())"
    return split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
      .first { $0.count > 2 && $0[2] == id }.map { String($0[0]) } ?? "nogroup"
  }
}
