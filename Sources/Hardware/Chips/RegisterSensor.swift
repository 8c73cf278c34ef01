import HAL
import Model

/// Any chip with a value in a register: the bytes are combined, masked and shifted.
struct RegisterSensor: ChipDriver {
  static let sensor = ChipSensor(
    "register", "any chip with a value in a register", address: nil, ["value": ""],
    options: [
      .required("register", .int(0...255)), .choice("width", widths, "8"), .choice("endian", orders, "big"),
      .option("signed", .bool, false), .option("mask", .int(0...0xFFFF_FFFF)), .option("shift", .int(0...31), 0),
      .option("init", .list),
    ],
    examples: [
      // Two bytes, little-endian and signed.
      .bytes(
        [0x10: [0xD4, 0xFE]], ["value": -300], leaves: [0x01: [0x60]],
        options: [
          "register": 0x10, "width": "16", "endian": "little", "signed": true, "init": .list([.list([0x01, 0x60])]),
        ])
    ]
  ) { address, options throws(HALError) in
    let register = Options(
      register: UInt8(try options.int("register", 0...255)),
      bytes: try options.choice("width", widths, defaultValue: "8"),
      isLittleEndian: try options.choice("endian", orders, defaultValue: "big"), isSigned: options.bool("signed"),
      mask: options.isPresent("mask") ? UInt32(try options.int("mask", 0...0xFFFF_FFFF)) : nil,
      shift: Int(try options.int("shift", 0...31, defaultValue: 0)), transfers: try options.transfers("init"))
    return ("\(register)", { RegisterSensor(address: address, options: register) })
  }

  private static let widths: KeyValuePairs<String, Int> = ["8": 1, "16": 2, "24": 3, "32": 4]
  private static let orders: KeyValuePairs<String, Bool> = ["big": false, "little": true]

  /// The options in the board file.
  struct Options: Sendable, Hashable {
    var register: UInt8
    /// The width of the value in bytes, 1 to 4.
    var bytes: Int
    var isLittleEndian = false
    var isSigned = false
    /// Applied before the shift; nil for all bits.
    var mask: UInt32?
    /// The number of bits to shift right.
    var shift = 0
    /// Written before the first reading and after each failure, one transfer for each list.
    var transfers: [[UInt8]] = []
  }

  let address: UInt8
  let options: Options
  private var isPrepared = false

  init(address: UInt8, options: Options) {
    self.address = address
    self.options = options
  }

  mutating func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    if !isPrepared {
      for bytes in options.transfers { try bus.write(address, bytes) }
      isPrepared = true
    }
    let bytes = try bus.read(address, options.register, options.bytes)
    return ["value": Measurement(Self.value(bytes, options))]
  }

  /// The sign of a signed value is the highest bit that mask and width leave.
  static func value(_ bytes: [UInt8], _ options: Options) -> Double {
    let ordered = options.isLittleEndian ? bytes.reversed() : bytes
    let word = ordered.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let all = UInt32.max >> (32 - 8 * UInt32(bytes.count))
    let mask = (options.mask ?? all) & all
    let value = (word & mask) >> UInt32(options.shift)
    let width = 32 - (mask >> UInt32(options.shift)).leadingZeroBitCount
    guard options.isSigned, width > 0, value >> UInt32(width - 1) == 1 else { return Double(value) }
    return Double(value) - Double(UInt64(1) << UInt64(width))
  }
}
