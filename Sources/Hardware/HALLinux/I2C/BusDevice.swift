import CI2C
import CLinux
import Chips
import EventLoop
import Glibc
import HAL
import Linux
import Model

/// A bus of i2c-dev (Documentation/i2c/dev-interface.rst). Uses combined transfers if the adapter supports I²C, and
/// SMBus calls otherwise. Opened by the first transfer, and again after the adapter was gone.
///
/// Lives on its bus's worker thread; all calls block.
final class BusDevice: I2CTransport {
  /// The location of a bus: a device node, or the adapter's name.
  struct Location: Sendable, CustomStringConvertible {
    var path: String?
    var adapter: String?
    /// The prefix of `/dev` and `/sys`.
    var root: String

    var description: String { path ?? adapter ?? "" }

    /// Its current device node.
    /// - Throws: ENODEV when no adapter has the name, ENOTUNIQ when several have it.
    func node() throws(SystemError) -> String {
      if let path { return root + path }
      let tree = KernelTree(root: root)
      let folder = "/sys/bus/i2c/devices"
      let found = tree.names(in: folder, prefix: "i2c-").filter { (try? tree.text("\(folder)/\($0)/name")) == adapter }
      guard let name = found.first else { throw SystemError("find", "I²C adapter '\(adapter ?? "")'", errno: ENODEV) }
      if found.count > 1 {
        let all = found.map { "/dev/\($0)" }.joined(separator: ", ")
        throw SystemError(
          "find", "\(found.count) I²C adapters are called '\(adapter ?? "")': use 'path' with one of \(all)",
          errno: ENOTUNIQ)
      }
      return "\(root)/dev/\(name)"
    }
  }

  private let location: Location
  private var descriptor: Descriptor?
  private var node = ""
  private var functions: UInt = 0
  private var selected: UInt8?

  init(_ location: Location) { self.location = location }

  func transfer(_ address: UInt8, write bytes: [UInt8], read count: Int) throws(HALError.Fault) -> [UInt8] {
    let number = try open()
    do throws(HALError.Fault) {
      try select(address, number)
      if has(I2C_FUNC_I2C), !bytes.isEmpty || count > 0 { return try combined(number, address, bytes, count) }
      return try SMBus(number: number, functions: functions).transfer(bytes, count)
    } catch {
      if error.isGone { close() }
      throw error
    }
  }

  func pause(_ duration: Duration) { Self.sleep(duration) }

  /// Blocks the calling thread (nanosleep(2)).
  static func sleep(_ duration: Duration) {
    var time = timespec()
    time.tv_sec = Int(duration.nanoseconds / 1_000_000_000)
    time.tv_nsec = Int(duration.nanoseconds % 1_000_000_000)
    var rest = timespec()
    // SAFETY: both are locals. After a signal the rest of the time is slept too.
    while unsafe nanosleep(&time, &rest) != 0 && errno == EINTR { time = rest }
  }

  /// Probes an address, as i2cdetect(8) does: with a receive byte where a quick write could corrupt an EEPROM
  /// (0x30–0x37, 0x50–0x5F), with a quick write elsewhere, and with the other method if the adapter lacks the first.
  /// - Returns: the chip; nil when none answers.
  func probe(_ address: UInt8) throws(HALError.Fault) -> I2CScan.Chip? {
    let number = try open()
    let isMemory = (0x30...0x37).contains(address) || (0x50...0x5F).contains(address)
    do throws(HALError.Fault) {
      try select(address, number)
      guard try SMBus(number: number, functions: functions).probe(byReading: isMemory) else {
        throw .system(EOPNOTSUPP, "the adapter cannot probe")
      }
      return I2CScan.Chip(address: address, heldBy: nil)
    } catch {
      switch error {
      case .inUse(let holder): return I2CScan.Chip(address: address, heldBy: holder ?? "a kernel driver")
      case .gone:
        close()
        throw .gone
      case .system(EOPNOTSUPP, _): throw error
      // Every other error means that no chip answered.
      default: return nil
      }
    }
  }

  // MARK: Opening

  private func has(_ function: Int32) -> Bool { functions & UInt(UInt32(bitPattern: function)) != 0 }

  private func open() throws(HALError.Fault) -> Int32 {
    if let number = descriptor?.number { return number }
    do throws(SystemError) {
      let path = try location.node()
      let opened = try System.open(path, O_RDWR)
      var functions: UInt = 0
      // SAFETY: the kernel writes one unsigned long.
      guard unsafe openstarry_i2c_functions(opened.number, &functions) >= 0 else {
        throw SystemError("I2C_FUNCS", path)
      }
      // A timeout of 100 ms is long for clock stretching and short for a hanging bus. Adapters without the setting keep
      // their own.
      _ = openstarry_i2c_limits(opened.number, 10, 1)
      self.functions = functions
      node = String(path.split(separator: "/").last ?? "")
      let number = opened.number
      descriptor = consume opened
      return number
    } catch {
      let why = "\(error.object): \(SystemError.text(error.errno))"
      switch error.errno {
      case ENOENT, ENODEV, ENXIO: throw .absent("no I²C bus at \(location): \(Self.buses(location.root))")
      case ENOTUNIQ: throw .ambiguous(error.object)
      case EACCES, EPERM: throw .system(error.errno, "\(why); join the group i2c")
      default: throw .system(error.errno, why)
      }
    }
  }

  /// The buses of the machine, for messages.
  private static func buses(_ root: String) -> String {
    let tree = KernelTree(root: root)
    let folder = "/sys/bus/i2c/devices"
    let buses = tree.names(in: folder, prefix: "i2c-").map { bus in
      "/dev/\(bus) (\((try? tree.text("\(folder)/\(bus)/name")) ?? "-"))"
    }
    return buses.isEmpty ? "there is none; is I²C enabled?" : "there are \(buses.joined(separator: ", "))"
  }

  private func close() {
    descriptor = nil
    selected = nil
  }

  /// Selects the chip. The kernel refuses (EBUSY) if one of its own drivers is bound to it.
  private func select(_ address: UInt8, _ number: Int32) throws(HALError.Fault) {
    guard address != selected else { return }
    guard openstarry_i2c_select(number, address) >= 0 else {
      let error = errno
      if error == EBUSY { throw .inUse(holder(of: address)) }
      throw HALError.Fault(transfer: error)
    }
    selected = address
  }

  /// The kernel driver that is bound to a chip: `/sys/bus/i2c/devices/1-0068/driver`.
  private func holder(of address: UInt8) -> String {
    let digits = String(address, radix: 16)
    let chip = "\(node.dropFirst("i2c-".count))-00\(digits.count < 2 ? "0" : "")\(digits)"
    let target = KernelTree(root: location.root).target("/sys/bus/i2c/devices/\(chip)/driver")
    return target?.split(separator: "/").last.map { "the kernel driver \($0)" } ?? "a kernel driver"
  }

  private func combined(
    _ number: Int32, _ address: UInt8, _ bytes: [UInt8], _ count: Int
  ) throws(HALError.Fault) -> [UInt8] {
    var answer = [UInt8](repeating: 0, count: count)
    // SAFETY: the kernel reads `bytes.count` and writes `count` bytes, the sizes of the two arrays.
    let result = System.retry {
      unsafe openstarry_i2c_transfer(number, address, bytes, UInt16(bytes.count), &answer, UInt16(count))
    }
    guard result >= 0 else { throw HALError.Fault(transfer: errno) }
    return answer
  }
}

/// The chips found on a bus.
package struct I2CScan: Sendable, Hashable {
  /// The chips in order of their addresses.
  package var chips: [Chip]

  /// A chip that answered, or that a kernel driver is bound to.
  package struct Chip: Sendable, Hashable {
    /// The 7-bit address.
    package var address: UInt8
    /// The kernel driver that is bound to it, so that the daemon cannot use it; nil for none.
    package var heldBy: String?
  }
}
