import EventLoop
import HAL
import Linux
import Model

/// A bus that the board uses: its worker, and who claims which address.
final class BusUse {
  /// Where the bus is.
  let location: BusDevice.Location
  /// The bus's thread.
  let worker: Worker<I2CSensor.Bus>
  private var claims: [UInt8: (driver: String, device: DeviceID)] = [:]
  private var frequencies: [UInt8: (frequency: Int, device: DeviceID)] = [:]

  init(_ name: String, _ location: BusDevice.Location, _ loop: EventLoop) {
    self.location = location
    worker = Worker(String("i2c-\(name)".prefix(15)), on: loop) {
      I2CSensor.Bus(BusDevice(location)) { Instant(nanoseconds: System.monotonicNanoseconds()) }
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

  /// Notes the frequency of a PCA9685, which all its channels share.
  func agree(_ address: UInt8, _ frequency: Int, by device: DeviceID) throws(HALError) {
    if let other = frequencies[address], other.frequency != frequency {
      throw .invalid(
        device,
        "option 'frequency' is \(frequency) Hz, but '\(other.device)' has \(other.frequency) Hz on the same chip")
    }
    frequencies[address] = (frequency, device)
  }
}
