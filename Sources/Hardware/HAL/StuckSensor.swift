import Model

/// Notices that the driver of a sensor has measured exactly the same value for too long.
final class StuckSensor {
  private let limit: Duration
  private var value: Double?
  private var since = Instant(nanoseconds: 0)
  private var last = Instant(nanoseconds: 0)
  /// How long it had been the same when it was found stuck; nil while it is not stuck.
  private(set) var span: Duration?

  /// - Parameter limit: how long a value may stay the same.
  init(_ limit: Duration) { self.limit = limit }

  /// Takes a value as the driver measured it.
  /// - Returns: whether it is stuck from now on (true), or not any more (false); nil without a change.
  func take(_ value: Double, at now: Instant) -> Bool? {
    defer { last = now }
    guard self.value == value else {
      self.value = value
      since = now
      return span.take().map { _ in false }
    }
    guard span == nil else { return nil }
    // Two equal readings before and after a long silence prove nothing.
    if now - last >= limit { since = now }
    guard now - since >= limit else { return nil }
    span = now - since
    return true
  }
}
