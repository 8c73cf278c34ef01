import CLinux
import Linux
import Model

/// Reports the daemon's state to systemd with the protocol of sd_notify(3): datagrams to `$NOTIFY_SOCKET`.
package struct ServiceManager {
  private let address: String?
  /// systemd's watchdog timeout; nil when it has none for this service.
  private let limit: Duration?
  /// How often to call `feed`: half of the watchdog timeout, as sd_watchdog_enabled(3) recommends; nil without a
  /// watchdog.
  package let feedingPeriod: Duration?

  /// - Parameters:
  ///   - environment: has `NOTIFY_SOCKET`, without which nothing is sent, `WATCHDOG_USEC` and `WATCHDOG_PID`.
  ///   - process: the id of this process; a watchdog for another process is ignored.
  package init(environment: [String: String], process: Int32 = getpid()) {
    address = environment["NOTIFY_SOCKET"]
    let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == process } ?? true
    let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
    self.limit = address != nil && isForUs && limit > 0 ? .microseconds(limit) : nil
    feedingPeriod = self.limit.map { max(.microseconds(1), $0 / 2) }
  }

  /// Reports that the daemon is ready.
  /// - Parameter status: one line that `systemctl status` shows.
  package func ready(_ status: String) { notify("READY=1\nSTATUS=\(status)") }

  /// Reports that the configuration is being read again, until `ready`.
  /// - Parameter now: when that began.
  package func reloading(at now: Instant) {
    // With Type=notify-reload systemd compares this time with that of its request.
    notify("RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)\nSTATUS=reading the configuration again")
  }

  /// Reports that the daemon is ending.
  package func stopping() { notify("STOPPING=1\nSTATUS=stopping: every output goes to its safe state") }

  /// Feeds systemd's watchdog.
  package func feed() { notify("WATCHDOG=1") }

  /// Extends systemd's watchdog timeout four times while the board is short of CPU, since a daemon is late then without
  /// being stuck.
  /// - Parameter isStarved: false restores the timeout of the unit.
  package func giveTime(_ isStarved: Bool) {
    guard let limit else { return }
    let microseconds = limit.nanoseconds / 1000
    notify("WATCHDOG_USEC=\(isStarved ? microseconds.multipliedReportingOverflow(by: 4).partialValue : microseconds)")
  }

  /// Sends assignments. Never blocks: when the queue is full the message is lost.
  private func notify(_ state: String) {
    guard let path = address, let number = Self.socketNumber() else { return }
    let socket = Descriptor(owning: number)
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let capacity = MemoryLayout.size(ofValue: name.sun_path)
    guard bytes.count < capacity else { return }
    unsafe withUnsafeMutableBytes(of: &name.sun_path) { target in
      unsafe target.copyBytes(from: bytes)
      // A leading @ names the abstract namespace (unix(7)).
      if bytes.first == UInt8(ascii: "@") { unsafe target[0] = 0 }
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let message = Array(state.utf8)
    // SAFETY: both buffers are valid during the call; sockaddr_un may be read as the sockaddr it begins with.
    unsafe withUnsafePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        unsafe message.withUnsafeBytes { message in
          _ = unsafe sendto(
            socket.number, message.baseAddress, message.count, Int32(MSG_NOSIGNAL), name, length)
        }
      }
    }
  }

  private static func socketNumber() -> Int32? {
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = socket(AF_UNIX, type, 0)
    return number >= 0 ? number : nil
  }
}
