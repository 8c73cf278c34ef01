import Model

/// A stream of notifications to one caller. Those that do not fit into its queue are dropped and counted.
package final class Subscription {
  /// Names it within its session; in every notification.
  package let number: Int64
  private let dialect: Dialect
  /// Notifications dropped since the caller was last told.
  package var missed: UInt64 = 0
  /// Ends it at its source.
  package var end: () -> Void = {}

  /// A subscription with nothing behind it yet.
  package init(_ number: Int64, _ dialect: Dialect) {
    self.number = number
    self.dialect = dialect
  }

  /// The line of a notification of this subscription.
  package func line(_ method: String, _ params: Fields) -> [UInt8] {
    let own: Fields = ["subscription": .int(number)]
    let all = Fields(own.map { ($0.key, $0.value) } + params.map { ($0.key, $0.value) })
    return Request(id: nil, method: method, params: all, dialect: dialect).encoded()
  }
}
