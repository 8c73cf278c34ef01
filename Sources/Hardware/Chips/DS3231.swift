import HAL
import Model

/// Maxim DS3231 clock: data sheet 19-5170, "Timekeeping registers" and "Temperature registers (11h–12h)".
/// `temperature` in °C; `time` in seconds since 1970, assuming that the chip runs in UTC.
struct DS3231: ChipDriver {
  static let sensor = ChipSensor(
    "ds3231", "Maxim DS3231 clock and its temperature", address: 0x68, ["temperature": "°C", "time": "s"],
    // 2024-02-29 23:59:58, a leap day; 0x19 and 0x40 are the data sheet's example of 25.25 °C.
    examples: [
      .bytes(
        [0x00: [0x58, 0x59, 0x23, 0x05, 0x29, 0x02, 0x24], 0x0F: [0x00, 0x00, 0x19, 0x40]],
        ["temperature": 25.25, "time": 1_709_251_198])
    ]
  ) { DS3231(address: $0) }

  let address: UInt8

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    // One transfer, during which the chip latches the time.
    let registers = try bus.read(address, 0x00, 0x13)
    // The upper two bits of 0x12 are quarters of a degree, below the signed whole degrees in 0x11.
    let quarters = Int16(bitPattern: bigEndian(registers, 0x11)) >> 6
    var found = ["temperature": Measurement(Double(quarters) / 4)]
    if let seconds = Self.seconds(registers) {
      // OSF: the oscillator has stopped since the clock was set.
      found["time"] = Measurement(Double(seconds), quality: registers[0x0F] & 0x80 == 0 ? .good : .suspect)
    }
    return found
  }

  /// The time in the first seven registers, in seconds since 1970; nil when they hold no valid time.
  static func seconds(_ registers: [UInt8]) -> Int? {
    let hour: Int?
    if registers[2] & 0x40 != 0 {
      // 12-hour mode: bit 5 means afternoon, and 12 stands for 0.
      hour = decimal(registers[2] & 0x1F, 1...12).map { $0 % 12 + (registers[2] & 0x20 != 0 ? 12 : 0) }
    } else {
      hour = decimal(registers[2] & 0x3F, 0...23)
    }
    guard let second = decimal(registers[0] & 0x7F, 0...59), let minute = decimal(registers[1] & 0x7F, 0...59),
      let hour, let day = decimal(registers[4] & 0x3F, 1...31), let month = decimal(registers[5] & 0x1F, 1...12),
      let year = decimal(registers[6], 0...99)
    else { return nil }
    // The century bit toggles when the year goes from 99 to 00; 0 means 2000, as in Linux's rtc-ds1307.
    let days = Self.days(year: year + (registers[5] & 0x80 != 0 ? 2100 : 2000), month: month, day: day)
    return ((days * 24 + hour) * 60 + minute) * 60 + second
  }

  /// Decodes binary-coded decimal; nil when it is malformed or not in `range`.
  private static func decimal(_ byte: UInt8, _ range: ClosedRange<Int>) -> Int? {
    let (tens, ones) = (Int(byte >> 4), Int(byte & 0x0F))
    let value = tens * 10 + ones
    return ones < 10 && tens < 10 && range.contains(value) ? value : nil
  }

  /// Days from 1970-01-01 to a day of the Gregorian calendar.
  private static func days(year: Int, month: Int, day: Int) -> Int {
    // Years begin in March here, so that the leap day comes last.
    let shifted = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }
}
