import CLinux

/// The hardware's own watchdog, which resets the board when it is not fed in time
/// (Documentation/watchdog/watchdog-api.rst of the kernel).
public final class HardwareWatchdog {
  private let device: Descriptor
  /// How long it waits, in seconds, as the hardware has rounded it.
  public let timeout: Int
  /// Whether it has reset the board last time (WDIOF_CARDRESET).
  public let hasReset: Bool

  /// Opens a watchdog, which starts it.
  /// - Parameters:
  ///   - path: e.g. `/dev/watchdog`; opened by one process at a time.
  ///   - timeout: in seconds. Where it cannot be set, the driver's own stays; where it cannot be asked, as for what is
  ///     no watchdog, this is taken.
  /// - Throws: EBUSY when somebody else feeds it.
  public init(_ path: String, timeout: Int) throws(SystemError) {
    device = try System.open(path, O_WRONLY | O_NONBLOCK)
    var seconds = Int32(clamping: timeout)
    var flags: Int32 = 0
    // SAFETY: each request reads and writes the one local. What is too long for a driver is EINVAL, and nothing changes.
    _ = unsafe openstarry_watchdog_set_timeout(device.number, &seconds)
    let isKnown = unsafe openstarry_watchdog_get_timeout(device.number, &seconds) == 0
    self.timeout = isKnown ? max(1, Int(seconds)) : timeout
    // WDIOF_CARDRESET of linux/watchdog.h.
    hasReset = unsafe openstarry_watchdog_boot_status(device.number, &flags) == 0 && flags & 0x20 != 0
  }

  /// It waits anew from now on. Never waits itself.
  public func feed() { _ = try? System.write(device.number, [UInt8(ascii: "f")]) }

  /// Stops it, where the driver lets it (magic close): without this, closing it resets the board in the end.
  public func stop() { _ = try? System.write(device.number, [UInt8(ascii: "V")]) }
}
