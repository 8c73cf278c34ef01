import Model
import RPC

/// Idle connections give their place up.
extension Connection {
  var idleTime: Duration { crowding == nil ? limits.idleTime : limits.reserveTime }

  /// Whether it has something under way, follows something, or holds something that ends with it.
  private var isUsed: Bool { underWay > 0 || !subscriptions.isEmpty || server.holdsLease(self) }

  func timeIdle(until due: Instant) {
    idleTimer = time.schedule(at: due) { [weak self] in self?.lookIdle() }
  }

  private func lookIdle() {
    idleTimer = nil
    let due = isUsed ? time.now + idleTime : lastUse + idleTime
    if due > time.now { return timeIdle(until: due) }
    // It has been told why, and does not read it.
    if isClosing { return close() }
    turnAway(
      crowding
        ?? RPCError(
          .rateLimited, "the connection was idle for \(limits.idleTime.text)",
          hint: "connect again; 'agent.ping' and subscriptions keep a connection"))
    timeIdle(until: time.now + idleTime)
    flush()
  }
}
