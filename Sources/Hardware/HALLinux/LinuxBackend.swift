import Chips
import EventLoop
import HAL
import Linux
import Model

/// The hardware of a Linux machine: GPIO through libgpiod, I²C through i2c-dev, cameras through V4L2, and kernel
/// drivers through sysfs and procfs.
///
/// Loop thread only. Buses, cameras and slow attributes have worker threads, which run only while there is work.
package final class LinuxBackend: Backend {
  private let board: Board
  private let loop: EventLoop
  private let tree: KernelTree
  private let nodes: NodeWatch
  private let attributes: Worker<KernelTree>
  private let guardian: (any OutputGuardian)?
  private let claims = Claims()
  private var buses: [String: BusUse] = [:]
  /// The same buses, by the kernel's identity of their adapters.
  private var adapters: [String: BusUse] = [:]
  private var inputs: [DeviceID: GPIOInput] = [:]
  private var outputs: [DeviceID: GPIOOutput] = [:]
  private var cameras: [V4L2Camera] = []

  /// Encodes frames as JPEG; shared by all cameras.
  package let encoder: JPEGEncoder

  /// Prepares the hardware layer; opens nothing.
  /// - Parameters:
  ///   - board: its chips and buses are looked up when a device needs them.
  ///   - loop: the loop on which drivers are used and answer.
  ///   - root: the prefix of `/dev`, `/sys` and `/proc`; empty except in tests.
  ///   - guardian: makes each output safe if this process dies; nil without a guardian.
  package init(board: Board, loop: EventLoop, root: String = "", guardian: (any OutputGuardian)? = nil) {
    self.board = board
    self.guardian = guardian
    self.loop = loop
    let tree = KernelTree(root: root)
    self.tree = tree
    nodes = NodeWatch(loop: loop, folder: "\(root)/dev")
    attributes = Worker("sysfs", on: loop) { tree }
    encoder = JPEGEncoder(loop: loop)
  }

  /// Opens one device; an absent one is opened all the same and reports `.gone` until it appears.
  /// - Throws: `.invalid` for an entry that cannot work, `.failed(…, .inUse)` for hardware that is in use.
  package func open(_ device: Device) throws(HALError) -> OpenDevice {
    switch device.kind {
    case .sensor(let settings): .sensor(try sensor(device, settings))
    case .input(let settings):
      switch device.driver {
      case "gpio": .input(try input(device, settings))
      default: throw unknown(device)
      }
    case .actuator(let settings): .output(try output(device, settings))
    case .camera:
      switch device.driver {
      case "v4l2": .camera(try camera(device))
      default: throw unknown(device)
      }
    }
  }

  /// Scans one of the board's buses for chips, as i2cdetect(8) does.
  /// - Parameters:
  ///   - bus: its name in the board file.
  ///   - done: called once, on the loop's thread.
  package func scan(bus: String, _ done: @escaping (Result<I2CScan, HALError.Fault>) -> Void) {
    guard let use = try? use(bus, DeviceID(bus)) else {
      return loop.later { done(.failure(.protocolViolation("the board has no I²C bus '\(bus)'"))) }
    }
    use.scan(done)
  }

  /// Releases all devices. Blocks for up to 1 s for pending transfers: the last level must reach the chips before the
  /// process ends.
  package func close() {
    for camera in cameras { camera.close() }
    let patience = loop.now + .seconds(1)
    while isBusy && loop.now < patience { BusDevice.sleep(.milliseconds(1)) }
    for input in inputs.values { input.close() }
    for output in outputs.values { output.close() }
    inputs = [:]
    outputs = [:]
    cameras = []
    buses = [:]
    adapters = [:]
  }

  private var isBusy: Bool {
    buses.values.contains { $0.worker.pending > 0 } || cameras.contains { $0.pending > 0 }
  }

  private func unknown(_ device: Device) -> HALError {
    let names = DriverCatalogue.all.filter { $0.kind == device.kind.name && $0.backends.contains(.linux) }.map(\.name)
    let hint = Suggestion.phrase(for: device.driver, in: names)
    return .invalid(device.id, "there is no \(device.kind.name) driver '\(device.driver)' on a Linux board\(hint)")
  }

  // MARK: Kinds

  private func sensor(_ device: Device, _ settings: SensorSettings) throws(HALError) -> any SensorDriver {
    let options = DeviceOptions(device)
    switch device.driver {
    case "procfs":
      let quantity = try options.required("quantity")
      guard let sensor = ProcSensor(quantity: quantity, root: tree.root) else {
        throw options.wrong("quantity", "must be one of those in the driver's documentation, not '\(quantity)'")
      }
      return sensor
    case "hwmon":
      let attribute = HardwareMonitor(
        chip: try options.required("chip_name"), attribute: try options.required("attribute"),
        choice: options.choice)
      return try sensor(attribute, device.id)
    case "iio":
      let attribute = IndustrialIO(
        device: try options.required("device_name"), channel: try options.required("channel"),
        choice: options.choice)
      return try sensor(attribute, device.id)
    case "thermal": return try sensor(ThermalZone(zone: options.text("zone")), device.id)
    default:
      guard let chip = try ChipSensor.choice(device, settings) else { throw unknown(device) }
      let use = try use(try options.required("bus"), device.id)
      try use.claim(chip.address, chip.driver, by: device.id)
      let key = ChipKey(address: chip.address, driver: chip.driver, variant: chip.variant)
      try take("\(use.name) \(key) \(chip.quantity)", device.id)
      return I2CSensor(use.chip(chip.address), key, chip.quantity, unit: chip.unit, make: chip.make)
    }
  }

  private func sensor(_ attribute: some KernelAttribute, _ device: DeviceID) throws(HALError) -> AttributeSensor {
    do throws(HALError.Fault) {
      let place = try attribute.place(tree)
      try claims.take(tree.target(place) ?? place, by: device)
    } catch {
      // An absent device is no error: it may appear later.
      if !error.isGone { throw .failed(device, operation: "open", error) }
    }
    return AttributeSensor(attribute, on: attributes)
  }

  private func take(_ piece: String, _ device: DeviceID) throws(HALError) {
    do throws(HALError.Fault) { try claims.take(piece, by: device) } catch {
      throw .failed(device, operation: "open", error)
    }
  }

  private func line(_ device: Device, _ use: LineOptions.Use) throws(HALError) -> LineOptions {
    let options = DeviceOptions(device)
    let name = try options.required("chip")
    guard let chip = board.chips[name] else {
      let hint = Suggestion.phrase(for: name, in: board.chips.keys)
      throw options.wrong("chip", "names no GPIO chip of the board: '\(name)'\(hint)")
    }
    return LineOptions(
      chip: chip.label, path: chip.path, line: try options.required("line"), activeLow: options.bool("active_low"),
      bias: try options.choice(
        "bias", ["as-is": .asIs, "disabled": .disabled, "pull-up": .pullUp, "pull-down": .pullDown]),
      use: use)
  }

  private var place: LinePlace { LinePlace(loop: loop, nodes: nodes, folder: "\(tree.root)/dev") }

  private func input(_ device: Device, _ settings: InputSettings) throws(HALError) -> GPIOInput {
    let line = try line(device, .input(debounce: settings.debounce))
    let input = try GPIOInput(device.id, line, settings, at: place)
    inputs[device.id] = input
    return input
  }

  private func output(_ device: Device, _ settings: ActuatorSettings) throws(HALError) -> any OutputDriver {
    let options = DeviceOptions(device)
    switch device.driver {
    case "gpio":
      let drive = try options.choice(
        "drive",
        ["push-pull": LineOptions.Drive.pushPull, "open-drain": .openDrain, "open-source": .openSource])
      let line = try line(device, .output(drive, initial: settings.safe >= 0.5))
      let output = try GPIOOutput(
        device.id, line, onExit: settings.onExit, safe: settings.safe >= 0.5, guardian: guardian, at: place)
      outputs[device.id] = output
      return output
    case "pwm":
      let period = try options.duration("period", defaultValue: .milliseconds(1))
      guard period > .zero else { throw options.wrong("period", "must be longer than zero") }
      let channel = PWMChannel.Options(
        chip: try options.required("pwmchip"), channel: Int(try options.int("channel", 0...63, defaultValue: 0)),
        period: period.nanoseconds, inverted: options.bool("inverted"))
      let claims = self.claims
      return PWMChannel(channel, tree, Safeguard(device.id, settings, channel.identity, guardian)) {
        piece throws(HALError.Fault) in try claims.take(piece, by: device.id)
      }
    default:
      guard let chip = try ChipOutput.choice(device) else { throw unknown(device) }
      return try output(chip, on: try use(try options.required("bus"), device.id), device.id, settings)
    }
  }

  private func output(
    _ chip: ChipOutput.Choice, on use: BusUse, _ device: DeviceID, _ settings: ActuatorSettings
  ) throws(HALError) -> I2COutput {
    try use.claim(chip.address, chip.driver, by: device)
    try use.agree(chip.address, chip.shared, by: device)
    // While the bus hangs, its outputs cannot be made safe, so the watchdog must notice.
    use.worker.makeVital()
    try take("\(use.name) \(chip.address) channel \(chip.channel)", device)
    let identity = "\(chip.driver) \(use.location) \(chip.address) channel \(chip.channel) at \(chip.shared.value)"
    return I2COutput(on: use, chip, Safeguard(device, settings, identity, guardian))
  }

  private func camera(_ device: Device) throws(HALError) -> V4L2Camera {
    let node = CameraNode(path: try DeviceOptions(device).required("path"), tree: tree)
    if let piece = Claims.identity(ofNode: node.file) { try take(piece, device.id) }
    let camera = V4L2Camera(device.id, node, loop: loop, nodes: nodes, encoder: encoder)
    cameras.append(camera)
    return camera
  }

  // MARK: Buses

  /// The bus named `name` in the board file, created on first use.
  private func use(_ name: String, _ device: DeviceID) throws(HALError) -> BusUse {
    if let use = buses[name] { return use }
    guard let bus = board.buses[name] else {
      let hint = Suggestion.phrase(for: name, in: board.buses.keys)
      throw .invalid(device, "option 'bus' names no I²C bus of the board: '\(name)'\(hint)")
    }
    let location = BusDevice.Location(path: bus.path, adapter: bus.adapter, root: tree.root)
    // Two names for one adapter are one bus.
    let adapter = (try? location.node()).flatMap(Claims.identity)
    let use = adapter.flatMap { adapters[$0] } ?? BusUse(name, location, loop)
    buses[name] = use
    if let adapter { adapters[adapter] = use }
    return use
  }
}
