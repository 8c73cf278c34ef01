import OpenStarryAgent

/// One physical (or simulated) device that runs the daemon: what `board.yaml` says.
public struct Board: Sendable {
  /// The board's name.
  public var name: String
  /// Which hardware layer drives it.
  public var backend: Backend
  /// GPIO chips by the name the file gives them.
  public var chips: [String: Chip]
  /// I²C buses by the name the file gives them.
  public var buses: [String: Bus]
  /// The devices, in the order of the file.
  public var devices: [Device]
  /// When rules may go by its clock.
  public var clock: Clock
  /// What a simulated board's world is like (`world:`); empty on a real one.
  public var world: Fields
  /// Where the file is; relative paths in it start there.
  public var file: String

  /// Puts a board together.
  /// - Parameter clock: nil is `any` on a simulated board, which may run anywhere, and `trusted` on a real one.
  public init(
    name: String, backend: Backend, clock: Clock? = nil, chips: [String: Chip] = [:], buses: [String: Bus] = [:],
    devices: [Device] = [], world: Fields = [:], file: String = "<board>"
  ) {
    self.name = name
    self.backend = backend
    self.clock = clock ?? (backend == .simulated ? .any : .trusted)
    self.chips = chips
    self.buses = buses
    self.devices = devices
    self.world = world
    self.file = file
  }

  /// The device called `id`, or nil.
  public func device(_ id: DeviceID) -> Device? { devices.first { $0.id == id } }

  /// Which hardware layer drives a board.
  public enum Backend: String, Sendable, CaseIterable { case linux, simulated }

  /// When rules may go by a board's clock.
  public enum Clock: String, Sendable, CaseIterable {
    /// Whatever it shows.
    case any
    /// Once it was synchronised in this boot, or where a clock chip speaks for it.
    case trusted
  }

  /// A GPIO chip: found by its label or name, never by its number alone.
  public struct Chip: Sendable, Hashable {
    /// The label the kernel driver gives it (`gpiodetect` shows it), e.g. `pinctrl-bcm2711`.
    public var label: String
    /// Which one, where several have that label: a part of its path under `/sys/devices`, e.g. `1-0021`; nil where the
    /// label is enough.
    public var path: String?
    /// Puts a chip together.
    public init(label: String, path: String? = nil) {
      self.label = label
      self.path = path
    }
  }

  /// An I²C bus: found by the adapter's name, or its device path.
  public struct Bus: Sendable, Hashable {
    /// The device node, e.g. `/dev/i2c-1`; nil when it is found by `adapter`.
    public var path: String?
    /// The adapter's name as in `/sys/bus/i2c/devices/i2c-N/name`; nil when `path` says where it is.
    public var adapter: String?
    /// Puts a bus together.
    public init(path: String? = nil, adapter: String? = nil) {
      self.path = path
      self.adapter = adapter
    }
  }
}

/// A sensor, input, actuator or camera that the board file declares.
public struct Device: Sendable {
  /// Its name, unique on the board.
  public var id: DeviceID
  /// What it is, with what every driver of that kind needs to know.
  public var kind: Kind
  /// Which driver speaks to it, e.g. `bme280`, `gpio`, `pwm`, `v4l2`, `hwmon`.
  public var driver: String
  /// What only that driver needs to know (`bus`, `address`, `chip`, `line`, `path`, …), checked against the
  /// catalogue and with defaults filled in.
  public var options: Fields
  /// Where the file declares it.
  public var location: Location

  /// Puts a device together.
  public init(id: DeviceID, kind: Kind, driver: String, options: Fields = [:], location: Location = Location(file: ""))
  {
    self.id = id
    self.kind = kind
    self.driver = driver
    self.options = options
    self.location = location
  }

  /// The four kinds of device.
  public enum Kind: Sendable {
    case sensor(SensorSettings)
    case input(InputSettings)
    case actuator(ActuatorSettings)
    case camera(CameraSettings)

    /// `sensor`, `input`, `actuator` or `camera`.
    public var name: String {
      switch self {
      case .sensor: "sensor"
      case .input: "input"
      case .actuator: "actuator"
      case .camera: "camera"
      }
    }
  }
}

/// What the hardware layer needs to know of any sensor.
public struct SensorSettings: Sendable, Hashable {
  /// How often it is measured, unless a subscriber wants it more often.
  public var every: Duration
  /// Whether it is measured only while somebody subscribes or asks.
  public var onDemand: Bool
  /// How far a reading must be from the last published one to become an event; 0 publishes every reading.
  public var deadband: Double
  /// The longest time without an event, however little changes; nil for none.
  public var heartbeat: Duration?
  /// The unit's symbol where the driver does not know it.
  public var unit: String?
  /// Multiplies what the driver says; with `offset`, a calibration.
  public var scale: Double
  /// Is added after `scale`.
  public var offset: Double

  /// Puts settings together.
  public init(
    every: Duration = .seconds(1), deadband: Double = 0, heartbeat: Duration? = nil, unit: String? = nil,
    scale: Double = 1, offset: Double = 0, onDemand: Bool = false
  ) {
    self.every = every
    self.onDemand = onDemand
    self.deadband = deadband
    self.heartbeat = heartbeat
    self.unit = unit
    self.scale = scale
    self.offset = offset
  }
}

/// What the hardware layer needs to know of any input.
public struct InputSettings: Sendable, Hashable {
  /// Which changes become events.
  public var edges: Edges
  /// A change must last this long to count; 0 for none.
  public var debounce: Duration
  /// Whether it stops everything while it is active or cannot be read: a board's emergency stop button.
  public var emergencyStop: Bool

  /// Puts settings together.
  public init(edges: Edges = .both, debounce: Duration = .zero, emergencyStop: Bool = false) {
    self.edges = edges
    self.debounce = debounce
    self.emergencyStop = emergencyStop
  }

  /// libgpiod v2's edge detection: `GPIOD_LINE_EDGE_RISING` and so on. Rising means becoming active.
  public enum Edges: String, Sendable, CaseIterable { case rising, falling, both }
}

/// What the gate enforces for an actuator, whatever an agent asks.
public struct ActuatorSettings: Sendable, Hashable {
  /// The state it has when nobody holds a lease, 0 to 1.
  public var safe: Double
  /// What the line does when the daemon ends.
  public var onExit: OnExit
  /// The longest time away from the safe state without a pause; nil for no limit.
  public var maxOn: Duration?
  /// The shortest time in the safe state before it may leave it again; nil for none.
  public var minOff: Duration?
  /// How often its state may change; nil for no limit. Going to the safe state is always allowed.
  public var maxRate: Rate?
  /// Actuators that must be in their safe state while this one is not.
  public var exclusiveWith: [DeviceID]
  /// How long a lease lasts that names no time.
  public var lease: Duration
  /// How often the hardware is told its level again though nobody asks; zero for never, nil for what its driver needs.
  public var refresh: Duration?

  /// Puts settings together.
  public init(
    safe: Double = 0, onExit: OnExit = .safe, maxOn: Duration? = nil, minOff: Duration? = nil, maxRate: Rate? = nil,
    exclusiveWith: [DeviceID] = [], lease: Duration = .seconds(60), refresh: Duration? = nil
  ) {
    self.safe = safe
    self.onExit = onExit
    self.maxOn = maxOn
    self.minOff = minOff
    self.maxRate = maxRate
    self.exclusiveWith = exclusiveWith
    self.lease = lease
    self.refresh = refresh
  }

  /// What a line does when the daemon ends.
  public enum OnExit: String, Sendable, CaseIterable {
    /// Driven to `safe`, and let go of.
    case safe
    /// Driven to `safe`, and driven so by the guardian until the next daemon has it.
    case keepDriving = "keep-driving"
    /// Left as it is.
    case hold
    /// Released: becomes an input, its level is up to the circuit.
    case input
  }
}

/// What the hardware layer needs to know of any camera.
public struct CameraSettings: Sendable, Hashable {
  /// What is asked of the driver; it may choose something near.
  public var format: FrameFormat
  /// Looks for motion when set; the camera then runs all the time.
  public var motion: MotionSettings?

  /// Puts settings together.
  public init(format: FrameFormat = FrameFormat(), motion: MotionSettings? = nil) {
    self.format = format
    self.motion = motion
  }
}

/// The shape of a camera's frames.
public struct FrameFormat: Sendable, Hashable {
  /// How pixels are laid out.
  public var pixels: PixelFormat
  /// In pixels.
  public var width: Int
  /// In pixels.
  public var height: Int
  /// Frames a second.
  public var rate: Double

  /// Puts a format together.
  public init(pixels: PixelFormat = .mjpeg, width: Int = 640, height: Int = 480, rate: Double = 5) {
    self.pixels = pixels
    self.width = width
    self.height = height
    self.rate = rate
  }

  /// Pixel layouts, named by V4L2's four-character codes (videodev2.h).
  public enum PixelFormat: String, Sendable, CaseIterable {
    case mjpeg = "MJPG"
    case yuyv = "YUYV"
    case nv12 = "NV12"
    case rgb24 = "RGB3"
    case grey = "GREY"
  }
}

/// When a camera's change of picture counts as motion.
public struct MotionSettings: Sendable, Hashable {
  /// The fraction of the picture that must change, 0 to 1.
  public var threshold: Double
  /// No second event within this time.
  public var cooldown: Duration

  /// Puts settings together.
  public init(threshold: Double = 0.02, cooldown: Duration = .seconds(5)) {
    self.threshold = threshold
    self.cooldown = cooldown
  }
}
