import Model
import RPC
import Testing

@testable import Control

@Suite struct HardwareMethodTests {
  @Test func devicesAreListedAndRead() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.simulate", ["device": "temperature", "change": ["value": 31.5]]).get()
    let reading = try client.call("getSensorData", ["device": "temperature"]).get()
    #expect(reading["device"] == "temperature")
    #expect(reading["value"] == 31.5)
    #expect(reading["quality"] == "good")
    let devices = try #require(try client.call("hal.devices").get()["devices"]?.list)
    #expect(devices.map { $0["device"] } == ["temperature", "fan", "lamp", "pump", "cam0"])
    #expect(devices[0]["value"] == 31.5)
    #expect(devices[1]["holder"] == .null)
    let missing = try client.refusal("hal.read", ["device": "temprature"])
    #expect(missing?.known == .deviceNotFound)
  }

  @Test func aRefusalForAnotherKindNamesItsCommand() throws {
    let client = try Harness().connect()
    let fan = try client.refusal("hal.read", ["device": "fan"])
    #expect(fan?.known == .deviceNotFound && fan?.message == "'fan' is an actuator, not a sensor")
    #expect(fan?.hint == "'openstarry set fan …' commands it (hal.control)")
    let camera = try client.refusal("hal.control", ["device": "cam0", "command": "on"])
    #expect(camera?.message == "'cam0' is a camera, not an actuator")
    #expect(camera?.hint?.contains("openstarry snapshot cam0 -o FILE") == true)
    #expect(try client.refusal("hal.snapshot", ["device": "temperature"])?.hint?.contains("openstarry read") == true)
    #expect(try client.refusal("hal.read", ["device": "zzzzzz"])?.hint?.contains("openstarry devices") == true)
    #expect(try client.refusal("agent.status", ["agent": "zzzzzz"])?.hint?.contains("'openstarry ps'") == true)
  }

  @Test func aReceiptHasTheLeaseThatWasGranted() throws {
    let harness = try Harness()
    let client = try harness.connect()
    func lease(_ device: Value, _ command: Value, _ asked: Value? = nil) throws -> [Value?] {
      var params: Fields = ["device": device, "command": command]
      params["lease_ms"] = asked
      let receipt = try client.call("hal.control", params).get()
      return [receipt["lease_ms"], receipt["limit"]]
    }
    #expect(try lease("fan", "on") == [60_000, .null])
    #expect(try lease("fan", "on", 5000) == [5000, .null])
    #expect(try lease("fan", "off", 5000) == [.null, .null])
    harness.clock.advance(by: .seconds(1))
    #expect(try lease("pump", "on", 60_000) == [20_000, "max_on 20s"])
    harness.clock.advance(by: .seconds(5))
    #expect(try lease("pump", "on", 60_000) == [15_000, "max_on 20s"])
    #expect(try lease("pump", "on", 3000) == [3000, .null])
  }

  @Test func faultsOfTheHardwareHaveCodes() throws {
    let client = try Harness().connect()
    _ = try client.call("hal.simulate", ["device": "temperature", "change": "nack"]).get()
    let refusal = try client.refusal("hal.read", ["device": "temperature"])
    #expect(refusal?.known == .deviceFailed)
    #expect(refusal?.data["operation"] == "read")
    #expect(refusal?.data["fault"]?.string?.contains("acknowledge") == true)
    #expect(try client.refusal("hal.simulate", ["device": "temperature", "change": "fire"])?.known == .deviceInvalid)
    #expect(try client.refusal("hal.simulate", ["device": "x", "change": "nack"])?.known == .deviceNotFound)
  }

  @Test func safeModeHasOutputsOnly() throws {
    let harness = try Harness()
    harness.rules.safeMode = "the daemon is in safe mode"
    let client = try harness.connect()
    let refusal = try client.refusal("hal.simulate", ["device": "temperature", "change": "nack"])
    #expect(refusal?.known == .safeMode && refusal?.message.contains("leave-safe-mode") == true)
    _ = try client.call("hal.simulate", ["device": "fan", "change": "nack"]).get()
  }

  @Test func whatIsGivenBackForThisRunOnlyIsSaid() throws {
    let harness = try Harness()
    let client = try harness.connect()
    #expect(try client.call("hal.release", ["device": "fan"]).get()["warning"] == .null)
    harness.rules.givesBack = true
    harness.rules.diskProblem = "the disk is full"
    #expect(
      try client.call("hal.release", ["device": "fan"]).get()["warning"]
        == "it will not survive a restart: the disk is full")
  }

  @Test func whatWasWithoutEffectIsAcknowledged() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let answer = try client.call("hal.acknowledge", ["device": "fan"]).get()
    #expect(answer == ["device": "fan", "acknowledged": false, "warning": .null, "board": "test"])
    #expect(try client.refusal("hal.acknowledge", ["device": "temperature"])?.known == .deviceNotFound)
    #expect(try client.refusal("hal.acknowledge", ["device": "fam"])?.known == .deviceNotFound)
  }

  /// A session that may not know of the sensor is told neither its name nor its readings.
  @Test func aSensorBeyondReachIsNotTold() throws {
    let found = NoEffect(since: 1, state: 1, sensor: "current", before: 1, after: 2)
    let row: Fields = ["device": "pump", "no_effect": .map(found.fields)]
    let some = Restriction(session: 1, devices: [EventPattern("pump")])
    #expect(some.shown(device: row) == ["device": "pump"])
    let both = Restriction(session: 1, devices: [EventPattern("pump"), EventPattern("current")])
    #expect(both.shown(device: row) == row)
    let events = TestEvents(ManualClock())
    let event = events.publish(DeviceEvents.noEffect("pump", found, within: .seconds(1)), from: "pump")
    #expect(!some.shows(event, to: "mcp/ada/1") && both.shows(event, to: "mcp/ada/1"))
  }

  @Test func nothingIsSimulatedOnARealBoard() throws {
    let client = try Harness(simulated: false).connect()
    #expect(try client.refusal("hal.simulate", ["device": "fan", "change": "nack"])?.known == .notSimulated)
  }

  @Test(
    arguments: [
      ("on", 1.0), ("off", 0.0), (0.25, 0.25), (1, 1.0), (["pulse_ms": 100], 1.0),
    ] as [(Value, Double)])
  func commandsAreUnderstood(command: Value, state: Double) throws {
    let receipt = try Harness().connect().call("controlActuator", ["device": "fan", "command": command]).get()
    #expect(receipt["state"]?.double == state)
    #expect(receipt["device"] == "fan")
  }

  @Test func aLeaseEndsWithItsConnection() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.control", ["device": "fan", "command": "on"]).get()
    #expect(harness.hardware.device("fan")?.holder != nil)
    client.close()
    harness.settle()
    #expect(harness.hardware.device("fan")?.holder == nil)
    #expect(harness.hardware.device("fan")?.state == "off")
    #expect(harness.events.all.last?["reason"] == "connection-closed")
  }

  @Test func aLeaseEndsWithItsConnectionDuringPendingRequests() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.control", ["device": "fan", "command": "on"]).get()
    // The request is pending until the agent ends.
    try client.send(#"{"id":7,"method":"killAgent","params":{"agent":"climate"}}"#)
    harness.settle()
    client.close()
    harness.settle()
    #expect(harness.server.status.connections == 1)
    #expect(harness.hardware.device("fan")?.state == "off" && harness.hardware.device("fan")?.holder == nil)
    harness.agents.finishEnding()
    harness.settle()
    #expect(harness.server.status.connections == 0)
  }

  @Test func queuedRequestsOfAFloodKeepNoLease() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.control", ["device": "fan", "command": "on"]).get()
    let line = Array("{\"id\":1,\"method\":\"agent.ping\"}\n".utf8)
    try client.send([UInt8]((0..<2000).flatMap { _ in line }))
    harness.settle()
    client.close()
    harness.settle()
    #expect(harness.server.status.connections == 1)
    #expect(harness.hardware.device("fan")?.state == "off")
  }

  @Test func aLeaseEndsWhenItsClientStopsSending() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(#"{"id":1,"method":"hal.control","params":{"device":"fan","command":"on"}}"#)
    try client.send(#"{"id":2,"method":"killAgent","params":{"agent":"climate"}}"#)
    client.shutDown()
    #expect(try client.next()?["result"]?["state"]?.double == 1)
    harness.settle()
    #expect(harness.hardware.device("fan")?.state == "off")
    harness.agents.finishEnding()
    #expect(try client.next()?["id"] == 2)
  }

  @Test func aPersonTakesOverWhatRulesKeep() throws {
    let harness = try Harness(role: .operate)
    let client = try harness.connect()
    _ = try harness.hardware.controlActuator("fan", .on, as: .init(name: "rule/too-hot", permissions: .all))
    let receipt = try client.call("hal.control", ["device": "fan", "command": 0.5]).get()
    #expect(receipt["state"]?.double == 0.5 && receipt["taken_from"] == "rule/too-hot")
    // A rule does not take it back.
    #expect(throws: (any Error).self) {
      try harness.hardware.controlActuator("fan", .on, as: .init(name: "rule/too-hot", permissions: .all))
    }
  }

  @Test(arguments: ["agent/climate", "client/other"])
  func aPersonMakesAnyHoldersActuatorSafe(holder: String) throws {
    let harness = try Harness(role: .operate)
    let client = try harness.connect()
    _ = try harness.hardware.controlActuator(
      "fan", .on, lease: .milliseconds(39_100), as: .init(name: holder, permissions: .all))
    let refusal = try #require(try client.refusal("hal.control", ["device": "fan", "command": 0.5]))
    #expect(refusal.known == .deviceBusy && refusal.message == "'fan' is held by \(holder) for another 40s")
    #expect(refusal.data["holder"] == .string(holder) && refusal.data["retry_after_ms"] == 39_100)
    #expect(refusal.hint?.contains("--override") == true && refusal.hint?.contains("safe state") == true)
    #expect(try client.refusal("hal.release", ["device": "fan"])?.hint?.contains("--override") == true)
    let receipt = try client.call("hal.control", ["device": "fan", "command": "off"]).get()
    #expect(receipt["state"]?.double == 0 && receipt["previous"]?.double == 1 && receipt["board"] == "test")
    #expect(receipt["taken_from"] == .string(holder))
    let change = try #require(harness.events.all.last { $0.type == "device:changed" })
    #expect(change.type == "device:changed" && change["reason"] == "override")
    #expect(change["holder"]?.string?.hasPrefix("client/") == true)
    #expect(try client.call("hal.control", ["device": "fan", "command": "off"]).get()["taken_from"] == .null)
  }

  @Test func viewersCannotMakeActuatorsSafe() throws {
    let harness = try Harness(role: .view)
    _ = try harness.hardware.controlActuator("fan", .on, as: .init(name: "rule/hot", permissions: .all))
    #expect(
      try harness.connect().refusal("hal.control", ["device": "fan", "command": "off"])?.known == .permissionDenied)
    #expect(harness.hardware.device("fan")?.state == "on")
  }

  @Test func aLeaseWithATimeOutlivesItsConnection() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.control", ["device": "fan", "command": "on", "lease_ms": 5000]).get()
    client.close()
    harness.settle()
    harness.clock.advance(by: .milliseconds(4900))
    #expect(harness.hardware.device("fan")?.state == "on")
    harness.clock.advance(by: .milliseconds(200))
    #expect(harness.hardware.device("fan")?.state == "off")
  }

  @Test func theClientChoosesWhetherALeaseIsHeld() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let both: [(String, Fields)] = [
      ("fan", ["command": "on", "lease_ms": 5000, "hold": false]), ("lamp", ["command": "on", "hold": true]),
    ]
    harness.clock.advance(by: .seconds(11))
    for (device, params) in both {
      var params = params
      params["device"] = .string(device)
      _ = try client.call("hal.control", params).get()
    }
    client.close()
    harness.settle()
    #expect(harness.hardware.device("fan")?.state == "off")
    #expect(harness.hardware.device("lamp")?.state == "on")
  }

  @Test func aLaterHeldCommandTakesTheLeaseOffTheConnection() throws {
    let harness = try Harness()
    let first = try harness.connect()
    _ = try first.call("hal.control", ["device": "fan", "command": "on"]).get()
    // Connections of one user are the same holder.
    let second = try harness.connect()
    _ = try second.call("hal.control", ["device": "fan", "command": "on", "lease_ms": 5000]).get()
    first.close()
    second.close()
    harness.settle()
    #expect(harness.hardware.device("fan")?.state == "on")
  }

  @Test func aLeaseCanBeGivenUp() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.control", ["device": "fan", "command": "on", "lease_ms": 5000]).get()
    #expect(try client.call("hal.release", ["device": "fan"]).get()["released"] == true)
    #expect(harness.hardware.device("fan")?.state == "off")
    #expect(try client.call("hal.release", ["device": "fan"]).get()["released"] == false)
  }

  @Test func anEmergencyStopHoldsUntilItIsCleared() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("hal.control", ["device": "fan", "command": "on", "lease_ms": 5000]).get()
    let stopped = try client.call("hal.emergencyStop", ["reason": "smoke"]).get()
    #expect(
      stopped == [
        "stopped": true, "was_stopped": false, "safe": 3, "not_safe": .list([]), "warning": .null, "board": "test",
      ])
    #expect(harness.hardware.device("fan")?.state == "off")
    #expect(try client.call("listAgents").get()["paused"] == true)
    let refused = try client.refusal("hal.control", ["device": "fan", "command": "on"])
    #expect(refused?.known == .deviceLimited && refused?.data["rule"] == "emergency_stop")
    #expect(try client.call("hal.emergencyStop").get()["was_stopped"] == true)
    let cleared = try client.call("hal.clearEmergencyStop").get()
    #expect(cleared["was_stopped"] == true && cleared["warning"]?.string?.contains("disk full") == true)
    #expect(try client.call("hal.clearEmergencyStop").get()["was_stopped"] == false)
    _ = try client.call("hal.control", ["device": "fan", "command": "on"]).get()
  }

  @Test func refusalsNameTheHolderAndTheLimit() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try harness.hardware.controlActuator(
      "fan", .on, lease: .seconds(9), as: .init(name: "agent/climate", permissions: .all))
    let busy = try client.refusal("hal.control", ["device": "fan", "command": 0.5])
    #expect(busy?.known == .deviceBusy)
    #expect(busy?.data["holder"] == "agent/climate")
    #expect(busy?.data["retry_after_ms"] == 9000)
    #expect(try client.refusal("hal.release", ["device": "fan"])?.known == .deviceBusy)
    _ = try client.call("hal.control", ["device": "fan", "command": 0.5, "override": true]).get()
    let limited = try client.refusal("hal.control", ["device": "lamp", "command": "on"])
    #expect(limited?.known == .deviceLimited)
    #expect(limited?.data["rule"] == "min_off")
    #expect(limited?.data["retry_after_ms"] == 10_000)
  }

  @Test func aPictureComesAsAFile() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try client.send(#"{"id":1,"method":"hal.snapshot","params":{"device":"cam0"}}"#)
    harness.settle()
    harness.clock.advance(by: .seconds(1))
    let result = try #require(try client.next()?["result"])
    #expect(result["format"] == "image/jpeg")
    #expect(result["descriptor"] == true)
    let picture = try #require(try client.file())
    #expect(result["bytes"] == .int(Int64(picture.count)))
    #expect(picture.prefix(2) == [0xFF, 0xD8])
    #expect(try client.refusal("hal.snapshot", ["device": "fan"])?.known == .deviceNotFound)
  }

  @Test func aStreamDropsFramesForASlowClientAndEndsWithIt() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let number = try #require(try client.call("getCameraStream", ["device": "cam0"]).get()["subscription"])
    for _ in 0..<40 {
      harness.clock.advance(by: .milliseconds(100))
      harness.settle()
    }
    var frames = try client.notifications("camera.frame", 2)
    for frame in frames {
      #expect(frame["format"] == "GREY")
      #expect(try client.file()?.count == 64 * 48)
      #expect(frame["bytes"] == .int(64 * 48))
      #expect(frame["subscription"] == number)
    }
    harness.clock.advance(by: .milliseconds(200))
    harness.settle()
    frames = try client.notifications("camera.frame", 1)
    #expect(try #require(frames[0]["missed"]?.int) > 30)
    #expect(harness.hardware.device("cam0")?.watchers == 1)
    client.close()
    harness.settle()
    #expect(harness.hardware.device("cam0")?.watchers == 0)
  }

  @Test func unreadPicturesAreBounded() throws {
    let harness = try Harness()
    let client = try harness.connect()
    for index in 0..<8 {
      try client.send(#"{"id":\#(index),"method":"hal.snapshot","params":{"device":"cam0"}}"#)
      harness.settle()
      harness.clock.advance(by: .seconds(1))
      harness.settle()
    }
    var pictures = 0
    for _ in 0..<8 {
      let answer = try client.next()
      if answer?["error"].flatMap(RPCError.init)?.known == .rateLimited { continue }
      #expect(try client.file() != nil)
      pictures += 1
    }
    #expect(pictures == 4)
  }
}
