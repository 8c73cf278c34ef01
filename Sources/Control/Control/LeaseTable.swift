import Model

/// Which session each lease ends with.
///
/// To the hardware all sessions of a user are one holder. A lease that outlives its session is not in here.
final class LeaseTable {
  private var owners: [DeviceID: UInt64] = [:]

  /// The lease on `device` was taken or renewed: it ends with `session`, or with none.
  func note(_ device: DeviceID, endsWith session: UInt64?) { owners[device] = session }

  /// The devices whose leases end with `session`, sorted; some leases may have ended by themselves.
  func devices(of session: UInt64) -> [DeviceID] { owners.filter { $0.value == session }.map(\.key).sorted() }

  /// Takes out the devices whose leases end with `session`, sorted.
  func take(of session: UInt64) -> [DeviceID] {
    let devices = devices(of: session)
    for device in devices { owners[device] = nil }
    return devices
  }
}
