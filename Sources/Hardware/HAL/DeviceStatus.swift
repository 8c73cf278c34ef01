import Model

/// What people see of a device.
public struct DeviceStatus: Sendable, Hashable {
  /// Which device.
  public var id: DeviceID
  /// `sensor`, `input`, `actuator` or `camera`.
  public var kind: String
  /// Its driver, as the board file names it.
  public var driver: String
  /// In a word or two: `27.3 °C`, `active`, `on`, `40%`, `streaming`, `gone`, …
  public var state: String
  /// A sensor's newest reading, an input's level, an actuator's level; nil when there is none.
  public var reading: Reading?
  /// Who holds a lease on it; nil for nobody, and for anything but an actuator.
  public var holder: String?
  /// How long the lease still lasts.
  public var leaseRemaining: Duration?
  /// What the board file limits, one phrase each: `max_on 5m`, `exclusive_with lamp`, …
  public var limits: [String]
  /// What is wrong with it; nil while it works.
  public var fault: String?
  /// How often it began to fail since the start.
  public var faults: UInt64
  /// How many commands the gate refused.
  public var denials: UInt64
  /// How many subscribe to it or watch it.
  public var watchers: Int

  /// Puts a status together.
  public init(
    id: DeviceID, kind: String, driver: String, state: String, reading: Reading? = nil, holder: String? = nil,
    leaseRemaining: Duration? = nil, limits: [String] = [], fault: String? = nil, faults: UInt64 = 0,
    denials: UInt64 = 0, watchers: Int = 0
  ) {
    self.id = id
    self.kind = kind
    self.driver = driver
    self.state = state
    self.reading = reading
    self.holder = holder
    self.leaseRemaining = leaseRemaining
    self.limits = limits
    self.fault = fault
    self.faults = faults
    self.denials = denials
    self.watchers = watchers
  }
}
