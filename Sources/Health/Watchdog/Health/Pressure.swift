import Model

/// The share of the time that tasks waited for a resource: the kernel's pressure stall information
/// (Documentation/accounting/psi.rst).
package struct Pressure: Sendable, Hashable {
  /// The resources with pressure information.
  package enum Resource: String, Sendable, Hashable, CaseIterable {
    case cpu
    case memory
    case io
  }

  /// A line of the kernel's file.
  package struct Share: Sendable, Hashable {
    /// The share of the last 10 seconds, in percent.
    package var average: Double
    /// The stall time since the boot.
    package var total: Duration

    /// A share; `average` is from 0 to 100.
    package init(average: Double, total: Duration) {
      self.average = average
      self.total = total
    }
  }

  /// The time in which at least one task waited.
  package var some: Share
  /// The time in which all tasks waited; nil when the file has no such line.
  package var full: Share?

  /// Pressure; without `full` unless given.
  package init(some: Share, full: Share? = nil) {
    self.some = some
    self.full = full
  }

  /// Parses the lines `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and `full …`.
  /// - Returns: nil for another format, as on a kernel without CONFIG_PSI or with `psi=0`.
  package init?(_ text: String) {
    var found: [Substring: Share] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard let kind = words.first, let average = Self.field("avg10=", words).flatMap({ Double($0) }),
        let total = Self.field("total=", words).flatMap({ Int64($0) }), (0...100).contains(average), total >= 0
      else { return nil }
      found[kind] = Share(average: average, total: .microseconds(total))
    }
    guard let some = found["some"] else { return nil }
    self.init(some: some, full: found["full"])
  }

  private static func field(_ name: String, _ words: [Substring]) -> Substring? {
    words.first { $0.hasPrefix(name) }?.dropFirst(name.count)
  }
}
