import Linux
import Model

/// One caller on a transport: where its answers and notifications go.
///
/// Each transport implements it for its connections. Methods know nothing else of the transport.
package protocol Session: AnyObject {
  /// Names the session among those of one server; never used twice.
  var number: UInt64 { get }

  /// Counts a request as under way until it is answered.
  func begin()

  /// Sends the answer to a request that has an id; called exactly once for each `begin`.
  func answer(_ request: Request, _ outcome: Result<Value, RPCError>)

  /// Sends a result with a descriptor beside it; in the place of the other `answer`.
  func answer(_ request: Request, _ result: Value, with file: consuming Descriptor)

  /// Opens a subscription whose notifications have the form `dialect`.
  /// - Throws: -32005 when there are too many.
  func subscribe(_ dialect: Dialect) throws(RPCError) -> Subscription

  /// Ends a subscription.
  /// - Returns: false when there is none of that number.
  func unsubscribe(_ number: Int64) -> Bool

  /// Sends a notification, or counts it as missed when the caller does not keep up.
  func notify(_ subscription: Subscription, _ method: String, _ params: @autoclosure () -> Fields)

  /// Sends a notification with a descriptor beside it; ask `hasCaughtUp` first.
  func notify(_ subscription: Subscription, _ method: String, _ params: Fields, with file: consuming Descriptor)

  /// Whether nothing waits for the caller, and fewer than `count` descriptors are unread: a stream of pictures drops
  /// frames rather than queue them.
  func hasCaughtUp(butFor count: Int) -> Bool

  /// Requires that the caller takes the descriptors it is sent.
  /// - Throws: -32005 while too many are unread.
  func requireFilesTaken() throws(RPCError)
}
