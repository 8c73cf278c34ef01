import Glibc

/// The system's time zone.
package enum LocalTime {
  /// The file with the time zone, usually a symbolic link (localtime(5)).
  package static let zoneFile = "/etc/localtime"

  /// Reads the time zone again if it has changed (tzset(3)); localtime_r(3) itself reads it only once.
  package static func reload() { tzset() }

  /// The offset of local time from UTC at a moment, by TZ or /etc/localtime (localtime_r(3)).
  /// - Parameter milliseconds: the moment, in milliseconds since 1970.
  /// - Returns: seconds, positive east of UTC; 0 when the moment is out of the system's range.
  package static func utcOffset(at milliseconds: UInt64) -> Int {
    var moment = time_t(clamping: milliseconds / 1000)
    // SAFETY: both structures are local; the pointer to the zone's name, which the C library may change, is not used.
    var local = unsafe tm()
    guard unsafe localtime_r(&moment, &local) != nil else { return 0 }
    return unsafe local.tm_gmtoff
  }
}
