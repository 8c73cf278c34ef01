import Chips
import EventLoop
import HAL
import Linux
import Model

/// A bus of the board: its worker, its chips, and the driver of each address.
final class BusUse {
  /// Its name in the board file; the first one used if it has several.
  let name: String
  let location: BusDevice.Location
  /// The bus's thread.
  let worker: Worker<I2CBus<BusDevice>>
  private let loop: EventLoop
  private var chips: [UInt8: Chip<BusDevice>] = [:]
  private var claims: [UInt8: (driver: String, device: DeviceID)] = [:]
  private var agreed: [UInt8: (shared: ChipOutput.Shared, device: DeviceID)] = [:]

  init(_ name: String, _ location: BusDevice.Location, _ loop: EventLoop) {
    self.name = name
    self.location = location
    self.loop = loop
    worker = Worker(String("i2c-\(name)".prefix(15)), on: loop) {
      I2CBus(BusDevice(location)) { Instant(nanoseconds: System.monotonicNanoseconds()) }
    }
  }

  /// The chip at an address, shared by all its devices.
  func chip(_ address: UInt8) -> Chip<BusDevice> {
    if let chip = chips[address] { return chip }
    let worker = self.worker
    let chip = Chip<BusDevice>(clock: loop) { work, completion in worker.submit(work, then: completion) }
    chips[address] = chip
    return chip
  }

  /// Looks for chips at 0x08 to 0x77. Each address is a job of its own, so that outputs on the bus wait for one probe
  /// at most.
  func scan(_ done: @escaping (Result<I2CScan, HALError.Fault>) -> Void) { scan(from: 0x08, [], done) }

  private func scan(
    from address: UInt8, _ found: [I2CScan.Chip], _ done: @escaping (Result<I2CScan, HALError.Fault>) -> Void
  ) {
    guard address <= 0x77 else { return done(.success(I2CScan(chips: found))) }
    worker.submit { bus in
      bus.withBase { base in Result { () throws(HALError.Fault) in try base.probe(address) } }
    } then: { [self] (result: Result<I2CScan.Chip?, HALError.Fault>) in
      switch result {
      case .success(let chip): scan(from: address + 1, chip.map { found + [$0] } ?? found, done)
      case .failure(let fault): done(.failure(fault))
      }
    }
  }

  /// Assigns an address to a device's driver. Devices of one chip share it, and a `register` sensor may share it with
  /// any driver.
  /// - Throws: `invalid` when another driver has the address: two kinds of chip cannot be at one address.
  func claim(_ address: UInt8, _ driver: String, by device: DeviceID) throws(HALError) {
    guard driver != "register" else { return }
    if let other = claims[address], other.driver != driver {
      throw .invalid(
        device, "address \(hexadecimal(address)) belongs to '\(other.device)', which is a \(other.driver)")
    }
    claims[address] = (driver, device)
  }

  /// Notes an option that all channels of a chip share.
  /// - Throws: `invalid` when another channel has a different value.
  func agree(_ address: UInt8, _ shared: ChipOutput.Shared, by device: DeviceID) throws(HALError) {
    if let other = agreed[address], other.shared != shared {
      throw .invalid(
        device,
        "option '\(shared.option)' is \(shared.value) \(shared.unit), but '\(other.device)' has "
          + "\(other.shared.value) \(other.shared.unit) on the same chip")
    }
    agreed[address] = (shared, device)
  }
}
