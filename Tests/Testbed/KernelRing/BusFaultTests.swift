import CLinux
import Chips
import HAL
import HALLinux
import KernelTestKit
import Model

// Effects on other chips of a bus when one chip does not answer, answers late, or answers nonsense.
extension RingTests {
  static var busFaults: [RingTest] {
    [
      RingTest("i2c: a scan finds every chip, and reports those with a kernel driver") { ring in try scan(ring) },
      RingTest("i2c: the fault of a chip with a kernel driver names the driver") { ring in
        _ = try SimulatedBus()
        let stand = try Stand(ring.board, ["taken"])
        defer { stand.close() }
        try expect(try stand.fault("taken"), is: .inUse("the kernel driver lm75"), "fault")
      },
      RingTest("i2c: ten readers and three quantities cost one transfer each way") { ring in try coalesced(ring) },
      RingTest("i2c: a missing acknowledge is retried; a permanent one is a fault of that chip only") { ring in
        try noAcknowledge(ring)
      },
      RingTest("i2c: lost arbitration is retried") { ring in try arbitration(ring) },
      RingTest("i2c: after a checksum error the chip is measured again") { ring in try checksum(ring) },
      RingTest("i2c: the breaker opens for an address that times out, probes it, and closes") { ring in
        try breaker(ring)
      },
      RingTest("i2c: a hanging sensor does not affect an expander") { ring in try expander(ring) },
      RingTest("i2c: a safe level bypasses the breaker and the queue of sensors") { ring in try safeLevel(ring) },
      RingTest("i2c: the bus is free while a chip measures") { ring in try shared(ring) },
      RingTest("i2c: a hanging bus does not block the loop") { ring in try stuck(ring) },
    ]
  }

  /// A board whose sensors are never answered from the cache, and a working chip.
  private static func bench(
    _ ring: Ring, _ devices: [DeviceID], _ address: UInt8
  ) throws -> (Stand, SimulatedBus, SimulatedBus.Chip) {
    let bus = try SimulatedBus()
    let chip = try bus.chip(address)
    try chip.heal()
    let stand = try Stand(ring.board, devices) { device in
      if case .sensor(var settings) = device.kind {
        settings.every = .milliseconds(10)
        // Only the test's requests cause transfers.
        settings.onDemand = true
        device.kind = .sensor(settings)
      }
    }
    return (stand, bus, chip)
  }

  private static func scan(_ ring: Ring) throws {
    _ = try SimulatedBus()
    let stand = try Stand(ring.board, [])
    defer { stand.close() }
    var answer: Result<I2CScan, HALError.Fault>?
    try stand.linux.scan(bus: "sensors") { answer = $0 }
    try stand.wait("the scan") { answer != nil }
    let chips = try answer?.get().chips ?? []
    let wanted: [UInt8] = [
      0x18, 0x23, 0x38, 0x40, 0x41, 0x44, 0x46, 0x48, 0x49, 0x4A, 0x4B, 0x50, 0x5C, 0x68, 0x69, 0x76, 0x77,
    ]
    try expect(chips.map(\.address), is: wanted, "addresses that answer")
    for chip in chips {
      let holder: String? = [UInt8(0x4B): "the kernel driver lm75", 0x5C: "the kernel driver bh1750"][chip.address]
      try expect(chip.heldBy, is: holder, "holder of 0x\(String(chip.address, radix: 16))")
    }
    ring.note("\(chips.count) chips found")
  }

  private static func coalesced(_ ring: Ring) throws {
    let (stand, bus, chip) = try bench(ring, ["bme280_temperature", "bme280_humidity", "bme280_pressure"], 0x76)
    defer { stand.close() }
    for example in ChipSensor.all.first(where: { $0.name == "bme280" })?.examples ?? [] { try chip.hold(example) }
    _ = try stand.read("bme280_temperature")
    stand.turn(for: .milliseconds(15))
    let before = try bus.last()
    var answers = 0
    for _ in 1...10 {
      for id in ["bme280_temperature", "bme280_humidity", "bme280_pressure"] as [DeviceID] {
        stand.hardware.getSensorData(id, as: Stand.everybody) { if case .success = $0 { answers += 1 } }
      }
    }
    try stand.wait("thirty answers") { answers == 30 }
    let forced = try bus.journal(after: before).filter { $0.written.first == 0xF4 }.count
    try expect(forced, is: 1, "measurements for thirty readers")
  }

  private static func noAcknowledge(_ ring: Ring) throws {
    let (stand, bus, chip) = try bench(ring, ["tmp102", "lm75"], 0x48)
    defer { stand.close() }
    try chip.hold(words: [0x1900])
    try chip.fail(2, errno: ENXIO)
    let before = try chip.transfers
    try expect(try stand.read("tmp102").value, is: 25, "reading after two transfers without acknowledge")
    try expect(try chip.transfers - before, is: 3, "transfers")
    try chip.fail(-1, errno: ENXIO)
    for _ in 1...4 { try expect(try stand.fault("tmp102"), is: .noAcknowledge, "fault") }
    try expect(stand.events("device:fault", from: "tmp102").count, is: 1, "device:fault events for one trouble")
    // Other devices on the bus are unaffected.
    try bus.chip(0x49).heal()
    try bus.chip(0x49).hold(words: [0x1900])
    try expect(try stand.read("lm75").value, is: 25, "the chip next to it")
    try chip.heal()
    try expect(try stand.read("tmp102").value, is: 25, "reading once it answers")
    try expect(stand.events("device:recovered", from: "tmp102").count, is: 1, "device:recovered events")
  }

  private static func arbitration(_ ring: Ring) throws {
    let (stand, _, chip) = try bench(ring, ["tmp102"], 0x48)
    defer {
      try? chip.heal()
      stand.close()
    }
    try chip.hold(words: [0x1900])
    // The kernel tries each transfer twice (I2C_RETRIES), so a third try is our own second attempt.
    try chip.fail(3, errno: EAGAIN)
    try expect(try stand.read("tmp102").value, is: 25, "reading after three lost arbitrations")
    try chip.fail(-1, errno: EAGAIN)
    try expect(try stand.fault("tmp102"), is: .arbitrationLost, "fault")
  }

  private static func checksum(_ ring: Ring) throws {
    let (stand, bus, chip) = try bench(ring, ["sht3x_temperature"], 0x44)
    defer {
      try? chip.heal()
      stand.close()
    }
    try chip.hold([0x66, 0x66, 0x93, 0x80, 0x00, 0xA2])
    let before = try bus.last()
    try chip.garble(1)
    try expect(try stand.read("sht3x_temperature").value, near: 25, within: 0.001, "reading")
    try expect(
      try bus.journal(after: before).filter { $0.written == [0x24, 0x00] }.count, is: 2, "measurements asked for")
    try chip.garble(-1)
    try expect(try stand.fault("sht3x_temperature"), is: .checksum, "fault")
  }

  private static func breaker(_ ring: Ring) throws {
    let (stand, bus, chip) = try bench(ring, ["tmp102", "lm75"], 0x48)
    defer {
      try? chip.heal()
      stand.close()
    }
    try chip.hold(words: [0x1900])
    try expect(try stand.read("tmp102").value, is: 25, "reading")
    try chip.fail(-1, errno: ETIMEDOUT)
    // Three attempts each; the sixth consecutive failure opens the breaker.
    try expect(try stand.fault("tmp102"), is: .timeout, "first fault")
    try expect(try stand.fault("tmp102"), is: .timeout, "second fault")
    let before = try bus.last()
    try expect(try stand.fault("tmp102"), is: .resting, "third fault")
    try expect(try bus.last(), is: before, "transfers while the address rests")
    try bus.chip(0x49).heal()
    try bus.chip(0x49).hold(words: [0x1900])
    try expect(try stand.read("lm75").value, is: 25, "the chip next to it")
    // A second later it is probed once, without success, and pauses for two seconds.
    let probed = try chip.transfers
    try stand.wait("the first probe", polling: .milliseconds(50)) {
      _ = try stand.fault("tmp102")
      return try chip.transfers > probed
    }
    try expect(try chip.transfers, is: probed + 1, "probes")
    try chip.heal()
    let healed = stand.loop.now
    try stand.wait("the address working again", polling: .milliseconds(50)) { try stand.fault("tmp102") == nil }
    ring.note("works again \((stand.loop.now - healed).text) after the fault ended")
    try expect(try stand.fault("lm75"), is: nil, "fault of the chip next to it")
  }

  private static func expander(_ ring: Ring) throws {
    let (stand, bus, sensor) = try bench(ring, ["tmp102", "servo"], 0x48)
    let chip = try bus.chip(0x40)
    defer {
      try? sensor.heal()
      stand.close()
    }
    try chip.heal()
    try sensor.fail(-1, errno: ETIMEDOUT)
    try stand.wait("the sensor's address to rest", polling: .milliseconds(5)) {
      try stand.fault("tmp102") == .resting
    }
    // Every command of the expander arrives, whatever the sensor's probes do meanwhile.
    for (level, registers) in [(0.5, [0, 0, 0x00, 0x08]), (0.25, [0, 0, 0x00, 0x04])] as [(Double, [UInt8])] {
      for _ in 1...3 { _ = try stand.fault("tmp102") }
      try stand.control("servo", .level(level))
      try stand.wait("LED0 at \(level)", polling: .milliseconds(5)) { try chip.contents(0x06, 4) == registers }
    }
    try expect(stand.events("device:fault", from: "servo").count, is: 0, "faults of the expander")
  }

  private static func safeLevel(_ ring: Ring) throws {
    let (stand, bus, sensor) = try bench(ring, ["lm75", "tmp102", "mcp9808", "servo"], 0x49)
    let chip = try bus.chip(0x40)
    defer {
      try? sensor.heal()
      stand.close()
    }
    for address in [0x40, 0x48, 0x18] as [UInt8] { try bus.chip(address).heal() }
    try stand.control("servo", .on)
    try stand.wait("LED0 on", polling: .milliseconds(5)) { try chip.contents(0x06, 4) == [0, 0x10, 0, 0] }
    // At the stop, one transfer is in progress and two sensors are queued.
    try sensor.delay(milliseconds: 300)
    let before = try bus.last()
    var answers = 0
    for id in ["lm75", "tmp102", "mcp9808"] as [DeviceID] {
      stand.hardware.getSensorData(id, as: Stand.everybody) { _ in answers += 1 }
    }
    stand.hardware.stopEverything(by: "client/ring")
    try stand.wait("LED0 off", polling: .milliseconds(5)) { try chip.contents(0x06, 4) == [0, 0, 0, 0x10] }
    try stand.wait("the sensors") { answers == 3 }
    let order = try bus.journal(after: before).map(\.address)
    let off = order.lastIndex(of: 0x40) ?? .max
    for waiting in [0x48, 0x18] as [UInt8] {
      try expect(off < order.firstIndex(of: waiting) ?? -1, "0x\(String(waiting, radix: 16)) went first: \(order)")
    }
  }

  private static func shared(_ ring: Ring) throws {
    let (stand, bus, light) = try bench(ring, ["bh1750", "tmp102"], 0x23)
    defer { stand.close() }
    try light.hold([0x83, 0x90])
    try bus.chip(0x48).heal()
    try bus.chip(0x48).hold(words: [0x1900])
    let before = try bus.last()
    var readings: [DeviceID: Double] = [:]
    for id in ["bh1750", "tmp102"] as [DeviceID] {
      stand.hardware.getSensorData(id, as: Stand.everybody) {
        if case .success(let reading) = $0 { readings[id] = reading.value }
      }
    }
    try stand.wait("both readings") { readings.count == 2 }
    try expect(readings["bh1750"] ?? 0, near: 28067, within: 1, "light")
    try expect(readings["tmp102"], is: 25, "temperature")
    let order = try bus.journal(after: before).map(\.address)
    try expect(order, is: [0x23, 0x23, 0x48, 0x23], "who spoke on the bus")
  }

  private static func stuck(_ ring: Ring) throws {
    let (stand, _, chip) = try bench(ring, ["tmp102"], 0x48)
    defer { stand.close() }
    try chip.hold(words: [0x1900])
    try chip.delay(milliseconds: 500)
    var answer: Result<Reading, HALError>?
    stand.hardware.getSensorData("tmp102", as: Stand.everybody) { answer = $0 }
    let start = stand.loop.now
    var (turns, last, longest) = (0, start, Duration.zero)
    try stand.wait("the slow reading", polling: .milliseconds(5)) {
      let now = stand.loop.now
      longest = max(longest, now - last)
      last = now
      turns += 1
      return answer != nil
    }
    let length = stand.loop.now - start
    try chip.heal()
    try expect(length >= .milliseconds(500), "the transfer took \(length.text) only")
    try expect(try answer?.get().value, is: 25, "reading")
    // One turn per 5 ms makes a hundred; a loop that waited for the bus would turn twice.
    try expect(turns > 20, "the loop turned \(turns) times while the bus hung for \(length.text)")
    try expect(longest < length / 2, "the loop stood still for \(longest.text)")
    ring.note("\(turns) turns of the loop in a transfer of \(length.text), the longest pause \(longest.text)")
  }
}
