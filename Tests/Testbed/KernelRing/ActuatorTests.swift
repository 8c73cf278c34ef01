import HAL
import KernelTestKit
import Model

// Actuators, observed from the outside: the simulated line, the PWM controller, the chip's registers.
extension RingTests {
  static var actuators: [RingTest] {
    [
      RingTest("actuator: an output's line has the level that was commanded") { ring in try levels(ring) },
      RingTest("actuator: a lease's end and its holder's end make the line safe") { ring in try leases(ring) },
      RingTest("actuator: max_on, min_off, max_rate and exclusive_with hold") { ring in try limits(ring) },
      RingTest("actuator: a pulse has the commanded length") { ring in try pulse(ring) },
      RingTest("actuator: on_exit safe, hold and input take effect") { ring in try exits(ring) },
      RingTest("pwm: the kernel's channel has the period and duty that were commanded") { ring in try pwm(ring) },
      RingTest("pca9685: registers of the channels, and a chip that lost its power is set up again") { ring in
        try pca9685(ring)
      },
    ]
  }

  private static func view(_ ring: Ring, _ id: DeviceID) throws -> () throws -> Bool {
    guard let device = ring.board.device(id) else { throw Skip("the board file has no device '\(id)'") }
    let (chip, line) = try end(of: device, on: ring.board)
    return { try chip.isHigh(line) }
  }

  private static func levels(_ ring: Ring) throws {
    let (lamp, valve, vent) = (try view(ring, "lamp"), try view(ring, "valve"), try view(ring, "vent"))
    let stand = try Stand(ring.board, ["lamp", "valve", "vent"])
    defer { stand.close() }
    try expect(lamp(), is: false, "the lamp's line at the start")
    try expect(valve(), is: true, "the active-low valve's line at the start")
    try expect(vent(), is: true, "the line of the vent, which is on when safe")
    for on in [true, false, true] {
      let receipt = try stand.control("lamp", on ? .on : .off)
      try stand.control("valve", on ? .on : .off)
      try expect(receipt.state, is: on ? 1 : 0, "the receipt's state")
      try expect(lamp(), is: on, "the lamp's line")
      try expect(valve(), is: !on, "the active-low valve's line")
    }
    do {
      try stand.control("lamp", .level(0.5))
      throw Failure("a digital output took a level of one half")
    } catch HALError.invalid { try expect(lamp(), is: true, "the lamp's line") }
    stand.hardware.safeAll(reason: "emergency-stop")
    try expect(lamp(), is: false, "the lamp's line after the emergency stop")
    try expect(valve(), is: true, "the valve's line after the emergency stop")
  }

  private static func leases(_ ring: Ring) throws {
    let lamp = try view(ring, "lamp")
    let stand = try Stand(ring.board, ["lamp"])
    defer { stand.close() }
    let start = stand.loop.now
    try stand.control("lamp", .on, lease: .milliseconds(150))
    try expect(lamp(), is: true, "the lamp's line")
    try stand.wait("the lease's end") { stand.events("device:changed").last?["reason"] == .string("lease-expired") }
    try expect(lamp(), is: false, "the lamp's line after the lease")
    let length = stand.loop.now - start
    try expect(length >= .milliseconds(150), "the lease of 150 ms ended after \(length.text)")
    ring.note("a lease of 150 ms ended after \(length.text)")

    try stand.control("lamp", .on, as: "agent/first")
    do {
      try stand.control("lamp", .off, as: "agent/second")
      throw Failure("a second holder took the lamp over")
    } catch HALError.busy(_, let holder, _) { try expect(holder, is: "agent/first", "holder") }
    stand.hardware.releaseAll(holder: "agent/first")
    try expect(lamp(), is: false, "the lamp's line after its holder's end")
    try expect(
      stand.events("device:changed").last?["reason"], is: .string("holder-ended"), "reason of the last change")
  }

  private static func limits(_ ring: Ring) throws {
    let (fan, pump) = (try view(ring, "fan"), try view(ring, "pump"))
    let stand = try Stand(ring.board, ["fan", "pump", "vent"])
    defer { stand.close() }
    func refusal(_ id: DeviceID, _ command: ActuatorCommand) throws -> String {
      do { try stand.control(id, command) } catch HALError.limited(_, let rule, _, _) { return rule }
      throw Failure("\(id) took \(command)")
    }
    // min_off counts from the start, too, because the time of the last switch-off is unknown.
    try expect(try refusal("fan", .on), is: "min_off", "limit")
    stand.turn(for: .milliseconds(210))
    let start = stand.loop.now
    try stand.control("fan", .on)
    // Renewals do not extend a lease beyond max_on.
    while stand.events("device:limited").isEmpty, stand.loop.now - start < .seconds(5) {
      _ = try? stand.control("fan", .on)
      stand.turn(for: .milliseconds(50))
    }
    let limited = try stand.wait(for: "device:limited", from: "fan")
    try expect(limited["rule"], is: .string("max_on"), "limit")
    let length = Instant(nanoseconds: limited.monotonic) - start
    try expect(length >= .milliseconds(500), "max_on of 500 ms was reached after \(length.text)")
    try expect(fan(), is: false, "the fan's line after max_on")
    ring.note("max_on of 500 ms ended after \(length.text)")
    try expect(try refusal("fan", .on), is: "min_off", "limit")

    try stand.control("vent", .off)
    try expect(try refusal("pump", .on), is: "exclusive_with", "limit")
    try expect(pump(), is: false, "the pump's line")
    try stand.control("vent", .on)
    for _ in 1...2 {
      try stand.control("pump", .on)
      try stand.control("pump", .off)
    }
    try expect(try refusal("pump", .on), is: "max_rate", "limit")
    try expect(pump(), is: false, "the pump's line")
  }

  private static func pulse(_ ring: Ring) throws {
    let lamp = try view(ring, "lamp")
    let stand = try Stand(ring.board, ["lamp"])
    defer { stand.close() }
    let start = stand.loop.now
    try stand.control("lamp", .pulse(.milliseconds(80)))
    try expect(lamp(), is: true, "the lamp's line in the pulse")
    try stand.wait(for: "device:changed", from: "lamp", count: 2)
    try expect(lamp(), is: false, "the lamp's line after the pulse")
    let length = stand.loop.now - start
    try expect(length >= .milliseconds(80), "a pulse of 80 ms was \(length.text) long")
    ring.note("a pulse of 80 ms was \(length.text) long")
  }

  private static func exits(_ ring: Ring) throws {
    let lamp = try view(ring, "lamp")
    let stand = try Stand(ring.board, ["lamp"])
    defer { stand.close() }
    try stand.control("lamp", .on)
    // Observed at the moment of the change: gpio-sim returns a released line to its pull.
    var seen: [String: Bool] = [:]
    _ = stand.log.listen(EventPattern("device:changed")) { seen[$0["reason"]?.string ?? ""] = try? lamp() }
    stand.close()
    try expect(seen["shutdown"], is: false, "the lamp's line when the gate closed")

    for (mode, isOutput) in [(ActuatorSettings.OnExit.hold, true), (.input, false)] {
      let bare = try Stand(ring.board, [])
      defer { bare.close() }
      guard let device = ring.board.device("valve"), case .output(let driver) = try bare.backend.open(device) else {
        throw Skip("the board file has no device 'valve'")
      }
      let (chip, line) = try end(of: device, on: ring.board)
      var answered = false
      driver.set(1) { answered = (try? $0.get()) != nil }
      try expect(answered, "the output did not answer at once")
      if mode == .input {
        answered = false
        driver.turnIntoInput { answered = (try? $0.get()) != nil }
        try expect(answered, "the output did not become an input at once")
      }
      driver.release(mode)
      let view = try LineView(chip: chip.name, line: line)
      try expect(view.holder, is: "openstarry/valve", "holder after on_exit \(mode)")
      try expect(view.isOutput, is: isOutput, "output after on_exit \(mode)")
      if mode == .hold { try expect(chip.isHigh(line), is: false, "the active-low line after on_exit hold") }
    }
  }

  private static func pwm(_ ring: Ring) throws {
    _ = try PWMView(device: "pwm-sim", channel: 0)
    let stand = try Stand(ring.board, ["heater", "cooler"])
    defer { stand.close() }
    func heater() throws -> PWMView { try PWMView(device: "pwm-sim", channel: 0) }
    func cooler() throws -> PWMView { try PWMView(device: "pwm-sim", channel: 1) }
    try expect(try heater().duty, is: 0, "duty of the heater at the start")
    try stand.control("heater", .level(0.25))
    try stand.control("cooler", .level(0.75))
    try expect(try heater().isOn, "the heater's channel is off")
    try expect(try heater().period, is: 20_000_000, "period of the heater in ns")
    try expect(try heater().duty, is: 5_000_000, "duty of the heater in ns")
    try expect(try heater().isInverted, is: false, "inversion of the heater")
    try expect(try cooler().period, is: 1_000_000, "period of the cooler in ns")
    try expect(try cooler().duty, is: 750_000, "duty of the cooler in ns")
    try expect(try cooler().isInverted, "the cooler's channel is not inverted")
    try stand.control("heater", .on)
    try expect(try heater().duty, is: 20_000_000, "duty of the heater in ns")
    try stand.control("heater", .level(0.1))
    stand.close()
    try expect(try heater().duty, is: 2_000_000, "duty after on_exit hold")
    try expect(try heater().isOn, "the heater's channel is off after on_exit hold")
    try expect(try cooler().isOn, is: false, "the cooler's channel after on_exit input")
    // The next daemon finds the channel running, and starts with the safe state.
    let next = try Stand(ring.board, ["heater"])
    defer { next.close() }
    try expect(try heater().duty, is: 0, "duty of the heater at the next start")
  }

  private static func pca9685(_ ring: Ring) throws {
    let bus = try SimulatedBus()
    let chip = try bus.chip(0x40)
    // MODE1 after power-on: asleep, all-call (data sheet table 5).
    try chip.hold([0x11], at: 0)
    let stand = try Stand(ring.board, ["servo", "dimmer"])
    defer { stand.close() }
    func settle() throws {
      try stand.wait("the chip taking it", polling: .milliseconds(10)) {
        stand.hardware.device("servo")?.reading?.quality == .good
          && stand.hardware.device("dimmer")?.reading?.quality == .good
      }
    }
    try settle()
    // PRE_SCALE for 200 Hz: the example of section 7.3.5.
    try expect(try chip.contents(0xFE, 1), is: [0x1E], "PRE_SCALE")
    try expect(try chip.contents(0x00, 1), is: [0x20], "MODE1")
    try expect(try chip.contents(0x06, 4), is: [0, 0, 0, 0x10], "LED0 off")
    try stand.control("servo", .level(0.5))
    try stand.control("dimmer", .on)
    try settle()
    try expect(try chip.contents(0x06, 4), is: [0, 0, 0x00, 0x08], "LED0 at one half: 2048 of 4096")
    try expect(try chip.contents(0x42, 4), is: [0, 0x10, 0, 0], "LED15 fully on")
    // A brown-out: the chip loses its registers; the next command restores both channels.
    try chip.hold([UInt8](repeating: 0, count: 256))
    try chip.hold([0x11], at: 0)
    try stand.control("servo", .level(0.25))
    try settle()
    try expect(try chip.contents(0xFE, 1), is: [0x1E], "PRE_SCALE after the brown-out")
    try expect(try chip.contents(0x06, 4), is: [0, 0, 0x00, 0x04], "LED0 at one quarter")
    try expect(try chip.contents(0x42, 4), is: [0, 0x10, 0, 0], "LED15 after the brown-out")
    // Another program on the bus: the gate believes the dimmer to be off, and a stop writes anyway.
    try stand.control("dimmer", .off)
    try settle()
    try chip.hold([0, 0x10, 0, 0], at: 0x42)
    stand.hardware.stopEverything(by: "client/ring")
    var refusals: [Hardware.Refusal]?
    stand.hardware.confirm(within: .seconds(10)) { refusals = $0 }
    try stand.wait("the stop confirmed", polling: .milliseconds(10)) { refusals != nil }
    try expect(refusals?.count, is: 0, "outputs that have not confirmed")
    try expect(try chip.contents(0x42, 4), is: [0, 0, 0, 0x10], "LED15 after the stop")
    // Without a command, lost registers and an inverted output mode are corrected.
    let before = stand.events("device:reset").count
    try chip.hold([0x11, 0x14], at: 0)
    try stand.wait(for: "device:reset", count: before + 1)
    try expect(try chip.contents(0x00, 2), is: [0x20, 0x04], "MODE1 and MODE2 after a refresh")
    stand.close()
    try expect(try chip.contents(0x06, 4), is: [0, 0, 0, 0x10], "LED0 after the end")
    try expect(try chip.contents(0x42, 4), is: [0, 0, 0, 0x10], "LED15 after the end")
  }
}
