import Model
import RPC

/// Closes idle connections.
extension Connection {
  var idleTime: Duration { crowding == nil ? limits.idleTime : limits.reserveTime }

  /// Whether the connection has a pending request, a subscription, a lease that ends with it, or a command that waits for
  /// a person.
  private var isUsed: Bool {
    underWay > 0 || !subscriptions.isEmpty || server.holdsLease(self)
      || server.services.hardware.approvals.isWaiting(session: number)
  }

  func timeIdle(until due: Instant) {
    idleTimer = time.schedule(at: due) { [weak self] in self?.lookIdle() }
  }

  private func lookIdle() {
    idleTimer = nil
    let due = isUsed ? time.now + idleTime : lastUse + idleTime
    if due > time.now { return timeIdle(until: due) }
    // The reason was sent one period ago, and the client has not read it.
    if isClosing { return close() }
    turnAway(
      crowding
        ?? RPCError(
          .rateLimited, "the connection was idle for \(limits.idleTime.text)",
          hint: "connect again; requests such as 'agent.ping', and subscriptions, keep a connection open"))
    timeIdle(until: time.now + idleTime)
    flush()
  }
}
