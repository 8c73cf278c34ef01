import Model

/// A stream of notifications to one caller. Notifications that do not fit into the caller's queue are dropped and
/// counted.
package final class Subscription {
  /// Identifies the subscription within its session; part of every notification.
  package let number: Int64
  private let dialect: Dialect
  /// The number of dropped notifications that have not been reported to the caller yet.
  package var missed: UInt64 = 0
  /// Stops the source of the notifications; set by the method that subscribes.
  package var end: () -> Void = {}

  /// Creates a subscription without a source.
  package init(_ number: Int64, _ dialect: Dialect) {
    self.number = number
    self.dialect = dialect
  }

  /// Encodes a notification as a line; adds the parameter `subscription`.
  package func line(_ method: String, _ params: Fields) -> [UInt8] {
    let own: Fields = ["subscription": .int(number)]
    let all = Fields(own.map { ($0.key, $0.value) } + params.map { ($0.key, $0.value) })
    return Request(id: nil, method: method, params: all, dialect: dialect).encoded()
  }
}
