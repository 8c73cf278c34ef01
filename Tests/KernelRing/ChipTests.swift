import HAL
import KernelTestKit
import Model

// Every sensor driver against register contents from its data sheet, through i2c-dev and the kernel's I²C core.
extension RingTests {
  static var chips: [RingTest] { ChipCase.all.map { chip in RingTest("i2c: \(chip.name)") { try chip.check($0) } } }
}

/// What a chip holds, and what its quantities must then be.
struct ChipCase {
  /// A device of the board and the value it must have.
  struct Quantity {
    var device: DeviceID
    var value: Double
    var tolerance: Double
    var unit: String
  }

  var name: String
  /// Puts it into the chip.
  var hold: (SimulatedBus.Chip) throws -> Void
  var quantities: [Quantity]
  /// Looks afterwards at what the driver did to the chip.
  var look: (SimulatedBus.Chip) throws -> Void

  init(
    _ name: String, _ quantities: [(DeviceID, Double, Double, String)],
    hold: @escaping (SimulatedBus.Chip) throws -> Void, look: @escaping (SimulatedBus.Chip) throws -> Void = { _ in }
  ) {
    self.name = name
    self.hold = hold
    self.look = look
    self.quantities = quantities.map { Quantity(device: $0.0, value: $0.1, tolerance: $0.2, unit: $0.3) }
  }

  func check(_ ring: Ring) throws {
    let bus = try SimulatedBus()
    let stand = try Stand(ring.board, quantities.map(\.device)) { device in
      // Each reading is a transfer.
      if case .sensor(var settings) = device.kind {
        settings.every = .milliseconds(10)
        device.kind = .sensor(settings)
      }
    }
    defer { stand.close() }
    guard let address = stand.board.devices.first?.options["address"]?.int else { throw Failure("no address") }
    let chip = try bus.chip(UInt8(address))
    try chip.heal()
    try hold(chip)
    for quantity in quantities {
      let reading = try stand.read(quantity.device)
      try expect(reading.value, near: quantity.value, within: quantity.tolerance, "\(quantity.device)")
      try expect(reading.unit, is: quantity.unit, "unit of \(quantity.device)")
      try expect(reading.quality, is: .good, "quality of \(quantity.device)")
    }
    try look(chip)
  }

  /// The checksum of Sensirion's sensors, bit by bit as a polynomial division (SHT3x-DIS data sheet, table 19).
  static func checked(_ word: UInt16) -> [UInt8] {
    let bytes = [UInt8(word >> 8), UInt8(word & 0xFF)]
    return bytes + [checksum(bytes)]
  }

  static func checksum(_ bytes: [UInt8]) -> UInt8 {
    var register: UInt16 = 0xFF
    for byte in bytes {
      register ^= UInt16(byte)
      for _ in 0..<8 {
        register <<= 1
        if register & 0x100 != 0 { register ^= 0x131 }
      }
    }
    return UInt8(register)
  }
}
