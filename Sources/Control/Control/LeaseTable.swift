import Model

/// The leases that end with a session.
///
/// The hardware layer knows only users as holders, not their sessions. Leases that outlive their session are not
/// listed.
final class LeaseTable {
  private var owners: [DeviceID: UInt64] = [:]

  /// Records a taken, renewed or released lease.
  /// - Parameter session: the session that the lease ends with; nil for none.
  func note(_ device: DeviceID, endsWith session: UInt64?) { owners[device] = session }

  /// The devices whose leases end with `session`, sorted. Some of the leases may have expired.
  func devices(of session: UInt64) -> [DeviceID] { owners.filter { $0.value == session }.map(\.key).sorted() }

  /// Removes and returns the devices whose leases end with `session`, sorted.
  func take(of session: UInt64) -> [DeviceID] {
    let devices = devices(of: session)
    for device in devices { owners[device] = nil }
    return devices
  }
}
