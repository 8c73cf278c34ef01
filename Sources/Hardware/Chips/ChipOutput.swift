import HAL
import Model

/// A driver of one chip with several outputs: what it is told, and nothing about buses, threads or time.
package protocol OutputChipDriver: Sendable {
  /// Drives a channel to a level from 0 to 1.
  /// - Returns: whether the chip had lost its set-up since it was told last, and has been told everything again.
  mutating func set(_ channel: Int, _ level: Double, _ bus: inout some I2CTransport) throws(HALError.Fault) -> Bool

  /// The one write that drives a channel of a chip that is set up, for the guardian.
  func transfer(_ channel: Int, _ level: Double) -> [UInt8]
}

/// A chip on an I²C bus with several outputs as the `driver:` of an actuator: what a board file may say of it, and how
/// its driver is made. Each chip's file declares its own.
package struct ChipOutput: Sendable {
  /// An option that all channels of one chip must agree on.
  package struct Shared: Sendable, Equatable {
    /// Its name.
    package let option: String
    /// Its value.
    package let value: Int
    /// The value's unit.
    package let unit: String
  }

  /// The option that all channels of one chip share.
  /// - Returns: nil when the driver is not a chip with outputs.
  package static func sharedOption(of driver: String) -> String? { all.first { $0.name == driver }?.shared.option }

  /// One channel of one chip, as a device asks for it.
  package struct Choice: Sendable {
    /// On its bus; 7 bits.
    package let address: UInt8
    /// The driver's name.
    package let driver: String
    /// Counts from 0.
    package let channel: Int
    /// What the chip's channels must agree on.
    package let shared: Shared
    /// Makes the driver, one for all channels of the chip.
    package let make: @Sendable () -> any OutputChipDriver
  }

  /// As `driver:` names it.
  package let name: String
  /// What a board file may say of it.
  package let entry: DriverCatalogue.Entry
  private let channels: ClosedRange<Int64>
  private let shared: (option: String, range: ClosedRange<Int64>, defaultValue: Int64, unit: String)
  private let make: @Sendable (_ address: UInt8, _ shared: Int) -> any OutputChipDriver

  /// A chip with outputs.
  /// - Parameters:
  ///   - summary: one line for people.
  ///   - addresses: those that its pins can choose.
  ///   - address: the one that most boards have.
  ///   - channels: the numbers of its outputs.
  ///   - shared: the option that all channels share, with its range, default and unit.
  ///   - make: makes the driver for an address and a value of the shared option.
  init(
    _ name: String, _ summary: String, addresses: ClosedRange<Int64>, address: Int64, channels: ClosedRange<Int64>,
    shared: (option: String, range: ClosedRange<Int64>, defaultValue: Int64, unit: String),
    make: @escaping @Sendable (_ address: UInt8, _ shared: Int) -> any OutputChipDriver
  ) {
    self.name = name
    self.channels = channels
    self.shared = shared
    self.make = make
    entry = DriverCatalogue.Entry(
      name: name, kind: "actuator", backends: [.linux],
      options: [
        .required("bus", .bus), .option("address", .int(addresses), .int(address)),
        .required("channel", .int(channels)), .option(shared.option, .int(shared.range), .int(shared.defaultValue)),
      ], summary: summary)
  }

  /// What a device asks for.
  /// - Returns: nil when its driver is not a chip on an I²C bus.
  /// - Throws: what is wrong with which option.
  package static func choice(_ device: Device) throws(HALError) -> Choice? {
    guard let chip = all.first(where: { $0.name == device.driver }) else { return nil }
    let options = DeviceOptions(device)
    let (make, address, shared) = (chip.make, try options.address(), chip.shared)
    let value = Int(try options.int(shared.option, shared.range, standard: shared.defaultValue))
    return Choice(
      address: address, driver: chip.name, channel: Int(try options.int("channel", chip.channels)),
      shared: Shared(option: shared.option, value: value, unit: shared.unit), make: { make(address, value) })
  }
}
