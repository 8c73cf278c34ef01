import HAL
import Model

/// A chip on an I²C bus as the `driver:` of a sensor: what a board file may say of it, and how its driver is made.
/// Each chip's file declares its own.
package struct ChipSensor: Sendable {
  /// What makes two uses of one chip different measurements (a channel, a range; empty for most chips), and what makes
  /// the driver that measures it.
  package typealias Use = (variant: String, make: @Sendable () -> any ChipDriver)

  /// As `driver:` names it.
  package let name: String
  /// What a board file may say of it.
  package let entry: DriverCatalogue.Entry
  /// What it measures, with units; an empty unit is the board file's to say. The first is the default.
  package let quantities: KeyValuePairs<String, String>
  private let use: @Sendable (_ address: UInt8, DeviceOptions) throws(HALError) -> Use
  private let rows: @Sendable () -> [ChipExample]

  /// Rows of its data sheet, for tests; made anew with each call, so that the daemon keeps none.
  package var examples: [ChipExample] { rows() }

  /// A chip with options of its own.
  /// - Parameters:
  ///   - summary: one line for people.
  ///   - address: the one that the data sheet gives for the pin strapping most boards have; nil where the file must say
  ///     it.
  ///   - quantities: with their units, the one that is meant when the file names none first; `value` where there is one
  ///     only. An empty unit is the file's to say.
  ///   - examples: rows of its data sheet, which together give every quantity.
  ///   - use: reads the options.
  init(
    _ name: String, _ summary: String, address: Int64?, _ quantities: KeyValuePairs<String, String>,
    options: [DriverCatalogue.Option], examples: @autoclosure @escaping @Sendable () -> [ChipExample],
    use: @escaping @Sendable (_ address: UInt8, DeviceOptions) throws(HALError) -> Use
  ) {
    self.name = name
    self.quantities = quantities
    self.use = use
    rows = examples
    let range = DriverCatalogue.OptionType.int(0x03...0x77)
    var all: [DriverCatalogue.Option] = [
      .required("bus", .bus),
      address.map { .option("address", range, .int($0)) } ?? .required("address", range),
    ]
    if quantities.count > 1 { all.append(.choice("quantity", quantities, quantities[0].key)) }
    entry = DriverCatalogue.Entry(
      name: name, kind: "sensor", backends: [.linux], options: all + options, summary: summary)
  }

  /// A chip without options of its own; the parameters are those of the other initializer.
  init(
    _ name: String, _ summary: String, address: Int64?, _ quantities: KeyValuePairs<String, String>,
    examples: @autoclosure @escaping @Sendable () -> [ChipExample],
    make: @escaping @Sendable (_ address: UInt8) -> any ChipDriver
  ) {
    self.init(name, summary, address: address, quantities, options: [], examples: examples()) { address, _ in
      ("", { make(address) })
    }
  }

  /// One quantity of one chip, as a device asks for it.
  package struct Choice: Sendable {
    /// On its bus; 7 bits.
    package let address: UInt8
    /// The driver's name.
    package let driver: String
    /// What makes two uses of one chip different measurements.
    package let variant: String
    /// As the driver names it.
    package let quantity: String
    /// Its unit; empty where neither driver nor file say one.
    package let unit: String
    /// Makes the driver.
    package let make: @Sendable () -> any ChipDriver
  }

  /// What a device asks for.
  /// - Returns: nil when its driver is not a chip on an I²C bus.
  /// - Throws: what is wrong with which option.
  package static func choice(_ device: Device, _ settings: SensorSettings) throws(HALError) -> Choice? {
    guard let sensor = all.first(where: { $0.name == device.driver }) else { return nil }
    let options = DeviceOptions(device)
    let address = try options.address()
    let use = try sensor.use(address, options)
    let units = sensor.quantities
    let quantity = options.text("quantity") ?? units[0].key
    guard let unit = units.first(where: { $0.key == quantity })?.value else {
      throw options.wrong("quantity", "must be one of \(units.map(\.key).joined(separator: ", ")), not '\(quantity)'")
    }
    return Choice(
      address: address, driver: sensor.name, variant: use.variant, quantity: quantity,
      unit: unit.isEmpty ? settings.unit ?? "" : unit, make: use.make)
  }
}
