import Model

/// A call between its reservation and its end.
final class OpenCall {
  let id: TokenCallID
  let call: TokenCall
  /// The meters of all of its accounts, each once.
  var meters: [Meter] = []
  /// When it was sent; 0 before.
  var time: UInt64 = 0
  /// The row of the statistics; nil before it was sent.
  var row: UseTable.Row?
  private var done: ((Result<TokenCallID, TokenRefusal>) -> Void)?

  init(_ id: TokenCallID, _ call: TokenCall, _ done: ((Result<TokenCallID, TokenRefusal>) -> Void)?) {
    self.id = id
    self.call = call
    self.done = done
  }

  func amount(_ meter: Meter) -> Int64 { call.amount(meter.key.unit) }

  func answer(_ refusal: TokenRefusal?) {
    let done = self.done.take()
    done?(refusal.map { .failure($0) } ?? .success(id))
  }
}
