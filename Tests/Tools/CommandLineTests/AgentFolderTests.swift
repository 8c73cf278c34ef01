import Glibc
import Linux
import Model
import TestKit
import Testing
import Wire

@testable import CommandLine

/// Tests new agents, their folders and the SDK.
struct AgentFolderTests {
  private let home: TemporaryFolder

  init() throws { home = try TemporaryFolder() }

  private func make(_ id: AgentID, _ language: AgentTemplate.Language = .swift) throws -> AgentFolder {
    let (folder, _) = try NewAgent.make(AgentTemplate(id: id, language: language), in: home.path)
    return try AgentFolder(folder, environment: [:])
  }

  @Test(arguments: AgentTemplate.Language.allCases)
  func newAgentsAreComplete(_ language: AgentTemplate.Language) throws {
    // An id that equals one of the daemon's own domains must not lead to an invalid manifest.
    for id in ["heater", "door-counter", "9.lives", "sensor"] as [AgentID] {
      let agent = try make(id, language)
      #expect(agent.warnings.isEmpty)
      #expect(agent.manifest.id == id)
      let check = try ConfigCheck([agent.path], environment: [:])
      if language.isProgram {
        #expect(try FileStatus(agent.module).mode & 0o111 == 0o111)
        #expect(!agent.isBuilt && !agent.isStale && check.found.isEmpty, "\(check.found)")
      } else {
        #expect(agent.module == "\(home.path)/\(id)/\(id).wasm")
        #expect(agent.sources.count == (language == .swift ? 2 : 1))
        #expect(agent.isStale)
        // Complete except for the module, which is not built yet.
        #expect(
          check.found.map(\.description).allSatisfy { $0.contains("\(id).wasm: No such file") }, "\(check.found)")
        #expect(check.errors == 1)
      }
      let makefile = String(decoding: try Files.read("\(agent.path)/Makefile"), as: UTF8.self)
      #expect(makefile.contains("\n\t@$(OPENSTARRY) agent run --event sensor:temperature --with value=31\n"))
      #expect(try Files.names(in: agent.path).contains(".gitignore"))
    }
    #expect(try Files.names(in: home.path).count == 4)
  }

  @Test(arguments: [
    ("heater", "Heater"), ("door-counter", "DoorCounter"), ("a.b_c-d", "ABCD"), ("9.lives", "Agent9Lives"),
    ("v2heater", "V2Heater"), ("event", "EventAgent"), ("agent", "AgentAgent"), ("HTTPProbe", "HTTPProbe"),
  ])
  func idsBecomeSwiftTypeNames(_ id: String, _ type: String) {
    #expect(AgentTemplate(id: AgentID(id), language: .swift).type == type)
  }

  @Test func existingFilesAreKept() throws {
    try home.write("heater/notes.txt", "mine")
    #expect(throws: Failure.self) { try make("heater") }
    #expect(try Files.names(in: home.path) == ["heater"])
    #expect(try Files.names(in: "\(home.path)/heater") == ["notes.txt"])
    let failure = #expect(throws: Failure.self) {
      try NewAgent.make(AgentTemplate(id: "a", language: .c), in: "\(home.path)/heater/notes.txt")
    }
    #expect(failure?.status == .failed)
  }

  @Test func modulesAreBuiltWhenASourceIsNewer() throws {
    let agent = try make("heater")
    try home.write("heater/heater.wasm", "")
    #expect(!agent.isStale)
    // Files get the time of the kernel's last tick: wait for the next one, or both have the same time.
    let built = try #require(Files.modified(agent.module))
    repeat {
      try home.write("heater/Heater.swift", "changed")
    } while Files.modified("\(agent.path)/Heater.swift") == built
    #expect(agent.isStale)
    for source in agent.sources { Files.remove(source) }
    #expect(!agent.isStale)
  }

  @Test func manifestsAreFoundAndChecked() throws {
    try home.write("broken/agent.json", "{\"identity\": {\"id\": \"x\"},\n \"runtime\": {\"driver\": \"wsam\"}}")
    let broken = #expect(throws: Failure.self) { try AgentFolder("\(home.path)/broken", environment: [:]) }
    #expect(broken?.status == .failed)
    #expect(
      broken?.details.contains { $0.hasPrefix("\(home.path)/broken/agent.json:2:") && $0.contains("'wasm'") } == true)
    try home.write("yaml/agent.yaml", "identity: {id: x}\nruntime: {driver: wasm, entry: x.wasm}\n")
    #expect(try AgentFolder("\(home.path)/yaml", environment: [:]).manifest.id == "x")
    #expect(try AgentFolder("\(home.path)/yaml/agent.yaml", environment: [:]).path == "\(home.path)/yaml")
    let none = #expect(throws: Failure.self) { try AgentFolder(home.path, environment: [:]) }
    #expect(none?.status == .notFound && none?.message.contains("agent new") == true)
  }

  @Test func filesThatAreNoManifestAreNamed() throws {
    for (name, text) in [("passwd", "root:x:0:0:root:/root:/bin/bash\n"), ("list.json", "[1]")] {
      try home.write(name, text)
      let file = "\(home.path)/\(name)"
      let wanted = "\(file): this is no agent.json: expected a map with 'identity' and 'runtime'"
      let handed = #expect(throws: Failure.self) { try Handover.params(file, Array(text.utf8)) }
      #expect(handed?.message == wanted && handed?.status == .failed)
      let deployed = #expect(throws: Failure.self) { try AgentFolder(file, environment: [:]) }
      #expect(deployed?.message == wanted && deployed?.status == .failed)
    }
  }

  @Test func manifestsAreSentWithAbsolutePaths() throws {
    let agent = try make("heater")
    let params = try Handover.params("\(agent.path)/../heater/agent.json", agent.text)
    #expect(params["file"] == .string(try Files.resolve("\(home.path)/heater/agent.json")))
  }

  /// What an agent in shell answers to messages, and what it writes to standard error.
  private func answers(of agent: AgentFolder, to messages: [String]) throws -> (lines: [String], errors: String) {
    let (ours, its) = try UnixSocket.pair()
    defer { close(ours) }
    let errors = try System.open("\(home.path)/errors", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    var plan = SpawnPlan("/bin/sh", ["sh", agent.module])
    (plan.input, plan.output, plan.errors) = (.null, .null, .descriptor(errors.number))
    plan.descriptors = [its]
    let process = try Linux.Spawn.start(plan)
    close(its)
    try System.writeAll(ours, Array((messages.joined(separator: "\n") + "\n").utf8))
    shutdown(ours, Int32(SHUT_WR))
    var bytes: [UInt8] = []
    while try System.read(ours, into: &bytes, limit: 65_536) != 0 {}
    _ = try Linux.Spawn.wait(for: process)
    return (
      String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init),
      String(decoding: try home.bytes("errors"), as: UTF8.self)
    )
  }

  @Test func newAgentsInShellTakeAnyReading() throws {
    let agent = try make("heater", .sh)
    func activate(_ value: String) -> String {
      #"{"jsonrpc":"2.0","id":1,"method":"activate","params":{"event":{"payload":{"value":\#(value)}}}}"#
    }
    for value in [#""abc""#, #""31""#, "null", "true", "[31]", "99999999999999999999", "29.5"] {
      let (lines, errors) = try answers(of: agent, to: [activate(value)])
      #expect(lines.dropFirst() == [#"{"jsonrpc":"2.0","id":1,"result":{}}"#], "\(value)")
      #expect(errors.isEmpty, "\(value): \(errors)")
    }
    let receipt = #"{"jsonrpc":"2.0","id":1,"result":{}}"#
    for (value, command) in [("31.5", "on"), ("-3", "off")] {
      let (lines, errors) = try answers(of: agent, to: [activate(value), receipt])
      #expect(lines.count == 3 && lines[1].contains(#""command":"\#(command)""#), "\(lines)")
      #expect(errors.isEmpty)
    }
  }

  @Test func theSDKIsFound() throws {
    try home.write("checkout/SDK/build", "")
    try home.write("usr/share/openstarry/sdk/build", "")
    try home.write("mine/build", "")
    let path = home.path
    func script(_ program: String, _ named: String? = nil) throws(Failure) -> String {
      try SDKFolder.script(
        environment: named.map { [SDKFolder.variable: $0] } ?? [:], program: "\(path)/\(program)")
    }
    #expect(
      try script("checkout/.build/x86_64-unknown-linux-gnu/debug/openstarry") == "\(path)/checkout/SDK/build")
    #expect(try script("usr/bin/openstarry") == "\(path)/usr/share/openstarry/sdk/build")
    #expect(try script("usr/bin/openstarry", "\(path)/mine") == "\(path)/mine/build")
    #expect(try script("usr/bin/openstarry", "") == "\(path)/usr/share/openstarry/sdk/build")
    // A named SDK has precedence over others.
    let missing = #expect(throws: Failure.self) { try script("usr/bin/openstarry", "\(path)/nowhere") }
    #expect(missing?.message.contains(SDKFolder.variable) == true)
    let none = #expect(throws: Failure.self) { try script("bin/openstarry") }
    #expect(none?.status == .notFound && none?.message.contains("\(path)/share/openstarry/sdk") == true)
  }
}
