import HAL
import Model

/// TI ADS1115 converter: data sheet SBAS444, "Config register" and "Data format". Readings in V.
struct ADS1115: ChipDriver {
  static let sensor = ChipSensor(
    "ads1115", "TI ADS1115 16-bit ADC", address: 0x48, ["value": "V"],
    options: [.choice("channel", inputs, "0"), .choice("range", ranges, "2.048")],
    // "Input signal versus ideal output code": a quarter of the full scale, and minus half of it.
    examples: [
      // Single shot of AIN2 at ±4.096 V, 128 samples a second, no comparator.
      .words(
        [0: 0x2000, 1: 0x8583], ["value": 1.024], within: 0.0001, leaves: [1: 0xE383],
        options: ["channel": "2", "range": "4.096"]),
      .words(
        [0: 0xC000, 1: 0x8583], ["value": -2.048], within: 0.0001, options: ["channel": "2", "range": "4.096"]),
    ]
  ) { address, options throws(HALError) in
    let input = try options.choice("channel", inputs, defaultValue: "0")
    let range = try options.choice("range", ranges, defaultValue: "2.048")
    return ("\(input) \(range)", { ADS1115(address: address, input: input, range: range) })
  }

  private static let inputs: KeyValuePairs<String, Input> = [
    "0": .single0, "1": .single1, "2": .single2, "3": .single3, "0-1": .difference01, "0-3": .difference03,
    "1-3": .difference13, "2-3": .difference23,
  ]

  private static let ranges: KeyValuePairs<String, Range> = [
    "6.144": .volts6_144, "4.096": .volts4_096, "2.048": .volts2_048, "1.024": .volts1_024, "0.512": .volts0_512,
    "0.256": .volts0_256,
  ]

  /// The measured inputs (MUX): one against ground, or the difference of two.
  enum Input: UInt16, Sendable {
    case difference01 = 0b000
    case difference03 = 0b001
    case difference13 = 0b010
    case difference23 = 0b011
    case single0 = 0b100
    case single1 = 0b101
    case single2 = 0b110
    case single3 = 0b111
  }

  /// The full scale of the programmable amplifier (PGA).
  enum Range: UInt16, Sendable {
    case volts6_144 = 0b000
    case volts4_096 = 0b001
    case volts2_048 = 0b010
    case volts1_024 = 0b011
    case volts0_512 = 0b100
    case volts0_256 = 0b101

    var volts: Double {
      switch self {
      case .volts6_144: 6.144
      case .volts4_096: 4.096
      case .volts2_048: 2.048
      case .volts1_024: 1.024
      case .volts0_512: 0.512
      case .volts0_256: 0.256
      }
    }
  }

  let address: UInt8
  let input: Input
  let range: Range

  func start(_ bus: inout some I2CTransport) throws(HALError.Fault) -> Duration {
    // Start (OS), input, range, single shot (MODE), 128 samples a second (DR 100), comparator off (COMP_QUE 11).
    let configuration: UInt16 = 1 << 15 | input.rawValue << 12 | range.rawValue << 9 | 1 << 8 | 0b100 << 5 | 0b11
    try bus.write(address, [0x01, UInt8(configuration >> 8), UInt8(configuration & 0xFF)])
    // 7.8 ms, plus 10 % at most (electrical characteristics, data rate variation).
    return .milliseconds(9)
  }

  func collect(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement]? {
    // OS reads 1 when no conversion runs.
    guard try bus.readWord(address, 0x01) & 0x8000 != 0 else { return nil }
    let count = Int16(bitPattern: try bus.readWord(address, 0x00))
    let isClipped = count == .max || count == .min
    return ["value": Measurement(Double(count) * range.volts / 32768, quality: isClipped ? .suspect : .good)]
  }
}
