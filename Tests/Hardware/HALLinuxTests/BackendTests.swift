import Chips
import EventLoop
import HAL
import Model
import Testing

@testable import HALLinux

@Suite struct BackendTests {
  private let tree: FixtureTree
  private let loop: EventLoop
  private let backend: LinuxBackend

  init() throws {
    tree = try FixtureTree([
      "/dev/null2": "", "/dev/i2c-7": "", "/sys/bus/i2c/devices/i2c-7/name": "bcm2835 (i2c@7e804000)\n",
      "/proc/loadavg": "0.50 0.25 0.10 1/1 1\n", "/dev/video0": "no camera",
    ])
    loop = try EventLoop()
    let board = Board(
      name: "bench", backend: .linux, chips: ["main": .init(label: "pinctrl-bcm2711")],
      buses: ["header": .init(adapter: "bcm2835 (i2c@7e804000)"), "away": .init(path: "/dev/i2c-1")])
    backend = LinuxBackend(board: board, loop: loop, root: tree.root)
  }

  private func sensor(_ driver: String, _ options: Fields, id: DeviceID = "s", unit: String? = nil) throws
    -> any SensorDriver
  {
    let device = Device(id: id, kind: .sensor(SensorSettings(unit: unit)), driver: driver, options: options)
    guard case .sensor(let sensor) = try backend.open(device) else { throw HALError.invalid(id, "no sensor") }
    return sensor
  }

  private func measure(_ sensor: any SensorDriver) -> Result<Measurement, HALError.Fault>? {
    var answer: Result<Measurement, HALError.Fault>?
    sensor.measure { answer = $0 }
    loop.turn { answer != nil }
    return answer
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  // MARK: Sensors

  @Test func procfs() throws {
    #expect(measure(try sensor("procfs", ["quantity": "load1"])) == .success(Measurement(0.5)))
  }

  @Test func everyDriverOfTheCatalogueOpens() throws {
    var samples: [String: Fields] = [
      "hwmon": ["chip_name": "a", "attribute": "temp1_input"],
      "iio": ["device_name": "a", "channel": "in_temp"], "procfs": ["quantity": "uptime"],
    ]
    for sensor in ChipSensor.all {
      samples[sensor.name] = sensor.examples[0].options
      samples[sensor.name]?["address"] = 0x20
    }
    for entry in DriverCatalogue.all where entry.kind == "sensor" && entry.backends.contains(.linux) {
      let quantities = entry.options.first { $0.name == "quantity" }.flatMap { option -> [String]? in
        if case .choice(let names) = option.type { names } else { nil }
      }
      // Each chip by itself, because some share their default address.
      let alone = LinuxBackend(
        board: Board(name: "b", backend: .linux, buses: ["header": .init(path: "/dev/i2c-1")]), loop: loop,
        root: tree.root)
      for quantity in quantities ?? [""] {
        var options = samples[entry.name] ?? [:]
        if entry.options.contains(where: { $0.name == "bus" }) { options["bus"] = "header" }
        if !quantity.isEmpty { options["quantity"] = .string(quantity) }
        for option in entry.options where options[option.name] == nil { options[option.name] = option.defaultValue }
        let device = Device(id: "s", kind: .sensor(SensorSettings(unit: "x")), driver: entry.name, options: options)
        guard case .sensor(let sensor) = try alone.open(device) else {
          Issue.record("\(entry.name) is no sensor")
          continue
        }
        #expect(!sensor.unit.isEmpty || entry.name == "procfs", "\(entry.name) \(quantity)")
      }
    }
  }

  @Test func choicesOfTheCatalogueAreUnderstood() throws {
    for channel in ["0", "1", "2", "3", "0-1", "0-3", "1-3", "2-3"] {
      for range in ["6.144", "4.096", "2.048", "1.024", "0.512", "0.256"] {
        _ = try sensor("ads1115", ["bus": "header", "channel": .string(channel), "range": .string(range)])
      }
    }
    _ = try sensor("ads1115", ["bus": "header", "channel": 1, "range": 4.096])
  }

  @Test func anAbsentBusIsGone() throws {
    guard case .failure(.absent(let why))? = measure(try sensor("tmp102", ["bus": "away"])) else {
      Issue.record("a bus that is not there was measured on")
      return
    }
    #expect(why.hasPrefix("no I²C bus at /dev/i2c-1: there are /dev/i2c-7 ("), "\(why)")
  }

  /// The adapter is found by its name; the file under /dev is no i2c-dev node, which is reported.
  @Test func aFileIsNoBus() throws {
    guard case .failure(.system(_, let text))? = measure(try sensor("tmp102", ["bus": "header"])) else {
      Issue.record("a plain file was taken for a bus")
      return
    }
    #expect(text.hasPrefix("\(tree.root)/dev/i2c-7: "))
  }

  @Test func scanningABusThatIsNotThere() {
    var answers: [Result<I2CScan, HALError.Fault>] = []
    backend.scan(bus: "away") { answers.append($0) }
    backend.scan(bus: "nowhere") { answers.append($0) }
    loop.turn { answers.count == 2 }
    #expect(answers.contains { if case .failure(.absent) = $0 { true } else { false } })
    #expect(answers.contains(.failure(.protocolViolation("the board has no I²C bus 'nowhere'"))))
  }

  @Test func declarationsThatCannotWork() {
    #expect(
      message { _ = try sensor("tmp103", ["bus": "header"]) }
        == "'s': there is no sensor driver 'tmp103' on a Linux board (did you mean 'tmp102'?)")
    #expect(
      message { _ = try sensor("tmp102", ["bus": "heder"]) }
        == "'s': option 'bus' names no I²C bus of the board: 'heder' (did you mean 'header'?)")
    #expect(message { _ = try sensor("tmp102", [:]) } == "'s': option 'bus' is missing")
    #expect(
      message { _ = try sensor("tmp102", ["bus": "header", "address": 0x90]) }
        == "'s': option 'address' must be from 3 to 127")
    #expect(
      message { _ = try sensor("ina219", ["bus": "header", "shunt_ohms": 0]) }
        == "'s': option 'shunt_ohms' must be above 0 Ω")
    #expect(
      message { _ = try sensor("bme280", ["bus": "header", "quantity": "light"]) }
        == "'s': option 'quantity' must be one of temperature, humidity, pressure, not 'light'")
    #expect(
      message { _ = try sensor("register", ["bus": "header", "address": 9, "register": 1, "init": [[256]]]) }
        == "'s': option 'init' must be a list of lists of bytes, such as [[0x01, 0x60]]")
  }

  @Test func twoKindsOfChipAtOneAddress() throws {
    _ = try sensor("mpu6050", ["bus": "header", "quantity": "accel_x"], id: "shake")
    _ = try sensor("mpu6050", ["bus": "header", "quantity": "gyro_x"], id: "turn")
    _ = try sensor("register", ["bus": "header", "address": 0x68, "register": 0x75], id: "raw")
    _ = try sensor("ds3231", ["bus": "away"], id: "clock")
    #expect(
      message { _ = try sensor("ds3231", ["bus": "header"], id: "clock2") }
        == "'clock2': address 0x68 belongs to 'turn', which is a mpu6050")
  }

  // MARK: Lines

  private func device(_ kind: Device.Kind, _ driver: String, _ options: Fields) -> Device {
    Device(id: "d", kind: kind, driver: driver, options: options)
  }

  @Test func anOutputWithoutAChip() throws {
    let device = device(.actuator(ActuatorSettings()), "gpio", ["chip": "main", "line": "GPIO17"])
    guard case .output(let output) = try backend.open(device) else { throw HALError.invalid("d", "no output") }
    var presence: [OutputPresence] = []
    output.watch { presence.append($0) }
    guard case .gone(let why)? = presence.first, presence.count == 1 else {
      Issue.record("nothing is said of a line that is not there: \(presence)")
      return
    }
    #expect(why.contains("no GPIO chip 'pinctrl-bcm2711'"))
    var answer: Result<Void, HALError.Fault>?
    output.set(1) { answer = $0 }
    guard case .failure(.absent(why))? = answer else {
      Issue.record("a line that is not there was driven")
      return
    }
    output.turnIntoInput { _ in }
    backend.close()
  }

  @Test func anInputWithoutAChip() throws {
    let device = device(.input(InputSettings()), "gpio", ["chip": "main", "line": "4"])
    guard case .input(let input) = try backend.open(device) else { throw HALError.invalid("d", "no input") }
    #expect(input.isActive == nil)
    var changes: [InputChange] = []
    try input.start { changes.append($0) }
    #expect(changes.isEmpty)
    loop.turn { !changes.isEmpty }
    guard case .gone(let why)? = changes.first, changes.count == 1 else {
      Issue.record("nothing is said of a line that is not there: \(changes)")
      return
    }
    #expect(why.hasPrefix("no GPIO chip 'pinctrl-bcm2711' under ") && why == input.absence)
    input.stop()
    backend.close()
  }

  @Test func wrongLineOptionsAreNamed() {
    let open = { (options: Fields) in message { _ = try backend.open(device(.input(InputSettings()), "gpio", options)) }
    }
    #expect(
      open(["chip": "mein", "line": "4"])
        == "'d': option 'chip' names no GPIO chip of the board: 'mein' (did you mean 'main'?)")
    #expect(open(["chip": "main"]) == "'d': option 'line' is missing")
    #expect(
      open(["chip": "main", "line": "4", "bias": "up"])
        == "'d': option 'bias' must be one of as-is, disabled, pull-up, pull-down, not 'up'")
  }

  // MARK: Other outputs

  @Test func pwmIsNotTouchedBeforeTheFirstCommand() throws {
    let folder = "/sys/class/pwm/pwmchip0/pwm2"
    for (name, text) in ["period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"] {
      try tree.write("\(folder)/\(name)", text)
    }
    let device = device(
      .actuator(ActuatorSettings(safe: 0.1)), "pwm", ["pwmchip": "pwmchip0", "channel": 2, "period": "20ms"])
    guard case .output(let driver) = try backend.open(device) else { throw HALError.invalid("d", "no output") }
    #expect(try tree.read("\(folder)/enable") == "0")
    driver.set(0.1) { _ in }
    #expect(try tree.read("\(folder)/period") == "20000000")
    #expect(try tree.read("\(folder)/duty_cycle") == "2000000")
    #expect(try tree.read("\(folder)/enable") == "1")
  }

  @Test func channelsOfOneChipHaveOneFrequency() throws {
    func open(_ frequency: Int64) throws {
      let options: Fields = ["bus": "away", "channel": 3, "frequency": .int(frequency), "address": 0x40]
      _ = try backend.open(device(.actuator(ActuatorSettings()), "pca9685", options))
    }
    try open(50)
    try open(50)
    #expect(
      message { try open(60) }
        == "'d': option 'frequency' is 60 Hz, but 'd' has 50 Hz on the same chip")
    backend.close()
  }

  // MARK: One owner

  private func refusal(_ device: Device, by backend: LinuxBackend? = nil) -> String {
    message { _ = try (backend ?? self.backend).open(device) }
  }

  @Test func twoNamesOfOneAdapterAreOneBus() throws {
    try tree.link("/dev/i2c-header", to: "/dev/i2c-7")
    let board = Board(
      name: "b", backend: .linux,
      buses: [
        "one": .init(adapter: "bcm2835 (i2c@7e804000)"), "two": .init(path: "/dev/i2c-7"),
        "three": .init(path: "/dev/i2c-header"),
      ])
    let backend = LinuxBackend(board: board, loop: loop, root: tree.root)
    func expander(_ id: DeviceID, _ bus: String, _ channel: Int64) -> Device {
      Device(
        id: id, kind: .actuator(ActuatorSettings()), driver: "pca9685",
        options: ["bus": .string(bus), "channel": .int(channel)])
    }
    _ = try backend.open(expander("fan", "one", 3))
    _ = try backend.open(expander("lamp", "two", 4))
    #expect(loop.workerStatus().count { $0.name.hasPrefix("i2c-") } == 1)
    for bus in ["two", "three"] {
      #expect(
        refusal(expander("pump", bus, 3), by: backend)
          == "open 'pump' failed: in use by device 'fan' of this board")
    }
    // A device may open its own channel again.
    _ = try backend.open(expander("fan", "two", 3))
    let chip = Device(
      id: "t", kind: .sensor(SensorSettings()), driver: "tmp102", options: ["bus": "three", "address": 0x40])
    #expect(refusal(chip, by: backend) == "'t': address 0x40 belongs to 'fan', which is a pca9685")
    backend.close()
  }

  @Test func adaptersOfOneNameMustBeToldApart() throws {
    try tree.write("/sys/bus/i2c/devices/i2c-9/name", "bcm2835 (i2c@7e804000)\n")
    guard case .failure(.ambiguous(let text))? = measure(try sensor("tmp102", ["bus": "header"])) else {
      Issue.record("one of two adapters was taken")
      return
    }
    #expect(
      text == "2 I²C adapters are called 'bcm2835 (i2c@7e804000)': use 'path' with one of /dev/i2c-7, /dev/i2c-9")
  }

  @Test func twoNamesOfOnePWMChannelAreOne() throws {
    let chip = "/sys/devices/platform/soc/fe20c000.pwm/pwm/pwmchip0"
    for (name, text) in ["period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"] {
      for channel in 0...1 { try tree.write("\(chip)/pwm\(channel)/\(name)", text) }
    }
    try tree.link("/sys/class/pwm/pwmchip0", to: chip)
    func drive(_ id: DeviceID, _ name: String, _ channel: Int64) throws -> HALError.Fault? {
      let device = Device(
        id: id, kind: .actuator(ActuatorSettings()), driver: "pwm",
        options: ["pwmchip": .string(name), "channel": .int(channel)])
      guard case .output(let driver) = try backend.open(device) else { throw HALError.invalid(id, "no output") }
      var answer: HALError.Fault?
      driver.set(0.5) { if case .failure(let fault) = $0 { answer = fault } }
      return answer
    }
    #expect(try drive("fan", "pwmchip0", 0) == nil)
    #expect(try drive("vent", "fe20c000.pwm", 1) == nil)
    try tree.write("\(chip)/pwm0/duty_cycle", "7")
    #expect(try drive("pump", "fe20c000.pwm", 0) == .inUse("device 'fan' of this board"))
    #expect(try tree.read("\(chip)/pwm0/duty_cycle") == "7", "the second one wrote to it")
  }

  @Test func twoNamesOfOneCameraAreOne() throws {
    try tree.link("/dev/v4l/by-id/webcam", to: "/dev/video0")
    func camera(_ id: DeviceID, _ path: String) -> Device {
      Device(id: id, kind: .camera(CameraSettings()), driver: "v4l2", options: ["path": .string(path)])
    }
    _ = try backend.open(camera("door", "/dev/video0"))
    #expect(
      refusal(camera("hall", "/dev/v4l/by-id/webcam")) == "open 'hall' failed: in use by device 'door' of this board")
    backend.close()
  }

  @Test func twoNamesOfOneAttributeAreOne() throws {
    let folder = "/sys/devices/w1_bus_master1/28-01/hwmon/hwmon0"
    try tree.write("\(folder)/name", "w1_slave_temp\n")
    try tree.write("\(folder)/temp1_input", "20000\n")
    try tree.link("/sys/class/hwmon/hwmon0", to: folder)
    let options: Fields = ["chip_name": "w1_slave_temp", "attribute": "temp1_input"]
    var bySerial = options
    bySerial["serial"] = "28-01"
    _ = try sensor("hwmon", options, id: "tank")
    #expect(
      message { _ = try sensor("hwmon", bySerial, id: "room") }
        == "open 'room' failed: in use by device 'tank' of this board")
    // A second probe is plugged in: now the first device's options are ambiguous.
    try tree.write("/sys/class/hwmon/hwmon1/name", "w1_slave_temp\n")
    try tree.write("/sys/class/hwmon/hwmon1/temp1_input", "30000\n")
    #expect(
      message { _ = try sensor("hwmon", options, id: "tank") }
        == "open 'tank' failed: 2 hwmon chips called 'w1_slave_temp' fit: w1_bus_master1/28-01, hwmon1; "
        + "add 'path' or 'serial' to say which")
  }

  // MARK: Cameras

  @Test(arguments: [("/dev/video7", true), ("/dev/video0", false)])
  func aCameraThatIsNoCamera(_ path: String, _ isGone: Bool) throws {
    let device = device(.camera(CameraSettings()), "v4l2", ["path": .string(path)])
    guard case .camera(let camera) = try backend.open(device) else { throw HALError.invalid("d", "no camera") }
    var outputs: [String] = []
    try camera.start(FrameFormat()) { output in
      switch output {
      case .gone: outputs.append("gone")
      case .failed(let fault): outputs.append("\(fault)")
      default: outputs.append("something else")
      }
    }
    loop.turn { !outputs.isEmpty }
    #expect((outputs == ["gone"]) == isGone)
    #expect(outputs.count == 1)
    camera.stop()
    backend.close()
  }

  /// The fault is reported without streaming, with the present video devices.
  @Test func aCameraThatNobodyWatchesIsLookedAt() throws {
    let device = device(.camera(CameraSettings()), "v4l2", ["path": "/dev/video7"])
    try tree.write("/sys/class/video4linux/video0/name", "HD Pro Webcam C920\n")
    guard case .camera(let camera) = try backend.open(device) else { throw HALError.invalid("d", "no camera") }
    var told: [String] = []
    camera.watch { output in
      switch output {
      case .gone(let why): told.append(why)
      case .failed(let fault): told.append("\(fault)")
      default: told.append("something else")
      }
    }
    loop.turn { !told.isEmpty }
    #expect(told == ["there is no /dev/video7: there are /dev/video0 (HD Pro Webcam C920)"])
    // The node appears, but is no camera.
    try tree.write("/dev/video7", "no camera")
    loop.turn { told.count > 1 }
    #expect(told.last == "/dev/video7 is no video device: there are /dev/video0 (HD Pro Webcam C920)")
    backend.close()
  }
}
