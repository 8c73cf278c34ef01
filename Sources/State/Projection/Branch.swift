import Model

extension Fields {
  /// The text of a row's member; empty when it is missing or not text.
  func name(_ key: String) -> String { self[key]?.string ?? "" }

  /// The row as a branch of the tree: without `key`, which is the branch's own key, and without nulls.
  func branch(_ key: String) -> Fields {
    Fields(
      uniquePairs: filter { member in
        if case .null = member.value { false } else { member.key != key }
      })
  }

  /// A hash of everything but times, which change with every read. Comparable only within one process.
  var fingerprint: Int {
    var hasher = Hasher()
    Value.map(self).hashContent(into: &hasher)
    return hasher.finalize()
  }
}

extension Value {
  fileprivate static let times: Set<String> = [
    "monotonic_ns", "uptime_ms", "age_ms", "lease_ms", "time_ns", "report_age_ms",
  ]

  fileprivate func hashContent(into hasher: inout Hasher) {
    guard case .map(let fields) = self else { return hash(into: &hasher) }
    hasher.combine(fields.count)
    for (key, value) in fields where !Self.times.contains(key) {
      hasher.combine(key)
      value.hashContent(into: &hasher)
    }
  }
}
