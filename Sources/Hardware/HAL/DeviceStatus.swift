import Model

/// The state of a device, for `openstarry devices`, the projection and other readers.
package struct DeviceStatus: Sendable, Hashable {
  /// The device's id in the board file.
  package var id: DeviceID
  /// Its name for people in the board file; nil for the id alone.
  package var name: String?
  /// `sensor`, `input`, `actuator` or `camera`.
  package var kind: String
  /// Its driver, as the board file names it.
  package var driver: String
  /// In a word or two: `27.3 °C`, `active`, `on`, `40%`, `streaming`, `gone`, …
  package var state: String
  /// A sensor's newest reading, or the level of an input or actuator; nil when there is none, and for cameras.
  package var reading: Reading?
  /// The holder of the actuator's lease; nil without a lease, and for devices that are no actuators.
  package var holder: String?
  /// How long the lease still lasts; nil without a lease.
  package var leaseRemaining: Duration?
  /// The limits of the board file, one phrase each: `max_on 5m`, `exclusive_with lamp`, …
  package var limits: [String]
  /// Its current fault, for people; nil while it works.
  package var fault: String?
  /// An output that was switched without its effect, which nobody has acknowledged; nil otherwise.
  package var noEffect: NoEffect?
  /// How often it began to fail since the start.
  package var faults: UInt64
  /// Commands that the gate refused since the start; actuators only.
  package var denials: UInt64
  /// Subscribers of a sensor, or watchers of a camera.
  package var watchers: Int

  /// Defaults describe a device that works, without a reading or a lease.
  package init(
    id: DeviceID, name: String? = nil, kind: String, driver: String, state: String, reading: Reading? = nil,
    holder: String? = nil,
    leaseRemaining: Duration? = nil, limits: [String] = [], fault: String? = nil, faults: UInt64 = 0,
    denials: UInt64 = 0, watchers: Int = 0
  ) {
    self.id = id
    self.name = name
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
