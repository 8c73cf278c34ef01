import Model
import RPC

/// The rate limits of one user, over all of the user's connections. Kept until the buckets are full again, so that a
/// user cannot evade them by connecting again.
final class UserShare {
  let uid: UInt32
  /// Requests other than emergency stops.
  var requests: TokenBucket
  /// Answers that refuse a request because of the rate limit.
  var refusals: TokenBucket
  /// Emergency stops.
  var stops: TokenBucket

  /// Texts of rules to check.
  var checks: TokenBucket

  /// Creates full buckets.
  init(_ uid: UInt32, _ limits: Limits, at now: Instant) {
    self.uid = uid
    requests = TokenBucket(limits.requests, at: now)
    refusals = TokenBucket(limits.requests, at: now)
    stops = TokenBucket(limits.requests, at: now)
    checks = TokenBucket(limits.checks, at: now)
  }

  /// Whether all buckets are full, as in a new share.
  func isRested(at now: Instant) -> Bool {
    requests.isFull(at: now) && refusals.isFull(at: now) && stops.isFull(at: now) && checks.isFull(at: now)
  }
}
