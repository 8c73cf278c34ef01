import Model
import Wire

/// Something a client follows. What does not fit into its queue is dropped and counted.
final class Subscription {
  let number: Int64
  let dialect: Dialect
  /// Dropped since the client was last told.
  var missed: UInt64 = 0
  /// Ends it at its source.
  var end: () -> Void = {}

  init(_ number: Int64, _ dialect: Dialect) {
    self.number = number
    self.dialect = dialect
  }

  /// The line of a notification of this subscription.
  func line(_ method: String, _ params: Fields) -> [UInt8] {
    let own: Fields = ["subscription": .int(number)]
    let all = Fields(own.map { ($0.key, $0.value) } + params.map { ($0.key, $0.value) })
    return Request(id: nil, method: method, params: all, dialect: dialect).encoded()
  }
}
