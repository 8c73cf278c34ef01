import Linux
import Model

/// One caller on a transport: the destination of its answers and notifications.
///
/// Each transport implements it for its connections; methods see nothing else of the transport.
package protocol Session: AnyObject {
  /// Identifies the session within its server; never reused.
  var number: UInt64 { get }

  /// Counts a request as pending until it is answered.
  func begin()

  /// Ends a pending request, and sends the answer if the request has an id. Exactly one `answer` follows each `begin`.
  func answer(_ request: Request, _ outcome: Result<Value, RPCError>)

  /// The same for a result with a descriptor.
  func answer(_ request: Request, _ result: Value, with file: consuming Descriptor)

  /// Opens a subscription whose notifications are written in `dialect`.
  /// - Throws: -32005 when the session has too many.
  func subscribe(_ dialect: Dialect) throws(RPCError) -> Subscription

  /// Ends a subscription.
  /// - Returns: false when no subscription has this number.
  func unsubscribe(_ number: Int64) -> Bool

  /// Sends a notification, or counts it as missed if the caller's queue is full; `params` is then not evaluated.
  func notify(_ subscription: Subscription, _ method: String, _ params: @autoclosure () -> Fields)

  /// Sends the last notification of a subscription, however much the caller has not read yet, and ends the subscription.
  func end(_ subscription: Subscription, _ method: String, _ params: Fields)

  /// Sends a notification with a descriptor, without a bound: check `hasCaughtUp` first.
  func notify(_ subscription: Subscription, _ method: String, _ params: Fields, with file: consuming Descriptor)

  /// Whether the caller's queue is empty and fewer than `count` descriptors are unread. A stream of pictures drops
  /// frames instead of queueing them.
  func hasCaughtUp(butFor count: Int) -> Bool

  /// Checks that the caller reads the descriptors that it is sent.
  /// - Throws: -32005 while too many are unread.
  func requireFilesTaken() throws(RPCError)
}
