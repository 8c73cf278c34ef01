import Agent
import Model
import RPC
import Testing

@testable import Control

@Suite struct RequestTests {
  @Test func anAnswerMirrorsTheFormOfItsRequest() throws {
    let client = try Harness().connect()
    try client.send(#"{"id":1,"method":"agent.ping","params":{}}"#)
    #expect(try client.next() == ["id": 1, "result": ["pong": true]])
    try client.send(#"{"jsonrpc":"2.0","id":"x","method":"agent.ping"}"#)
    #expect(try client.next() == ["jsonrpc": "2.0", "id": "x", "result": ["pong": true]])
  }

  @Test func upstreamNamesAreUnderstood() throws {
    let client = try Harness().connect()
    try client.send(#"{"id":1,"method":"agent.status","params":{"agentId":"climate"}}"#)
    let status = try client.next()?["result"]
    #expect(status?["agentId"] == "climate")
    #expect(status?["status"] == "ready")
    #expect(status?["uptime"]?.double != nil)
    let standard = try client.call("agent.status", ["agent": "climate"]).get()
    #expect(standard["agentId"] == nil)
    #expect(standard["uptime_ms"] == 1000)
  }

  @Test func requestsWithoutAnIdAreCarriedOutSilently() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(#"{"jsonrpc":"2.0","method":"events.emit","params":{"type":"git:pushed"}}"#)
    try client.send(#"{"jsonrpc":"2.0","method":"no.such"}"#)
    #expect(try client.call("agent.ping").get() == ["pong": true])
    #expect(harness.events.all.map(\.type) == ["git:pushed"])
  }

  @Test func probesRunOnceAtATime() throws {
    let harness = try Harness()
    harness.daemon.probesTakeTime = true
    let (first, second) = (try harness.connect(), try harness.connect())
    try first.send(#"{"id":1,"method":"daemon.probe"}"#)
    harness.settle()
    let refusal = try second.refusal("daemon.probe")
    #expect(refusal?.known == .rateLimited && refusal?.message.contains("probed already") == true)
    harness.daemon.finishProbes()
    #expect(try first.next()?["result"] == ["obstacle": .null, "limits": .list([])])
    harness.daemon.probesTakeTime = false
    #expect(try second.call("daemon.probe").get()["obstacle"] == .null)
  }

  @Test func aRefusalAndItsHintAgree() throws {
    let refusal = RPCError(AgentControlError.quarantined("bad", "it failed"))
    #expect(refusal.message.hasSuffix("; 'openstarry restart bad' releases it"))
    #expect(refusal.hint.map(refusal.message.contains) == true, "the message contains the hint")
  }

  @Test func theHintFitsWhatAChildHasTooMuchOf() {
    func hint(_ reason: PermissionLattice.Excess.Reason) -> String? {
      let excess = PermissionLattice.Excess(reason: reason, text: "it")
      return RPCError(AgentControlError.beyondParent("leaf", parent: "twig", [excess])).hint
    }
    #expect(hint(.depth) == "give it a parent that is higher up in the tree")
    #expect(hint(.capability) == "grant the same to 'twig' in its manifest, or ask for less")
  }

  @Test func anAgentWithoutAParentIsTheWrongOneAndRunsAllTheSame() {
    let refusal = RPCError(AgentControlError.noParent("top"))
    #expect(refusal.message == "agent 'top' has no parent, whose other children could restart with it")
    #expect(refusal.known == .invalidParams && refusal.data["param"] == "agent")
  }

  @Test func unknownMethodsSuggestTheNearest() throws {
    let client = try Harness().connect()
    let refusal = try client.refusal("agent.statsu")
    #expect(refusal?.known == .methodNotFound)
    #expect(refusal?.hint == "did you mean 'agent.status'?")
    #expect(try client.refusal(String(repeating: "m", count: 4000))?.message.utf8.count ?? 9999 < 200)
  }

  struct Wrong: Sendable {
    var method: String
    var params: Fields
    var name: String
    init(_ method: String, _ params: Fields, _ name: String) {
      self.method = method
      self.params = params
      self.name = name
    }
  }

  static let wrong: [Wrong] = [
    Wrong("agent.status", [:], "agent"), Wrong("agent.status", ["agent": 1], "agent"),
    Wrong("agent.status", ["agnet": "climate"], "agnet"),
    Wrong("agent.status", ["agent": "a", "agentId": "b"], "agentId"),
    Wrong("agent.logs", ["agent": "climate", "last": 0], "last"),
    Wrong("agent.logs", ["agent": "climate", "last": 1001], "last"),
    Wrong("agent.logs", ["agent": "climate", "last": 1.5], "last"),
    Wrong("killAgent", ["agent": "climate", "signal": "SIGHUP"], "signal"),
    Wrong("agent.stop", ["agent": "climate", "now": "yes"], "now"),
    Wrong("hal.control", ["device": "fan", "command": "maybe"], "command"),
    Wrong("hal.control", ["device": "fan", "command": 1.01], "command"),
    Wrong("hal.control", ["device": "fan", "command": ["pulse_ms": 0]], "command"),
    Wrong("hal.control", ["device": "fan", "command": "on", "lease_ms": -1], "lease_ms"),
    Wrong("daemon.health", ["x": 1], "x"), Wrong("events.emit", ["type": "a:b", "payload": []], "payload"),
    Wrong("events.emit", ["type": "nothing"], "type"), Wrong("events.emit", ["type": "sensor:temperature"], "type"),
    Wrong("events.emit", ["type": "a:b", "priority": 6], "priority"), Wrong("events.get", ["event": "xyz"], "event"),
    Wrong("events.chain", [:], "event"), Wrong("rules.test", [:], "type"),
    Wrong("registry.register", ["manifest": [:], "file": "agent.json"], "file"),
    Wrong("spawnAgent", ["manifest": [:], "file": "../agent.json"], "file"),
    Wrong("agent.spawnChild", ["parent": "climate", "child": ["configPath": "agent.json"]], "child"),
  ]

  @Test(arguments: wrong) func wrongParametersAreNamed(wrong: Wrong) throws {
    let (method, params, name) = (wrong.method, wrong.params, wrong.name)
    let refusal = try #require(try Harness().connect().refusal(method, params))
    #expect(refusal.known == .invalidParams)
    #expect(refusal.data["param"] == .string(name))
    #expect(refusal.data["expected"]?.string?.isEmpty == false)
    #expect(refusal.hint?.isEmpty == false)
  }

  @Test func codesThrownByMethodsReachTheClient() throws {
    let client = try Harness().connect()
    let missing = try client.refusal("agent.status", ["agent": "climat"])
    #expect(missing?.known == .agentNotFound)
    #expect(missing?.hint == "did you mean 'climate'?")
    #expect(try client.refusal("spawnAgent", ["agent": "climate"])?.known == .alreadyRunning)
    #expect(try client.refusal("killAgent", ["agent": "idle"])?.known == .agentNotRunning)
    #expect(try client.refusal("events.get", ["event": "00000000000000000000000000"])?.known == .notFound)
  }

  @Test func aKillAnswersWhenTheAgentHasEnded() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(#"{"id":7,"method":"killAgent","params":{"agent":"climate"}}"#)
    #expect(try client.call("agent.status", ["agent": "climate"]).get()["state"] == "draining")
    harness.agents.finishEnding()
    let answer = try client.next()
    #expect(answer?["id"] == 7)
    #expect(answer?["result"]?["state"] == "idle")
  }

  @Test func aKillWithoutWaitAnswersAtOnce() throws {
    let client = try Harness().connect()
    let answer = try client.call("killAgent", ["agent": "climate", "signal": "SIGKILL", "wait": false]).get()
    #expect(answer["state"] == "stopping")
  }

  @Test func agentsAreRegisteredWokenAndForgotten() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let manifest: Value = ["identity": ["id": "new"]]
    #expect(try client.call("registry.register", ["manifest": manifest]).get()["agent"] == "new")
    let handed: Fields = ["manifest": manifest, "module": "AGFzbQ==", "trial_ms": 500]
    #expect(try client.call("registry.register", handed).get()["agent"] == "new")
    let registration = try #require(harness.registry.registrations.last)
    #expect(registration.module == [0, 0x61, 0x73, 0x6D] && registration.trial == .milliseconds(500))
    #expect(try client.refusal("registry.register", ["manifest": manifest, "module": "?"])?.data["param"] == "module")
    #expect(try client.call("spawnAgent", ["manifest": manifest]).get()["state"] == "starting")
    #expect(try client.call("agent.wake", ["agent": "climate", "payload": ["a": 1]]).get()["event"] != nil)
    #expect(harness.agents.woken.first?.1.type == "agent:wake")
    #expect(harness.agents.woken.first?.1["a"] == 1)
    #expect(try client.refusal("registry.unregister", ["agent": "climate"])?.known == .alreadyRunning)
    #expect(try client.call("registry.unregister", ["agent": "idle"]).get() == ["agent": "idle", "rules": .list([])])
    let wrong = try client.refusal("registry.register", ["manifest": [:], "file": "/a/agent.json"])
    #expect(wrong?.known == .invalidFile)
    #expect(wrong?.data["diagnostics"] == ["/a/agent.json:1:1: identity is missing"])
    let relative = try client.refusal("registry.register", ["manifest": manifest, "file": "a/agent.json"])
    #expect(relative?.message == "give 'file' as an absolute path, not \"a/agent.json\"")
    #expect(try client.refusal("spawnAgent", ["agent": "x", "manifest": manifest])?.known == .invalidParams)
  }

  @Test func everyCommandNamesItsUser() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.control", ["device": "fan", "command": "on"]).get()
    let chain = try #require(try client.call("events.chain", ["device": "fan"]).get()["events"]?.list)
    #expect(chain.map { $0["type"] } == ["system:command", "device:changed"])
    #expect(chain[0]["source"]?.string?.hasPrefix("client/") == true)
    #expect(chain[0]["payload"]?["method"] == "hal.control")
    #expect(chain[0]["payload"]?["device"] == "fan")
    #expect(chain[1]["trace"] == chain[0]["id"])
    _ = try client.call("hal.control", ["device": "fan", "command": "off"]).get()
    _ = try client.call("hal.control", ["device": "fan", "command": ["pulse_ms": 100]]).get()
    let pulse = try client.call("events.chain", ["device": "fan"]).get()["events"]?.list?[0]
    #expect(pulse?["payload"]?["command"] == ["pulse_ms": 100])
    #expect(try client.refusal("events.chain", ["device": "fann"])?.hint == "did you mean 'fan'?")
  }

  @Test func eventsAreEmittedListedAndShown() throws {
    let client = try Harness().connect()
    let emitted = try client.call("events.emit", ["type": "git:pushed", "payload": ["branch": "main"]]).get()
    let id = try #require(emitted["event"])
    #expect(try client.call("events.get", ["event": id]).get()["payload"] == ["branch": "main"])
    let listed = try client.call("events.list", ["pattern": "git:*"]).get()
    #expect(listed["events"]?.list?.count == 1)
    #expect(listed["truncated"] == false)
    let large = Value.string(String(repeating: "x", count: 70_000))
    #expect(try client.refusal("events.emit", ["type": "a:b", "payload": ["x": large]])?.data["param"] == "payload")
    let nested = Value.list(Array(repeating: [0], count: 3000))
    #expect(
      try client.refusal("events.emit", ["type": "a:b", "payload": ["x": nested]])?.message
        .contains("bytes of memory, more than the limit of 65536") == true)
  }

  @Test func longListsOmitTheOldestEvents() throws {
    let harness = try Harness()
    let client = try harness.connect()
    for index in 0..<40 {
      harness.events.publish(
        "big:event", from: "system", ["n": .int(Int64(index)), "x": .string(String(repeating: "x", count: 60_000))])
    }
    let listed = try client.call("events.list", ["last": 1000]).get()
    let events = try #require(listed["events"]?.list)
    #expect(listed["truncated"] == true)
    #expect((10..<20).contains(events.count))
    #expect(events.last?["payload"]?["n"] == 39)
  }

  @Test func rulesAndTheDaemonAnswer() throws {
    let harness = try Harness()
    let client = try harness.connect()
    #expect(try client.call("rules.list").get()["rules"]?.list?.first?["location"] == "orchestration.yaml:3:5")
    let verdicts = try client.call("rules.test", ["type": "sensor:temperature", "payload": ["value": 31]]).get()
    #expect(verdicts["verdicts"]?.list?.first?["fires"] == true)
    #expect(try client.call("rules.reload").get() == ["rules": 1])
    harness.rules.isBroken = true
    #expect(
      try client.refusal("rules.reload")?.data["diagnostics"] == ["orchestration.yaml:7:2: no such action"])
    let health = try client.call("daemon.health").get()
    #expect(health["version"] == "9.9.9")
    #expect(health["protocol"] == 1)
    let status = try client.call("daemon.status").get()
    #expect(status["board"] == "test")
    #expect(status["connections"] == 1)
    #expect(status["role"] == "admin")
    let projection = try client.call("projection.get").get()
    #expect(projection["board"] == "test" && projection["agents"]?["climate"]?["report"] == ["count": 3])
    let former = try client.call("state.get").get()
    #expect(former["board"] == "test" && former["agents"]?["climate"]?["snapshot"] == ["count": 3])
    #expect(try client.call("daemon.reload").get() == ["rules": 1])
    #expect(try client.call("daemon.stop").get() == ["stopping": true, "board": "test"])
    #expect(harness.daemon.stopped == 1)
    #expect(try client.call("agent.snapshot", ["agent": "climate"]).get()["snapshot"] == ["count": 3])
    let tree = try client.call("agent.processTree").get().list
    #expect(tree?.count == 1 && tree?.first?["children"]?.list?.first?["entry"]?["agent"] == "idle")
    #expect(try client.call("registry.list").get()["agents"]?.list?.first?["driver"] == "in-process")
    #expect(try client.call("registry.inspect", ["agent": "climate"]).get()["agent"] == "climate")
    #expect(try client.call("agent.logs", ["agent": "climate", "last": 2]).get()["lines"]?.list?.count == 2)
  }

  @Test func whatWouldNotSurviveARestartIsSaid() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let asked: [(String, Fields)] = [
      ("rules.set", ["name": "armed", "value": true]), ("rules.enable", ["rule": "hot", "enabled": false]),
      ("rules.resume", ["rule": "hot"]), ("messages.remove", [:]),
    ]
    #expect(try client.call("messages.list").get()["messages"]?.list?.count == 1)
    for (method, parameters) in asked { #expect(try client.call(method, parameters).get()["warning"] == .null) }
    harness.rules.diskProblem = "the disk is full"
    for (method, parameters) in asked {
      #expect(
        try client.call(method, parameters).get()["warning"] == "it will not survive a restart: the disk is full")
    }
    #expect(try client.call("messages.list").get()["messages"] == .list([]))
    #expect(harness.rules.variables["armed"] == true && harness.rules.disabled == ["hot"])
  }

  @Test func aWrongValueIsNoMissingVariable() throws {
    let client = try Harness().connect()
    #expect(try client.refusal("rules.set", ["name": "armed", "value": "yes"])?.known == .invalidParams)
    #expect(try client.refusal("rules.set", ["name": "arms", "value": true])?.known == .notFound)
  }

  @Test func aChildIsRegisteredUnderItsParentAndStarts() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let child: Value = [
      "configPath": "/agents/child.json", "agentId": "kid", "name": "Kid", "env": ["NAME": "x"], "statePath": "/var",
    ]
    let status = try client.call("agent.spawnChild", ["parentId": "climate", "childConfig": child]).get()
    #expect(status["agent"] == "kid")
    let sent = try #require(harness.registry.registrations.last)
    #expect(sent.file == "/agents/child.json")
    #expect(
      sent.manifest == ["identity": ["id": "kid", "name": "Kid"], "parent": "climate"],
      "the file's own parent counts for nothing")
    for (child, part) in [
      (["manifest": ["identity": ["id": "a"]], "configPath": "/x"], "either 'manifest'"), ([:], "either 'manifest'"),
      (["manifest": [:], "what": 1], "unknown member 'what'"), (["manifest": [:], "env": [:]], "'env' is for a file"),
      (["configPath": "/x", "env": ["A": 1]], "'A' in 'env'"),
      (["configPath": "x/agent.json"], "'configPath' of 'child' has to be an absolute path, not 'x/agent.json'"),
    ] as [(Value, String)] {
      let refused = try client.refusal("agent.spawnChild", ["parent": "climate", "child": child])
      #expect(refused?.known == .invalidParams && refused?.message.contains(part) ?? false, "\(child)")
    }
    let taken = try client.refusal(
      "agent.spawnChild", ["parent": "climate", "child": ["manifest": ["identity": ["id": "climate"]]]])
    #expect(taken?.known == .spawnDenied && taken?.data["reason"] == "ID_COLLISION")
    let orphan = try client.refusal(
      "agent.spawnChild", ["parent": "nobody", "child": ["manifest": ["identity": ["id": "a"]]]])
    #expect(orphan?.known == .agentNotFound)
    let before = harness.registry.registrations.count
    for state in [LifecycleState.quarantined, .draining] {
      harness.agents.states["climate"] = state
      let refused = try client.refusal(
        "agent.spawnChild", ["parent": "climate", "child": ["manifest": ["identity": ["id": "b"]]]])
      #expect(refused?.message.contains("'climate' is") ?? false, "\(refused as Any)")
    }
    #expect(harness.registry.registrations.count == before)
  }

  @Test func aChildsSupervisionIsSet() throws {
    let harness = try Harness()
    let client = try harness.connect()
    #expect(
      try client.call("agent.supervise", ["agentId": "idle", "strategy": "rest-for-one", "maxRestarts": 5]).get()[
        "agent"]
        == "idle")
    #expect(harness.agents.supervised == ["idle": .restForOne])
    #expect(try client.refusal("agent.supervise", ["agentId": "idle", "strategy": "all"])?.known == .invalidParams)
  }

  @Test func servicesAreFoundByName() throws {
    let harness = try Harness()
    let client = try harness.connect()
    func names(_ answer: Value) -> [String] {
      answer.list?.map { "\($0["serviceName"]?.string ?? "-") \($0["agentId"]?.string ?? "-")" } ?? []
    }
    for (name, agent) in [("vision", "climate"), ("vision", "idle"), ("sound", "climate")] {
      _ = try client.call("service.register", ["serviceName": .string(name), "agentId": .string(agent)]).get()
    }
    let entry = try client.call(
      "service.register", ["name": "vision", "agent": "climate", "metadata": ["version": "2"]]
    ).get()
    #expect(entry["metadata"] == ["version": "2"] && entry["state"] == "ready")
    #expect(names(try client.call("service.lookup", ["name": "vision"]).get()) == ["vision idle", "vision climate"])
    #expect(try client.call("service.lookup", ["name": "smell"]).get() == [])
    #expect(try client.call("service.list").get().list?.count == 3)
    #expect(try client.refusal("service.register", ["name": "", "agent": "idle"])?.known == .invalidParams)
    #expect(try client.refusal("service.register", ["name": "x", "agent": "nobody"])?.known == .agentNotFound)
    let long: Value = ["text": .string(String(repeating: "x", count: 2000))]
    #expect(
      try client.refusal("service.register", ["name": "x", "agent": "idle", "metadata": long])?.known == .invalidParams)
    // Whoever is removed offers nothing any more.
    _ = try client.call("registry.unregister", ["agent": "idle"]).get()
    #expect(names(try client.call("service.list").get()) == ["sound climate", "vision climate"])
    for number in 0..<(ServiceDirectory.most - 2) {
      _ = try client.call("service.register", ["name": .string("s\(number)"), "agent": "climate"]).get()
      if number % 50 == 0 { harness.clock.advance(by: .seconds(2)) }
    }
    #expect(try client.refusal("service.register", ["name": "one more", "agent": "climate"])?.known == .overloaded)
    #expect(try client.call("service.register", ["name": "s1", "agent": "climate"]).get()["serviceName"] == "s1")
  }

  @Test func aMuteAgentDelaysAnswersOnlyBriefly() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.agents.mute = ["climate"]
    try client.send(#"{"id":1,"method":"state.get"}"#)
    try client.send(#"{"id":2,"method":"agent.snapshot","params":{"agent":"climate"}}"#)
    harness.settle()
    #expect(harness.server.connections.values.first?.underWay == 2)
    harness.clock.advance(by: .seconds(1))
    let answers = [try client.next(), try client.next()]
    let tree = answers.first { $0?["id"] == 1 }??["result"]
    #expect(tree?["agents"]?["climate"]?["report_late"] == true)
    #expect(tree?["agents"]?["idle"]?["report"] == ["count": 3])
    let snapshot = answers.first { $0?["id"] == 2 }??["result"]
    #expect(snapshot == ["agent": "climate", "snapshot": [:], "age_ms": .null, "late": true])
  }

  @Test func listsAndTheTreeAreMadeOfTheSameRows() throws {
    let client = try Harness().connect()
    let tree = try client.call("projection.get").get()
    for agent in try #require(try client.call("listAgents").get()["agents"]?.list) {
      let branch = try #require(tree["agents"]?[agent["agent"]?.string ?? ""])
      for name in ["state", "activations", "queued", "driver", "uptime_ms"] {
        #expect(branch[name] ?? .null == agent[name], "\(name)")
      }
    }
    let status = try client.call("daemon.status").get()
    #expect(status["agents"] == ["registered": 2, "running": 1])
    #expect(status["events"]?["total"] == tree["events"]?["total"])
    #expect(status["devices"] == 5 && status["rules"] == 1)
  }

  @Test func everyMethodHasASchemaForItsParameters() throws {
    let client = try Harness().connect()
    let methods = try #require(try client.call("daemon.methods").get()["methods"]?.list)
    for method in methods {
      let name = method["name"]?.string ?? ""
      let parameters = try #require(method["parameters"]?.list)
      let schema = try #require(method["schema"], "\(name)")
      #expect(schema["properties"]?.map?.map(\.key) == parameters.compactMap { $0["name"]?.string }, "\(name)")
      for parameter in parameters {
        let property = schema["properties"]?[parameter["name"]?.string ?? ""]
        #expect(property?["type"] != nil || property?["oneOf"] != nil, "\(name)")
      }
    }
  }

  @Test func budgetsAreShownForAllForOneAndForTheBoard() throws {
    let client = try Harness().connect()
    let all = try client.call("daemon.budgets").get()
    #expect(all["board"]?.list?.first?["budget"] == "disk" && all["agents"]?.list?.count == 2)
    let one = try client.call("daemon.budgets", ["agent": "climate"]).get()
    #expect(one["board"] == [] && one["agents"]?.list?.count == 1)
    let budget = try #require(one["agents"]?.list?.first?["budgets"]?.list?.first)
    #expect(
      budget == [
        "budget": "cpu", "used": 900_000_000, "limit": 1_000_000_000, "unit": "ns", "window_ms": 10_000, "refused": 0,
        "step": "warned", "enforcement": "afterwards", "why": "it cannot be interrupted",
      ])
    #expect(try client.call("agent.status", ["agent": "climate"]).get()["budgets"] == [budget])
    #expect(try client.refusal("daemon.budgets", ["agent": "climat"])?.known == .agentNotFound)
  }

  @Test func theLedgerIsAskedForAnAgentOrForAll() throws {
    let harness = try Harness()
    let client = try harness.connect()
    #expect(try client.call("daemon.history").get() == ["entries": [["reason": "started"]]])
    _ = try client.call("daemon.history", ["agent": "gone", "limit": 7]).get()
    #expect(harness.daemon.asked == ["all 50", "gone 7"])
    #expect(try client.refusal("daemon.history", ["agent": "broken"])?.known == .storage)
    #expect(try client.refusal("daemon.history", ["limit": 0])?.known == .invalidParams)
  }
}
