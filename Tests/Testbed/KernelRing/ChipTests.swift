import Chips
import HAL
import KernelTestKit
import Model

// Every chip driver against the rows of its data sheet, through i2c-dev and the kernel's I²C core. A new chip needs no
// change here.
extension RingTests {
  static var chips: [RingTest] {
    ChipSensor.all.flatMap { sensor in
      sensor.examples.enumerated().map { index, example in
        RingTest("i2c: \(sensor.name), example \(index + 1)") { _ in try check(sensor, example) }
      }
    }
  }

  private static func check(_ sensor: ChipSensor, _ example: ChipExample) throws {
    // One simulated chip with this access mode stands in for all chips with that mode.
    let address: UInt8 =
      switch example.access {
      case .words: 0x48
      case .bytes: 0x50
      case .commands: 0x44
      }
    let chip = try SimulatedBus().chip(address)
    try chip.heal()
    try chip.hold(example, clear: true)
    let devices = example.quantities.keys.sorted().map { quantity in
      var options = example.options
      options["bus"] = "sim"
      options["address"] = .int(Int64(address))
      if quantity != "value" { options["quantity"] = .string(quantity) }
      // Every reading causes a transfer.
      let unit = sensor.quantities.first { $0.key == quantity }?.value ?? ""
      let settings = SensorSettings(every: .milliseconds(10), unit: unit.isEmpty ? "x" : unit)
      return Device(id: DeviceID(quantity), kind: .sensor(settings), driver: sensor.name, options: options)
    }
    let stand = try Stand(
      Board(
        name: "chips", backend: .linux, buses: ["sim": .init(adapter: "openstarry i2c-sim")], devices: devices))
    defer { stand.close() }
    for device in devices {
      let quantity = device.id.rawValue
      let unit = sensor.quantities.first { $0.key == quantity }?.value ?? ""
      let reading = try stand.read(device.id)
      try expect(reading.value, near: example.quantities[quantity] ?? 0, within: example.tolerance, quantity)
      try expect(reading.unit, is: unit.isEmpty ? "x" : unit, "unit of \(quantity)")
      try expect(reading.quality, is: .good, "quality of \(quantity)")
    }
    for contents in example.leaves {
      try expect(
        try chip.contents(contents.offset, contents.bytes.count), is: contents.bytes, "contents at \(contents.offset)")
    }
  }
}

extension SimulatedBus.Chip {
  /// Sets the chip's registers to those of an example.
  /// - Parameter clear: whether all other registers become 0.
  func hold(_ example: ChipExample, clear: Bool = false) throws {
    if clear { try hold([UInt8](repeating: 0, count: example.access == .words ? 512 : 256)) }
    for contents in example.holds { try hold(contents.bytes, at: contents.offset) }
  }
}
