import Glibc
import HAL
import Model
import RPC
import Testing

@testable import Control

/// A session that has bound itself: `session.restrict`.
@Suite struct RestrictionTests {
  /// A client that has bound itself to some devices, and a person beside it.
  private func bound(
    _ devices: [String] = ["*"], role: String = "operate", rate: Int64 = 100, as own: Role = .admin
  ) throws -> (harness: Harness, client: TestClient, person: TestClient) {
    let harness = try Harness(role: own)
    let client = try harness.connect()
    let answer = try client.call(
      "session.restrict",
      ["role": .string(role), "devices": .list(devices.map { .string($0) }), "rate": .int(rate)]
    ).get()
    #expect(answer["role"]?.string == min(own, role == "view" ? .view : .operate).name)
    // Root is an approver.
    #expect(answer["approver"] == .bool(getuid() == 0))
    return (harness, client, try harness.connect())
  }

  @Test func nothingTakesItBack() throws {
    let (harness, client, _) = try bound(["fan"])
    let again = try client.refusal("session.restrict", ["devices": ["*"]])
    #expect(again?.known == .permissionDenied)
    #expect(try client.refusal("hal.control", ["device": "lamp", "command": "on"])?.known == .deviceDenied)
    #expect(harness.hardware.device("lamp")?.holder == nil)
  }

  @Test func itsRoleNeverRises() throws {
    let (_, viewer, _) = try bound(role: "operate", as: .view)
    #expect(try viewer.refusal("hal.control", ["device": "fan", "command": "on"])?.known == .permissionDenied)
    let (_, client, _) = try bound(role: "view", as: .admin)
    #expect(try client.refusal("hal.control", ["device": "fan", "command": "on"])?.known == .permissionDenied)
    #expect(try client.refusal("hal.control", ["device": "fan", "command": "off"])?.known == .permissionDenied)
    #expect(try client.call("hal.read", ["device": "temperature"]).get()["quality"] == "good")
  }

  @Test func whatIsAPersonsStaysAPersons() throws {
    let (harness, client, _) = try bound()
    let allowed = [
      "hal.control", "controlActuator", "hal.release", "hal.emergencyStop", "events.emit", "eventbridge.publish",
    ]
    for method in ControlMethods.table.all where method.role > .view {
      let refusal = try client.refusal(method.name)
      #expect((refusal?.known == .permissionDenied) == !allowed.contains(method.name), "\(method.name)")
    }
    // It may stop everything, and not go on.
    #expect(harness.hardware.emergencyStop != nil)
  }

  @Test func itKnowsOnlyOfItsDevices() throws {
    let (_, client, person) = try bound(["fan", "temp*"])
    let devices = try #require(try client.call("hal.devices").get()["devices"]?.list)
    #expect(devices.compactMap { $0["device"]?.string } == ["temperature", "fan"])
    let tree = try client.call("projection.get").get()
    #expect(tree["devices"]?.map?.keys.sorted() == ["fan", "temperature"])
    #expect(try client.refusal("hal.snapshot", ["device": "cam0"])?.known == .deviceDenied)
    for method in ["events.chain", "hal.read", "hal.control", "hal.release"] {
      var arguments: Fields = ["device": "pump"]
      if method == "hal.control" { arguments["command"] = "off" }
      #expect(try client.refusal(method, arguments)?.known == .deviceDenied, "\(method)")
    }
    // Neither is it told of one in reach that is written like one beyond.
    #expect(try client.refusal("hal.read", ["device": "temp_pump"])?.hint?.contains("'pump'") != true)

    _ = try client.call("events.subscribe", ["pattern": "device:*"]).get()
    for device in ["pump", "fan"] {
      _ = try person.call("hal.control", ["device": .string(device), "command": "on"]).get()
    }
    let heard = try client.notifications("events.event", 1)
    #expect(heard.first?["event"]?["source"] == "fan")
    let list = try client.call("events.list", ["pattern": "*"]).get()
    #expect(list["events"]?.list?.contains { $0["source"] == "pump" } == false)
    // The person's command names the pump, too.
    #expect(list["withheld"] == 2)
    let all = try person.call("events.list").get()
    #expect(all["withheld"] == nil)
    let pump = try #require(all["events"]?.list?.first { $0["source"] == "pump" }?["id"])
    #expect(try client.refusal("events.get", ["event": pump])?.known == .notFound)
    #expect(try client.call("events.chain", ["device": "fan"]).get()["events"]?.list?.count == 2)
  }

  @Test func whatTellsOfEverythingIsNotForASessionOfSomeDevices() throws {
    let (harness, client, person) = try bound(["fan"])
    let methods = try #require(try client.call("daemon.methods").get()["methods"]?.list).compactMap {
      $0["name"]?.string
    }
    let told = [
      "agent.logs", "agent.snapshot", "agent.list", "budgets.get", "daemon.files", "daemon.history", "daemon.status",
      "messages.list", "models.list", "registry.list", "rules.check", "rules.explain", "rules.list", "rules.test",
      "variables.list",
    ].filter { name in ControlMethods.table.all.contains { $0.name == name } }
    #expect(told.count > 10 && !methods.contains { told.contains($0) } && methods.contains("hal.control"))
    for method in ControlMethods.table.all where !methods.contains(method.name) {
      // Methods without a mandatory parameter get as far as their refusal.
      guard !method.parameters.contains(where: \.isRequired) else { continue }
      #expect(try client.refusal(method.name)?.known == .permissionDenied, "\(method.name)")
    }
    let tree = try client.call("projection.get").get()
    #expect(tree["agents"] == nil && tree["rules"] == nil && tree["board"] == "test")

    // Others' words may tell what their devices have measured; that everything stops is told in full.
    harness.events.publish("door:opened", from: "agent/guard", cause: nil, ["temperature": 21])
    harness.events.publish(RuleEvents.fired("hot", by: "sensor:temperature", .normal, count: 1), from: "rule/hot")
    _ = try client.call("events.emit", ["type": "assistant:noticed"]).get()
    _ = try person.call("hal.emergencyStop", ["reason": "the pump leaks"]).get()
    let list = try #require(try client.call("events.list").get()["events"]?.list)
    let types = list.compactMap { $0["type"]?.string }
    #expect(!types.contains("door:opened") && !types.contains("rule:fired") && types.contains("assistant:noticed"))
    #expect(types.contains("system:emergency_stop"))
  }

  @Test func aSubscriptionDoesNotMeasureBeyondReach() throws {
    let (harness, client, person) = try bound(["fan"])
    _ = try client.call("events.subscribe", ["pattern": "sensor:temperature"]).get()
    #expect(harness.hardware.device("temperature")?.watchers == 0)
    _ = try person.call("events.subscribe", ["pattern": "sensor:temperature"]).get()
    #expect(harness.hardware.device("temperature")?.watchers == 1)
  }

  @Test func anothersReleaseLeavesItsLeaseWithIt() throws {
    let (harness, client, person) = try bound()
    _ = try person.call("hal.control", ["device": "fan", "command": "off", "lease_ms": 60000]).get()
    _ = try client.call("hal.control", ["device": "fan", "command": "on", "lease_ms": 60000]).get()
    // The rules have it again when the client has done with it.
    harness.rules.givesBack = true
    _ = try person.call("hal.release", ["device": "fan"]).get()
    #expect(harness.hardware.device("fan")?.holder?.hasPrefix("mcp/") == true)
    client.close()
    harness.turn { harness.hardware.device("fan")?.holder == nil }
  }

  @Test func aDaemonThatStartsLaterHasOtherNamesForSessions() throws {
    let harness = try Harness()
    harness.clock.advance(by: .seconds(1))
    let later = ControlServer(
      loop: harness.loop, settings: harness.settings, services: harness.server.services, time: harness.clock,
      limits: Limits())
    #expect(later.lastConnection > harness.server.lastConnection + 100_000)
  }

  @Test func checksOfRulesAreCounted() throws {
    let (_, client, person) = try bound()
    for _ in 0..<2 { _ = try client.call("rules.check", ["text": "rules: []"]).get() }
    let refusal = try client.refusal("rules.check", ["text": "rules: []"])
    #expect(refusal?.known == .rateLimited && refusal?.data["retry_after_ms"]?.int ?? 0 > 0)
    #expect(try person.refusal("rules.check", ["text": "rules: []"])?.known == .rateLimited)
    #expect(try client.refusal("daemon.health") == nil)
  }

  @Test func itIsAHolderOfItsOwn() throws {
    let (harness, client, person) = try bound()
    let other = try harness.connect()
    _ = try other.call("session.restrict").get()
    _ = try client.call("hal.control", ["device": "fan", "command": "on", "lease_ms": 5000, "hold": true]).get()
    let holder = try #require(harness.hardware.device("fan")?.holder)
    #expect(holder.hasPrefix("mcp/") && holder != harness.hardware.device("lamp")?.holder)
    // Another program of the same user has it not, and neither may make it safe.
    #expect(try other.refusal("hal.control", ["device": "fan", "command": 0.5])?.known == .deviceBusy)
    #expect(try other.refusal("hal.control", ["device": "fan", "command": "off"])?.known == .deviceBusy)
    _ = try other.call("hal.release", ["device": "fan"])
    #expect(harness.hardware.device("fan")?.holder == holder)
    // A person may.
    #expect(try person.call("hal.control", ["device": "fan", "command": "off"]).get()["taken_from"] == .string(holder))
    let command = try #require(harness.events.all.first { $0.type == SystemEvents.commandName })
    #expect(command.source == holder && command.payload["client"] == .string(holder))
  }

  @Test func itsLeasesEndWithIt() throws {
    let (harness, client, _) = try bound()
    _ = try client.call("hal.control", ["device": "fan", "command": "on", "lease_ms": 60000, "hold": true]).get()
    client.close()
    harness.turn { harness.hardware.device("fan")?.holder == nil }
  }

  @Test func itKeepsNoRulesOff() throws {
    let (harness, client, person) = try bound()
    _ = try client.call("hal.control", ["device": "fan", "command": "off", "lease_ms": 60000]).get()
    _ = try client.call("hal.release", ["device": "fan"]).get()
    #expect(harness.rules.suspended.isEmpty)
    _ = try person.call("hal.control", ["device": "fan", "command": "off", "lease_ms": 60000]).get()
    #expect(harness.rules.suspended == ["fan"])
  }

  @Test func itsRateIsItsOwn() throws {
    let (harness, client, person) = try bound(rate: 3)
    for _ in 0..<3 { _ = try client.call("daemon.health").get() }
    let refusal = try client.refusal("daemon.health")
    #expect(refusal?.known == .rateLimited && (refusal?.data["retry_after_ms"]?.int ?? 0) > 0)
    #expect(try client.refusal("hal.emergencyStop") == nil)
    #expect(try person.refusal("daemon.health") == nil)
    harness.clock.advance(by: .seconds(1))
    #expect(try client.refusal("daemon.health") == nil)
  }

  @Test func whoHasTakenSomethingAsAPersonStaysOne() throws {
    let harness = try Harness()
    let holder = try harness.connect()
    _ = try holder.call("hal.control", ["device": "fan", "command": "on"]).get()
    #expect(try holder.refusal("session.restrict")?.known == .permissionDenied)
    let listener = try harness.connect()
    _ = try listener.call("events.subscribe").get()
    #expect(try listener.refusal("session.restrict")?.known == .permissionDenied)
  }

  @Test(arguments: [[], [""], [1], "fan"] as [Value]) func patternsAreAListOfTexts(devices: Value) throws {
    let client = try Harness().connect()
    #expect(try client.refusal("session.restrict", ["devices": devices])?.known == .invalidParams)
  }

  @Test func aTraceOfTheCallerGoesOn() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let parent = try #require(TraceParent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
    let request = Request(
      id: .number(1), method: "hal.control", params: ["device": "fan", "command": "on"], trace: parent)
    try client.send(request.encoded())
    _ = try client.next()
    let change = try #require(harness.events.all.last { $0.type == "device:changed" })
    let command = try #require(harness.events.all.first { $0.type == SystemEvents.commandName })
    #expect(change.trace == parent.trace && change.cause == command.id)
    #expect(command.trace == parent.trace && command.cause == parent.span && command.depth == 1)
    let emit = Request(id: .number(2), method: "events.emit", params: ["type": "a:b"], trace: parent)
    try client.send(emit.encoded())
    _ = try client.next()
    #expect(harness.events.all.last?.trace == parent.trace)
    // A chain of the daemon's own is not one to join: its events are limited.
    let bound = try harness.connect()
    _ = try bound.call("session.restrict").get()
    let root = harness.events.publish("c:d", from: "agent/guard", cause: nil)
    let digits = [root.id.high, root.id.low].map { half in
      let text = String(half, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    let own = try #require(TraceParent("00-\(digits.joined())-b7ad6b7169203331-01"))
    try bound.send(Request(id: .number(3), method: "events.emit", params: ["type": "a:b"], trace: own).encoded())
    _ = try bound.next()
    #expect(harness.events.all.last?.cause == nil && harness.events.all.last?.trace != root.trace)
    // What cannot be read is ignored.
    try client.send(#"{"jsonrpc":"2.0","id":3,"method":"events.emit","params":{"type":"a:b"},"traceparent":"00-x"}"#)
    _ = try client.next()
    #expect(harness.events.all.last?.cause == nil)
  }
}
