import CLinux

/// The hardware watchdog, which resets the board when it is not fed in time (Documentation/watchdog/watchdog-api.rst of
/// the kernel).
package final class HardwareWatchdog {
  private let device: Descriptor
  /// The timeout in seconds, as the hardware rounded it.
  package let timeout: Int
  /// Whether the watchdog caused the last reset of the board (WDIOF_CARDRESET).
  package let hasReset: Bool

  /// Opens the watchdog, which starts it.
  /// - Parameters:
  ///   - path: the device, e.g. `/dev/watchdog`; only one process can open it.
  ///   - timeout: the requested timeout in seconds. If it cannot be set, the driver's timeout applies. If that cannot
  ///     be read either, as for a file that is not a watchdog, `timeout` is assumed.
  /// - Throws: EBUSY when another process has it open.
  package init(_ path: String, timeout: Int) throws(SystemError) {
    device = try System.open(path, O_WRONLY | O_NONBLOCK)
    var seconds = Int32(clamping: timeout)
    var flags: Int32 = 0
    // SAFETY: each request accesses only the local. A timeout that the driver does not support fails with EINVAL.
    _ = unsafe openstarry_watchdog_set_timeout(device.number, &seconds)
    let isKnown = unsafe openstarry_watchdog_get_timeout(device.number, &seconds) == 0
    self.timeout = isKnown ? max(1, Int(seconds)) : timeout
    // WDIOF_CARDRESET of linux/watchdog.h.
    hasReset = unsafe openstarry_watchdog_boot_status(device.number, &flags) == 0 && flags & 0x20 != 0
  }

  /// Restarts the timeout; does not block.
  package func feed() { _ = try? System.write(device.number, [UInt8(ascii: "f")]) }

  /// Disarms the watchdog where the driver allows it (magic close). Otherwise it resets the board after it is closed.
  package func stop() { _ = try? System.write(device.number, [UInt8(ascii: "V")]) }
}
