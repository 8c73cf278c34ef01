import Linux
import Model

/// The names of time zones in expressions, as in `now.getHours('Europe/Berlin')`.
enum TimeZoneNames {
  /// The error for a zone that this machine does not know; nil for one that it knows, and where there is no database
  /// (Debian's package tzdata).
  static func complaint(about zone: String) -> String? {
    if zone == "UTC" || zone == "local" || isOffset(zone) { return nil }
    guard Files.isFolder("\(ZoneFiles.folder)/Europe") else { return nil }
    let isSafe = !zone.hasPrefix("/") && !zone.hasPrefix(".") && !zone.holds("..")
    if isSafe, ZoneFiles.read(zone) != nil { return nil }
    return "there is no time zone \(Wording.quoted(zone))"
      + (isSafe ? Suggestion.phrase(for: zone, in: neighbours(of: zone)) : "")
      + ", expected one such as 'Europe/Berlin', 'local', 'UTC' or '+02:00'"
  }

  /// `+02:00`, `-05:30` or `02:00`.
  private static func isOffset(_ zone: String) -> Bool {
    zone.utf8.contains(UInt8(ascii: ":"))
  }

  /// The zones in the same folder of the database.
  private static func neighbours(of zone: String) -> [String] {
    let parts = zone.split(separator: "/").dropLast().joined(separator: "/")
    let names = (try? Files.names(in: Files.join(ZoneFiles.folder, parts))) ?? []
    return names.map { parts.isEmpty ? $0 : "\(parts)/\($0)" }
  }
}
