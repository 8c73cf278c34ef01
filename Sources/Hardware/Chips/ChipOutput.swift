import HAL
import Model

/// A driver of one chip with several outputs, independent of buses, threads and time.
package protocol OutputChipDriver: Sendable {
  /// Drives a channel to a level from 0 to 1.
  /// - Returns: whether the chip had lost its configuration since the last command, and all of it has been written
  ///   again.
  mutating func set(_ channel: Int, _ level: Double, _ bus: inout some I2CTransport) throws(HALError.Fault) -> Bool

  /// The single write that drives a channel of a configured chip, for the guardian.
  func transfer(_ channel: Int, _ level: Double) -> [UInt8]
}

/// A chip on an I²C bus with several outputs, as the `driver:` of an actuator: its options in the board file, and its
/// driver. Each chip's file declares its own.
package struct ChipOutput: Sendable {
  /// An option that all channels of one chip must agree on.
  package struct Shared: Sendable, Equatable {
    /// The option's key in the board file.
    package let option: String
    /// The value in `unit`.
    package let value: Int
    /// The unit, for messages: `Hz`.
    package let unit: String
  }

  /// The key of the option that all channels of a chip share; nil when the driver is not a chip with outputs.
  package static func sharedOption(of driver: String) -> String? { all.first { $0.name == driver }?.shared.option }

  /// The channel of a chip that a device uses.
  package struct Choice: Sendable {
    /// The 7-bit address.
    package let address: UInt8
    /// The driver's name.
    package let driver: String
    /// The channel's number, from 0.
    package let channel: Int
    /// The option that the chip's channels must agree on.
    package let shared: Shared
    /// Makes the driver, one for all channels of the chip.
    package let make: @Sendable () -> any OutputChipDriver
  }

  /// The value of `driver:` in the board file.
  package let name: String
  /// Its entry in the driver catalogue.
  package let entry: DriverCatalogue.Entry
  private let channels: ClosedRange<Int64>
  private let shared: (option: String, range: ClosedRange<Int64>, defaultValue: Int64, unit: String)
  private let make: @Sendable (_ address: UInt8, _ shared: Int) -> any OutputChipDriver

  /// - Parameters:
  ///   - summary: one line for people.
  ///   - addresses: the addresses that its pins can select.
  ///   - address: the default address.
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

  /// Reads the options of an actuator.
  /// - Returns: nil when its driver is not a chip with outputs.
  /// - Throws: `invalid`, which names the wrong option.
  package static func choice(_ device: Device) throws(HALError) -> Choice? {
    guard let chip = all.first(where: { $0.name == device.driver }) else { return nil }
    let options = DeviceOptions(device)
    let (make, address, shared) = (chip.make, try options.address(), chip.shared)
    let value = Int(try options.int(shared.option, shared.range, defaultValue: shared.defaultValue))
    return Choice(
      address: address, driver: chip.name, channel: Int(try options.int("channel", chip.channels)),
      shared: Shared(option: shared.option, value: value, unit: shared.unit), make: { make(address, value) })
  }
}
