import Chips
import HAL
import KernelTestKit
import Model

// Sensors of the kernel's own drivers and of the machine itself.
extension RingTests {
  static var kernelSensors: [RingTest] {
    [
      RingTest("hwmon: a chip of a kernel driver is a sensor") { ring in
        try SimulatedBus().chip(0x4B).hold(words: [0xE700])
        let stand = try Stand(ring.board, ["rack"])
        defer { stand.close() }
        // The driver measures once per conversion time, and returns cached values in between.
        try stand.wait("-25 °C", polling: .milliseconds(50)) { try stand.read("rack").value == -25 }
        try expect(try stand.read("rack").unit, is: "°C", "unit")
      },
      RingTest("iio: a channel of a kernel driver is a sensor") { ring in
        try SimulatedBus().chip(0x5C).hold([0x83, 0x90])
        let stand = try Stand(ring.board, ["daylight"])
        defer { stand.close() }
        let reading = try stand.read("daylight")
        try expect(reading.value, near: 28067, within: 10, "daylight")
        try expect(reading.unit, is: "lx", "unit")
      },
      RingTest("procfs: load and memory are those of the machine") { ring in
        let stand = try Stand(ring.board, ["load", "memory"])
        defer { stand.close() }
        let free = try stand.read("memory")
        let lines = try KernelFile.text("/proc/meminfo").split(separator: "\n")
        let total = lines.first { $0.hasPrefix("MemTotal:") }?.split(separator: " ").dropFirst().first
        let mebibytes = Double(total ?? "") ?? 0
        try expect(free.value > 1 && free.value < mebibytes / 1024, "\(free.value) MiB free of \(mebibytes / 1024)")
        try expect(try stand.read("load").value >= 0, "the load is negative")
      },
      RingTest("sensors: every available sensor of the board has a value") { ring in try everySensor(ring) },
    ]
  }

  /// Gives each simulated chip the first row of its data sheet to hold. On a real board nothing is simulated.
  private static func fill(_ board: Board) throws {
    guard let bus = try? SimulatedBus() else { return }
    for device in board.devices {
      guard let sensor = ChipSensor.all.first(where: { $0.name == device.driver }),
        let address = device.options["address"]?.int, let example = sensor.examples.first
      else { continue }
      let chip = try bus.chip(UInt8(address))
      try chip.heal()
      try chip.hold(example, clear: true)
    }
  }

  private static func everySensor(_ ring: Ring) throws {
    try fill(ring.board)
    let stand = try Stand(ring.board)
    defer { stand.close() }
    var answered = 0
    for device in ring.board.devices {
      guard case .sensor = device.kind else { continue }
      do {
        let reading = try stand.read(device.id)
        ring.note("\(device.id): \(reading.value.text) \(reading.unit)\(reading.quality == .good ? "" : " (suspect)")")
        answered += 1
      } catch HALError.failed(_, _, let fault) {
        switch fault {
        case .checksum, .protocolViolation: throw Failure("\(device.id): \(fault)")
        default: ring.note("\(device.id): not available: \(fault)")
        }
      }
    }
    if answered == 0 { throw Skip("no sensor of the board answers") }
  }
}
