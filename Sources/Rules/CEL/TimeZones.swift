/// Time zones by name, such as `Europe/Berlin`; each file is read once.
package final class TimeZones {
  private let read: (String) -> [UInt8]?
  private var known: [String: TimeZoneFile] = [:]

  /// The greatest number of zones in memory; about 4 KiB each.
  private static let mostKnown = 32

  /// - Parameter read: the file of a zone in the system's database; nil when there is none. It is asked for valid names
  ///   only.
  package init(read: @escaping (String) -> [UInt8]?) { self.read = read }

  /// How far a zone is ahead of UTC at `time`.
  /// - Returns: nil when the zone is unknown.
  package func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? {
    guard Self.isValid(zone) else { return nil }
    if let file = known[zone] { return .seconds(file.utcOffset(at: time)) }
    guard let bytes = read(zone), let file = TimeZoneFile(bytes) else { return nil }
    if known.count >= Self.mostKnown { known.removeAll() }
    known[zone] = file
    return .seconds(file.utcOffset(at: time))
  }

  /// Whether a text may be the name of a zone. A name leads to no file outside the folder of the database: its parts
  /// begin with a letter and consist of letters, digits, `_`, `+` and `-`.
  package static func isValid(_ zone: String) -> Bool {
    guard zone.utf8.count <= 64 else { return false }
    return zone.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
      guard let first = part.first, isNameStart(first), first != UInt8(ascii: "_") else { return false }
      return part.allSatisfy { isNameStart($0) || isDigit($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
    }
  }
}
