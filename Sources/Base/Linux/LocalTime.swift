import Glibc

/// The system's time zone, for times that people read.
public enum LocalTime {
  /// The file that says which zone it is, usually a symbolic link (localtime(5)).
  public static let zoneFile = "/etc/localtime"

  /// Reads that file again where it is another one now (tzset(3)); localtime_r(3) reads it once.
  public static func reload() { tzset() }

  /// How far local time is ahead of UTC at a moment, as localtime_r(3) knows from TZ or /etc/localtime.
  /// - Parameter milliseconds: since 1970.
  /// - Returns: seconds; 0 when the moment is beyond what the system can tell.
  public static func utcOffset(at milliseconds: UInt64) -> Int {
    var moment = time_t(clamping: milliseconds / 1000)
    // SAFETY: both structures are ours; the C library fills in the second, and points it to the zone's static name,
    // which is not looked at.
    var local = unsafe tm()
    guard unsafe localtime_r(&moment, &local) != nil else { return 0 }
    return unsafe local.tm_gmtoff
  }
}
