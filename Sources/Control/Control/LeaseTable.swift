import Model

/// The leases that end with a session.
///
/// The hardware layer knows only holders, not their sessions. Leases that outlive their session are not listed.
final class LeaseTable {
  private struct Owner {
    let session: UInt64
    let holder: String
  }

  private var owners: [DeviceID: Owner] = [:]

  /// Records a lease that was taken or renewed, or that the device has none any more that ends with a session.
  /// - Parameters:
  ///   - session: the session that the lease ends with; nil for none.
  ///   - holder: who has the lease.
  func note(_ device: DeviceID, endsWith session: UInt64?, holder: String) {
    owners[device] = session.map { Owner(session: $0, holder: holder) }
  }

  /// Records that a holder has given up its lease. A lease of another holder stays.
  func forget(_ device: DeviceID, of holder: String) {
    if owners[device]?.holder.isSame(as: holder) == true { owners[device] = nil }
  }

  /// The devices whose leases end with `session`, sorted. Some of the leases may have expired.
  func devices(of session: UInt64) -> [DeviceID] { owners.filter { $0.value.session == session }.map(\.key).sorted() }

  /// Removes and returns the devices whose leases end with `session`, sorted.
  func take(of session: UInt64) -> [DeviceID] {
    let devices = devices(of: session)
    for device in devices { owners[device] = nil }
    return devices
  }
}
