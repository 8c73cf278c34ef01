/// The system's time zone database (tzfile(5)), from Debian's package tzdata.
package enum ZoneFiles {
  /// The folder with one file for each zone.
  package static let folder = "/usr/share/zoneinfo"

  /// The file of a zone such as `Europe/Berlin`; nil when there is none, or it is longer than 64 KiB.
  /// - Parameter zone: a valid name: the caller refuses `..` and a leading `/`.
  package static func read(_ zone: String) -> [UInt8]? {
    try? Files.read("\(folder)/\(zone)", limit: 65_536)
  }
}
