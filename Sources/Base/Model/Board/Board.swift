import OpenStarryAgent

/// The physical or simulated board that `board.yaml` describes.
package struct Board: Sendable {
  /// The board's name.
  package var name: String
  /// The hardware layer that drives it.
  package var backend: Backend
  /// GPIO chips by their names in the file.
  package var chips: [String: Chip]
  /// I²C buses by their names in the file.
  package var buses: [String: Bus]
  /// The devices, in the order of the file; sensors that an input derives follow it.
  package var devices: [Device]
  /// When rules may use the board's clock.
  package var clock: Clock
  /// Where it is, for sunrise and sunset; nil when unknown.
  package var place: Place?
  /// The environment of a simulated board (`world:`); empty on a real one.
  package var world: Fields
  /// The path of the file; relative paths in it start at its folder.
  package var file: String

  /// A board.
  /// - Parameters:
  ///   - devices: those of the file; the sensors that their inputs derive are added unless they are among them.
  ///   - clock: nil is `any` on a simulated board, which may run anywhere, and `trusted` on a real one.
  package init(
    name: String, backend: Backend, clock: Clock? = nil, place: Place? = nil, chips: [String: Chip] = [:],
    buses: [String: Bus] = [:],
    devices: [Device] = [], world: Fields = [:], file: String = "<board>"
  ) {
    self.name = name
    self.backend = backend
    self.clock = clock ?? (backend == .simulated ? .any : .trusted)
    self.place = place
    self.chips = chips
    self.buses = buses
    let ids = Set(devices.map(\.id))
    self.devices = devices.flatMap { device in [device] + device.derived.filter { !ids.contains($0.id) } }
    self.world = world
    self.file = file
  }

  /// The device with this id; nil when there is none.
  package func device(_ id: DeviceID) -> Device? { devices.first { $0.id == id } }

  /// The hardware layer of a board.
  package enum Backend: String, Sendable, CaseIterable { case linux, simulated }

  /// When rules may use a board's clock.
  package enum Clock: String, Sendable, CaseIterable {
    /// Always.
    case any
    /// Once it was synchronised in this boot, or agrees with a real-time clock.
    case trusted
  }

  /// A place on the earth.
  package struct Place: Sendable, Hashable {
    /// Degrees, north positive, -90 to 90.
    package var latitude: Double
    /// Degrees, east positive, -180 to 180.
    package var longitude: Double
    /// A place; degrees, north and east positive.
    package init(latitude: Double, longitude: Double) {
      self.latitude = latitude
      self.longitude = longitude
    }
  }

  /// A GPIO chip, found by its label or name, never by its number alone.
  package struct Chip: Sendable, Hashable {
    /// The label of the kernel driver (`gpiodetect` shows it), e.g. `pinctrl-bcm2711`.
    package var label: String
    /// A part of its path under `/sys/devices`, e.g. `1-0021`, to tell chips with the same label apart; nil if the
    /// label is unique.
    package var path: String?
    /// A chip; without `path` its label must be unique.
    package init(label: String, path: String? = nil) {
      self.label = label
      self.path = path
    }
  }

  /// An I²C bus, found by its adapter's name or its device path.
  package struct Bus: Sendable, Hashable {
    /// The device node, e.g. `/dev/i2c-1`; nil when it is found by `adapter`.
    package var path: String?
    /// The adapter's name in `/sys/bus/i2c/devices/i2c-N/name`; nil when it is found by `path`.
    package var adapter: String?
    /// A bus; give either `path` or `adapter`.
    package init(path: String? = nil, adapter: String? = nil) {
      self.path = path
      self.adapter = adapter
    }
  }
}

/// A sensor, input, actuator or camera that the board file declares.
package struct Device: Sendable {
  /// The device's name for rules and agents, unique on the board.
  package var id: DeviceID
  /// The name for people, in any script; nil for the id alone.
  package var name: String?
  /// The kind, with the settings that every driver of that kind uses.
  package var kind: Kind
  /// The chip driver, e.g. `bme280`, `gpio`, `pwm`, `v4l2`, `hwmon`.
  package var driver: String
  /// The options of that driver (`bus`, `address`, `chip`, `line`, `path`, …), checked and with defaults filled in.
  package var options: Fields
  /// The location of the declaration.
  package var location: Location

  /// A device; options are taken as they are.
  package init(
    id: DeviceID, name: String? = nil, kind: Kind, driver: String, options: Fields = [:],
    location: Location = Location(file: "")
  ) {
    self.id = id
    self.name = name
    self.kind = kind
    self.driver = driver
    self.options = options
    self.location = location
  }

  /// The four kinds of device.
  package enum Kind: Sendable {
    case sensor(SensorSettings)
    case input(InputSettings)
    case actuator(ActuatorSettings)
    case camera(CameraSettings)

    /// `sensor`, `input`, `actuator` or `camera`.
    package var name: String {
      switch self {
      case .sensor: "sensor"
      case .input: "input"
      case .actuator: "actuator"
      case .camera: "camera"
      }
    }
  }
}

/// The settings of an actuator that the gate enforces for every holder.
package struct ActuatorSettings: Sendable, Hashable {
  /// The level without a lease, 0 to 1.
  package var safe: Double
  /// The state of the line after the daemon's end.
  package var onExit: OnExit
  /// The longest uninterrupted time away from the safe state; nil for no limit.
  package var maxOn: Duration?
  /// The shortest time in the safe state before the output may leave it again; nil for none.
  package var minOff: Duration?
  /// The most changes of the level; nil for no limit. Going to the safe state is always allowed.
  package var maxRate: Rate?
  /// Actuators that must be in their safe state while this one is not.
  package var exclusiveWith: [DeviceID]
  /// The default duration of a lease.
  package var lease: Duration
  /// The interval at which the level is written to the hardware again without a command; zero for never, nil for the
  /// driver's default.
  package var refresh: Duration?
  /// The lowest level other than `safe`, 0 to 1; lower ones are raised to it. Not for outputs without levels.
  package var min: Double
  /// The highest level other than `safe`, 0 to 1, and the level of `on`; higher ones are lowered to it. Not for outputs
  /// without levels.
  package var max: Double
  /// The condition under which it may be away from its safe state; nil for none.
  package var onlyWhile: RuleDeclaration.Condition?
  /// Which commands wait for a person; nil for none.
  package var approval: ApprovalSettings?
  /// The sensor that has to notice when it is switched; nil for none.
  package var verify: EffectSettings?
  /// What happens to it at the start after a power cut; nil is as `safe`, and not noted in the history.
  package var atStart: AtStart?

  /// Settings; by default safe at 0, leases of 60 s and no limits.
  package init(
    safe: Double = 0, onExit: OnExit = .safe, maxOn: Duration? = nil, minOff: Duration? = nil, maxRate: Rate? = nil,
    exclusiveWith: [DeviceID] = [], lease: Duration = .seconds(60), refresh: Duration? = nil, min: Double = 0,
    max: Double = 1, onlyWhile: RuleDeclaration.Condition? = nil, approval: ApprovalSettings? = nil,
    verify: EffectSettings? = nil, atStart: AtStart? = nil
  ) {
    self.safe = safe
    self.onExit = onExit
    self.maxOn = maxOn
    self.minOff = minOff
    self.maxRate = maxRate
    self.exclusiveWith = exclusiveWith
    self.lease = lease
    self.refresh = refresh
    self.min = min
    self.max = max
    self.onlyWhile = onlyWhile
    self.approval = approval
    self.verify = verify
    self.atStart = atStart
  }

  /// What happens to an output at the start after a power cut or a reboot.
  package enum AtStart: String, Sendable, CaseIterable {
    /// It stays in its safe state.
    case safe
    /// Its last holder has it again, within its limits and a lease.
    case last
  }

  /// The state of a line after the daemon's end.
  package enum OnExit: String, Sendable, CaseIterable {
    /// Driven to `safe`, then released.
    case safe
    /// Driven to `safe`, and kept there by the guardian until the next daemon takes over.
    case keepDriving = "keep-driving"
    /// Left as it is.
    case hold
    /// Released as an input; the circuit determines its level.
    case input
  }
}

/// The settings of a camera that do not depend on its driver.
package struct CameraSettings: Sendable, Hashable {
  /// The requested format; the driver may choose a similar one.
  package var format: FrameFormat
  /// The motion detection, for which the camera runs all the time; nil for none.
  package var motion: MotionSettings?

  /// Settings; by default without motion detection.
  package init(format: FrameFormat = FrameFormat(), motion: MotionSettings? = nil) {
    self.format = format
    self.motion = motion
  }
}

/// The format of a camera's frames.
package struct FrameFormat: Sendable, Hashable {
  /// The pixel format.
  package var pixels: PixelFormat
  /// The width in pixels.
  package var width: Int
  /// The height in pixels.
  package var height: Int
  /// Frames per second.
  package var rate: Double

  /// A format; by default MJPEG, 640 × 480, 5 frames per second.
  package init(pixels: PixelFormat = .mjpeg, width: Int = 640, height: Int = 480, rate: Double = 5) {
    self.pixels = pixels
    self.width = width
    self.height = height
    self.rate = rate
  }

  /// Pixel formats, by V4L2's four-character codes (videodev2.h).
  package enum PixelFormat: String, Sendable, CaseIterable {
    case mjpeg = "MJPG"
    case yuyv = "YUYV"
    case nv12 = "NV12"
    case rgb24 = "RGB3"
    case grey = "GREY"
  }
}

/// The settings of a camera's motion detection.
package struct MotionSettings: Sendable, Hashable {
  /// The fraction of the picture that must change, 0 to 1.
  package var threshold: Double
  /// The shortest time between two events.
  package var cooldown: Duration

  /// Settings; by default 2 % of the picture and 5 s.
  package init(threshold: Double = 0.02, cooldown: Duration = .seconds(5)) {
    self.threshold = threshold
    self.cooldown = cooldown
  }
}
