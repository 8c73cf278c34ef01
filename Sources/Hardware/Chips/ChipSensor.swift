import HAL
import Model

/// A chip on an I²C bus, as the `driver:` of a sensor: its options in the board file, and its driver. Each chip's file
/// declares its own.
package struct ChipSensor: Sendable {
  /// A configured use of a chip. `variant` distinguishes measurements of one chip, e.g. by channel or range, and is
  /// empty for most chips; `make` makes the driver.
  package typealias Use = (variant: String, make: @Sendable () -> any ChipDriver)

  /// The value of `driver:` in the board file.
  package let name: String
  /// Its entry in the driver catalogue.
  package let entry: DriverCatalogue.Entry
  /// The measured quantities with their units; the first is the default. The board file gives a unit that is empty
  /// here.
  package let quantities: KeyValuePairs<String, String>
  private let use: @Sendable (_ address: UInt8, DeviceOptions) throws(HALError) -> Use
  private let rows: @Sendable () -> [ChipExample]

  /// Rows of its data sheet, for tests. Created at each call, so that the daemon keeps none in memory.
  package var examples: [ChipExample] { rows() }

  /// A chip with further options.
  /// - Parameters:
  ///   - summary: one line for people.
  ///   - address: the default address, that of the usual pin strapping; nil when the board file must give it.
  ///   - quantities: the quantities with their units, the default first; a single one is called `value`. The board file
  ///     gives a unit that is empty here.
  ///   - options: the further options.
  ///   - examples: rows of its data sheet, which together cover every quantity.
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

  /// A chip without further options; the other parameters are those of the first initializer.
  init(
    _ name: String, _ summary: String, address: Int64?, _ quantities: KeyValuePairs<String, String>,
    examples: @autoclosure @escaping @Sendable () -> [ChipExample],
    make: @escaping @Sendable (_ address: UInt8) -> any ChipDriver
  ) {
    self.init(name, summary, address: address, quantities, options: [], examples: examples()) { address, _ in
      ("", { make(address) })
    }
  }

  /// The quantity of a chip that a device measures.
  package struct Choice: Sendable {
    /// The 7-bit address.
    package let address: UInt8
    /// The driver's name.
    package let driver: String
    /// As in `Use`.
    package let variant: String
    /// The quantity's name in the driver catalogue.
    package let quantity: String
    /// Its unit; empty when neither the driver nor the board file gives one.
    package let unit: String
    /// Makes the driver, one for all quantities of the variant.
    package let make: @Sendable () -> any ChipDriver
  }

  /// Reads the options of a sensor.
  /// - Returns: nil when its driver is not a chip on an I²C bus.
  /// - Throws: `invalid`, which names the wrong option.
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
