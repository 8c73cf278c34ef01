import EventLoop
import HAL
import Linux
import Model

/// The hardware of a Linux machine: GPIO through libgpiod, I²C through i2c-dev, cameras through V4L2, and what the
/// kernel's own drivers offer through sysfs and procfs.
///
/// Loop thread only. Buses, cameras and slow attributes have worker threads, which run while there is work.
public final class LinuxBackend: Backend {
  private let board: Board
  private let loop: EventLoop
  private let tree: KernelTree
  private let nodes: NodeWatch
  private let attributes: Worker<KernelTree>
  private let guardian: (any OutputGuard)?
  private var buses: [String: BusUse] = [:]
  private var inputs: [DeviceID: GPIOInput] = [:]
  private var outputs: [DeviceID: GPIOOutput] = [:]
  private var cameras: [V4L2Camera] = []

  /// Compresses frames; one for all cameras.
  public let encoder: JPEGEncoder

  /// Prepares a board; opens nothing.
  /// - Parameters:
  ///   - board: its chips and buses are found when a device needs them.
  ///   - loop: where everything happens.
  ///   - root: what stands before `/dev`, `/sys` and `/proc`, so that tests can bring their own; empty otherwise.
  ///   - guardian: is told how each output is made safe should this process die; nil for nobody.
  public init(board: Board, loop: EventLoop, root: String = "", guardian: (any OutputGuard)? = nil) {
    self.board = board
    self.guardian = guardian
    self.loop = loop
    let tree = KernelTree(root: root)
    self.tree = tree
    nodes = NodeWatch(loop: loop, folder: "\(root)/dev")
    attributes = Worker("sysfs", on: loop) { tree }
    encoder = JPEGEncoder(loop: loop)
  }

  /// Opens one device; what is not there now is opened all the same and reports `.gone` until it comes.
  /// - Throws: `.invalid` for a declaration that cannot work, `.failed(…, .inUse)` for a line that somebody holds.
  public func open(_ device: Device) throws(HALError) -> OpenDevice {
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

  /// Why a line that was opened is not there now, for people; nil when it is there, or no GPIO line.
  public func absence(of device: DeviceID) -> String? { inputs[device]?.absence ?? outputs[device]?.absence }

  /// Looks who answers on one of the board's buses, as i2cdetect(8) does.
  /// - Parameters:
  ///   - bus: as the board file names it.
  ///   - done: called once, on the loop's thread.
  public func scan(bus: String, _ done: @escaping (Result<I2CScan, HALError.Fault>) -> Void) {
    guard let use = try? use(bus, DeviceID(bus)) else {
      return loop.later { done(.failure(.protocolViolation("the board has no I²C bus '\(bus)'"))) }
    }
    use.worker.submit { bus in
      bus.withBase { $0.scan() }
    } then: {
      done($0.map(I2CScan.init))
    }
  }

  /// Lets go of everything. Waits, a second at most, for transfers that are under way: a last `release` must reach
  /// the chips before the process ends.
  public func close() {
    for camera in cameras { camera.stop() }
    let patience = loop.now + .seconds(1)
    while isBusy && loop.now < patience { BusDevice.sleep(.milliseconds(1)) }
    for input in inputs.values { input.close() }
    for output in outputs.values { output.close() }
    inputs = [:]
    outputs = [:]
    cameras = []
    buses = [:]
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
        chip: try options.required("chip_name"), attribute: try options.required("attribute"))
      return AttributeSensor(attribute, on: attributes)
    case "iio":
      let attribute = IndustrialIO(
        device: try options.required("device_name"), channel: try options.required("channel"))
      return AttributeSensor(attribute, on: attributes)
    case "thermal": return AttributeSensor(ThermalZone(zone: options.text("zone")), on: attributes)
    default:
      guard let chip = try ChipChoice(device, settings) else { throw unknown(device) }
      let use = try use(try options.required("bus"), device.id)
      try use.claim(chip.key.address, chip.key.driver, by: device.id)
      return I2CSensor(on: use.worker, chip.key, chip.quantity, unit: chip.unit, make: chip.make)
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
      chip: chip.label, line: try options.required("line"), activeLow: options.bool("active_low"),
      bias: try options.choice(
        "bias", ["as-is": .asIs, "disabled": .disabled, "pull-up": .pullUp, "pull-down": .pullDown]),
      use: use)
  }

  private var place: LinePlace { LinePlace(loop: loop, nodes: nodes, folder: "\(tree.root)/dev") }

  private func input(_ device: Device, _ settings: InputSettings) throws(HALError) -> GPIOInput {
    let line = try line(device, .input(edges: settings.edges, debounce: settings.debounce))
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
      let period = try options.duration("period", standard: .milliseconds(1))
      guard period > .zero else { throw options.wrong("period", "must be longer than nothing") }
      let channel = PWMChannel.Options(
        chip: try options.required("pwmchip"), channel: Int(try options.int("channel", 0...63, standard: 0)),
        period: period.nanoseconds, inverted: options.bool("inverted"))
      return PWMChannel(channel, tree, Safeguard(device.id, settings, channel.identity, guardian))
    case "pca9685":
      let use = try use(try options.required("bus"), device.id)
      let address = try options.address()
      let frequency = Int(try options.int("frequency", 24...1526, standard: 200))
      try use.claim(address, "pca9685", by: device.id)
      try use.agree(address, frequency, by: device.id)
      // A bus that hangs keeps its outputs as they are.
      use.worker.makeVital()
      let channel = Int(try options.int("channel", 0...15))
      let identity = "pca9685 \(use.location) \(address) channel \(channel) at \(frequency)"
      return I2COutput(
        on: use, address: address, channel: channel, frequency: frequency,
        Safeguard(device.id, settings, identity, guardian))
    default: throw unknown(device)
    }
  }

  private func camera(_ device: Device) throws(HALError) -> V4L2Camera {
    let path = tree.root + (try DeviceOptions(device).required("path"))
    let camera = V4L2Camera(device.id, path: path, loop: loop, nodes: nodes, encoder: encoder)
    cameras.append(camera)
    return camera
  }

  // MARK: Buses

  /// The bus that the board calls `name`; its worker is made with the first use.
  private func use(_ name: String, _ device: DeviceID) throws(HALError) -> BusUse {
    if let use = buses[name] { return use }
    guard let bus = board.buses[name] else {
      let hint = Suggestion.phrase(for: name, in: board.buses.keys)
      throw .invalid(device, "option 'bus' names no I²C bus of the board: '\(name)'\(hint)")
    }
    let location = BusDevice.Location(path: bus.path, adapter: bus.adapter, root: tree.root)
    let use = BusUse(name, location, loop)
    buses[name] = use
    return use
  }
}
