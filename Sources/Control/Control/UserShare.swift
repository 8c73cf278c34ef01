import Model
import RPC

/// What one user has of the control plane, over all connections of that user. It is kept for a second after the last
/// one, so that a new connection does not begin with a full bucket.
final class UserShare {
  let uid: UInt32
  /// Requests of any kind but an emergency stop.
  var requests: TokenBucket
  /// Refusals for too many of them.
  var refusals: TokenBucket
  /// Emergency stops, which no other request delays.
  var stops: TokenBucket

  /// A user who has asked for nothing yet.
  init(_ uid: UInt32, _ limits: Limits, at now: Instant) {
    self.uid = uid
    requests = TokenBucket(limits.requests, at: now)
    refusals = TokenBucket(limits.requests, at: now)
    stops = TokenBucket(limits.requests, at: now)
  }

  /// Whether it is as a new one would be.
  func isRested(at now: Instant) -> Bool {
    requests.isFull(at: now) && refusals.isFull(at: now) && stops.isFull(at: now)
  }
}
