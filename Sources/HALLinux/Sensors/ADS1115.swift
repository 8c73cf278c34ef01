import HAL
import Model

/// TI ADS1115 converter: data sheet SBAS444, "Config register" and "Data format". In V.
struct ADS1115: ChipDriver {
  /// What is measured against what (MUX).
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

  func measure(_ bus: inout some I2CTransport) throws(HALError.Fault) -> [String: Measurement] {
    // Start (OS), input, range, single shot (MODE), 128 samples a second (DR 100), comparator off (COMP_QUE 11).
    let configuration: UInt16 = 1 << 15 | input.rawValue << 12 | range.rawValue << 9 | 1 << 8 | 0b100 << 5 | 0b11
    try bus.write(address, [0x01, UInt8(configuration >> 8), UInt8(configuration & 0xFF)])
    // 7.8 ms, 10 % more at most (electrical characteristics, data rate variation).
    bus.pause(.milliseconds(9))
    // OS reads 1 when no conversion runs.
    for attempt in 0... {
      if try bus.readWord(address, 0x01) & 0x8000 != 0 { break }
      guard attempt < 5 else { throw .protocolViolation("the ADS1115 has been converting for too long") }
      bus.pause(.milliseconds(1))
    }
    let count = Int16(bitPattern: try bus.readWord(address, 0x00))
    let isClipped = count == .max || count == .min
    return ["value": Measurement(Double(count) * range.volts / 32768, quality: isClipped ? .suspect : .good)]
  }
}
