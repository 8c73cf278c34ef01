import Model
import RPC

/// `subscriptions/listen`: a request whose answer comes when it ends, and whose notifications come before.
extension ServerMethods {
  static let listen = Method<Exchange>(
    "subscriptions/listen", .view, "Tells what changes.",
    Parameter.required("notifications", .object, "what to tell"), result: "nothing, at the end"
  ) { exchange, filter throws(RPCError) in
    exchange.server.board.catalogue { outcome in
      do throws(RPCError) {
        try exchange.server.watches.listen(exchange, filter, try outcome.get())
      } catch { exchange.answer(.failure(error)) }
    }
    return nil
  }
}
