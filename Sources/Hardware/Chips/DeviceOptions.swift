import HAL
import Model

/// Typed access to the options of a device. The board's checker has compared them with the catalogue; in a board that
/// was not checked, a wrong value throws `invalid`, which names the option.
package struct DeviceOptions {
  private let device: Device

  /// - Parameter device: the device whose options to read.
  package init(_ device: Device) { self.device = device }

  /// A text, or a number as text; nil when it is absent.
  package func text(_ name: String) -> String? {
    switch device.options[name] {
    case .string(let text)?: text
    case .int(let number)?: String(number)
    case .double(let number)?: String(number)
    default: nil
    }
  }

  /// A required text.
  package func required(_ name: String) throws(HALError) -> String {
    guard let text = text(name) else { throw wrong(name, "is missing") }
    return text
  }

  /// A whole number in `range`; `defaultValue` when it is absent, which throws if there is no `defaultValue`.
  package func int(_ name: String, _ range: ClosedRange<Int64>, defaultValue: Int64? = nil) throws(HALError) -> Int64 {
    guard let value = device.options[name]?.int ?? defaultValue else { throw wrong(name, "is missing") }
    guard range.contains(value) else { throw wrong(name, "must be from \(range.lowerBound) to \(range.upperBound)") }
    return value
  }

  /// A number; `defaultValue` when it is absent.
  package func number(_ name: String, defaultValue: Double) -> Double { device.options[name]?.double ?? defaultValue }

  /// Whether the option is given.
  package func isPresent(_ name: String) -> Bool { device.options[name] != nil }

  /// A truth value; `defaultValue` when it is absent.
  package func bool(_ name: String, defaultValue: Bool = false) -> Bool { device.options[name]?.bool ?? defaultValue }

  /// A duration, written as text (`1ms`); `defaultValue` when it is absent.
  package func duration(_ name: String, defaultValue: Duration) throws(HALError) -> Duration {
    guard let text = text(name) else { return defaultValue }
    guard let duration = Quantity.duration(text) else { throw wrong(name, "must be a duration such as 10ms") }
    return duration
  }

  /// The value of one of the keys in `table`; when the option is absent, that of `defaultValue`, or the first one.
  package func choice<Choice>(
    _ name: String, _ table: KeyValuePairs<String, Choice>, defaultValue: String? = nil
  ) throws(HALError) -> Choice {
    let text = text(name) ?? defaultValue ?? table[0].key
    guard let entry = table.first(where: { $0.key == text }) else {
      throw wrong(name, "must be one of \(table.map(\.key).joined(separator: ", ")), not '\(text)'")
    }
    return entry.value
  }

  /// An I²C address; the catalogue's default for this driver when it is absent.
  package func address() throws(HALError) -> UInt8 {
    let defaultValue = DriverCatalogue.entry(device.driver, kind: device.kind.name)?.options
      .first { $0.name == "address" }?.defaultValue?.int
    return UInt8(try int("address", 0x03...0x7F, defaultValue: defaultValue))
  }

  /// A list of transfers, each a list of bytes to write: `[[0x01, 0x60], [0x02]]`. A bare number is a transfer of one
  /// byte. Empty when the option is absent.
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

  /// An `invalid` error that names the option; `what` is the rest of the sentence.
  package func wrong(_ name: String, _ what: String) -> HALError { .invalid(device.id, "option '\(name)' \(what)") }
}
