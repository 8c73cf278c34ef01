import Model

/// How much of the time tasks waited for a resource: a file of the kernel's pressure stall information
/// (Documentation/accounting/psi.rst).
public struct Pressure: Sendable, Hashable {
  /// What was waited for.
  public enum Resource: String, Sendable, Hashable, CaseIterable {
    case cpu
    case memory
    case io
  }

  /// One line.
  public struct Share: Sendable, Hashable {
    /// The share of the last 10 seconds, in percent.
    public var average: Double
    /// Since the boot.
    public var total: Duration

    /// Puts a share together.
    public init(average: Double, total: Duration) {
      self.average = average
      self.total = total
    }
  }

  /// At least one task waited.
  public var some: Share
  /// Nothing but waiting happened; nil where the file does not say.
  public var full: Share?

  /// Puts it together.
  public init(some: Share, full: Share? = nil) {
    self.some = some
    self.full = full
  }

  /// Reads `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same of `full`.
  /// - Returns: nil when it is nothing of that kind: a kernel without CONFIG_PSI, or started with `psi=0`.
  public init?(_ text: String) {
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
