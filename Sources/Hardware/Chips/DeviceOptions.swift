import HAL
import Model

/// A device's options as its driver reads them. The board's checker has compared them with the catalogue; what is
/// wrong all the same (a board put together by hand) is an error that names the option.
package struct DeviceOptions {
  private let device: Device

  /// - Parameter device: whose options they are.
  package init(_ device: Device) { self.device = device }

  /// A text; nil when it is absent.
  package func text(_ name: String) -> String? {
    switch device.options[name] {
    case .string(let text)?: text
    case .int(let number)?: String(number)
    case .double(let number)?: String(number)
    default: nil
    }
  }

  /// A text that must be there.
  package func required(_ name: String) throws(HALError) -> String {
    guard let text = text(name) else { throw wrong(name, "is missing") }
    return text
  }

  /// A whole number within `range`; `standard` when it is absent.
  package func int(_ name: String, _ range: ClosedRange<Int64>, standard: Int64? = nil) throws(HALError) -> Int64 {
    guard let value = device.options[name]?.int ?? standard else { throw wrong(name, "is missing") }
    guard range.contains(value) else { throw wrong(name, "must be from \(range.lowerBound) to \(range.upperBound)") }
    return value
  }

  /// A number; `standard` when it is absent.
  package func number(_ name: String, standard: Double) -> Double { device.options[name]?.double ?? standard }

  /// Whether the option is there.
  package func isPresent(_ name: String) -> Bool { device.options[name] != nil }

  /// A truth value; `standard` when it is absent.
  package func bool(_ name: String, standard: Bool = false) -> Bool { device.options[name]?.bool ?? standard }

  /// A duration, written as text (`1ms`); `standard` when it is absent.
  package func duration(_ name: String, standard: Duration) throws(HALError) -> Duration {
    guard let text = text(name) else { return standard }
    guard let duration = Quantity.duration(text) else { throw wrong(name, "must be a duration such as 10ms") }
    return duration
  }

  /// One of the words in `table`; that of `standard` when the option is absent, or its first one.
  package func choice<Choice>(
    _ name: String, _ table: KeyValuePairs<String, Choice>, standard: String? = nil
  ) throws(HALError) -> Choice {
    let text = text(name) ?? standard ?? table[0].key
    guard let entry = table.first(where: { $0.key == text }) else {
      throw wrong(name, "must be one of \(table.map(\.key).joined(separator: ", ")), not '\(text)'")
    }
    return entry.value
  }

  /// An address on an I²C bus; the catalogue's standard for this driver when it is absent.
  package func address() throws(HALError) -> UInt8 {
    let standard = DriverCatalogue.entry(device.driver, kind: device.kind.name)?.options
      .first { $0.name == "address" }?.standard?.int
    return UInt8(try int("address", 0x03...0x7F, standard: standard))
  }

  /// The bytes that the option's lists ask to be written, one transfer each: `[[0x01, 0x60], [0x02]]`; a bare number
  /// is a transfer of one byte.
  package func transfers(_ name: String) throws(HALError) -> [[UInt8]] {
    var transfers: [[UInt8]] = []
    for element in device.options[name]?.list ?? [] {
      let numbers = element.list ?? [element]
      let bytes = numbers.compactMap { $0.int.flatMap { UInt8(exactly: $0) } }
      guard !bytes.isEmpty, bytes.count == numbers.count else {
        throw wrong(name, "must be a list of lists of bytes, such as [[0x01, 0x60]]")
      }
      transfers.append(bytes)
    }
    return transfers
  }

  /// An error that names the option.
  package func wrong(_ name: String, _ what: String) -> HALError { .invalid(device.id, "option '\(name)' \(what)") }
}
