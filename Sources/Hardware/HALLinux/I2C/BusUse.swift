import Chips
import EventLoop
import HAL
import Linux
import Model

/// A bus that the board uses: its worker, its chips, and who speaks to which address.
final class BusUse {
  /// As the board file names it; the first name where it has more than one.
  let name: String
  /// Where the bus is.
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

  /// The chip at an address; all its devices share it.
  func chip(_ address: UInt8) -> Chip<BusDevice> {
    if let chip = chips[address] { return chip }
    let worker = self.worker
    let chip = Chip<BusDevice>(clock: loop) { work, completion in worker.submit(work, then: completion) }
    chips[address] = chip
    return chip
  }

  /// Looks for chips at 0x08 to 0x77, one address after the other, so that outputs on the bus wait for none but the one
  /// that is being tried.
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

  /// Notes that a device's driver speaks to an address. Devices of one chip share it; a `register` sensor may read
  /// along with any driver.
  /// - Throws: when another driver speaks to it: two kinds of chip cannot sit at one address.
  func claim(_ address: UInt8, _ driver: String, by device: DeviceID) throws(HALError) {
    guard driver != "register" else { return }
    if let other = claims[address], other.driver != driver {
      throw .invalid(
        device, "address \(hexadecimal(address)) belongs to '\(other.device)', which is a \(other.driver)")
    }
    claims[address] = (driver, device)
  }

  /// Notes the option that all channels of a chip share.
  /// - Throws: when another channel has another value.
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
