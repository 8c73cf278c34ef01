import Linux
import Model
import RPC

/// The client's subscriptions, and the limit of unread files.
extension Connection {
  func subscribe(_ dialect: Dialect) throws(RPCError) -> Subscription {
    guard subscriptions.count < limits.subscriptions else {
      throw RPCError(
        .rateLimited, "a connection may have at most \(limits.subscriptions) subscriptions",
        hint: "end some with events.unsubscribe, or subscribe to a pattern")
    }
    lastSubscription += 1
    let subscription = Subscription(lastSubscription, dialect)
    subscriptions[subscription.number] = subscription
    return subscription
  }

  func unsubscribe(_ number: Int64) -> Bool {
    guard let subscription = subscriptions.removeValue(forKey: number) else { return false }
    subscription.end()
    return true
  }

  func notify(_ subscription: Subscription, _ method: String, _ params: @autoclosure () -> Fields) {
    guard socket.isOpen, !isGone, subscriptions[subscription.number] != nil else { return }
    // After a gap, drop everything until the gap has been reported.
    guard subscription.missed == 0, socket.waiting < limits.waiting else { return miss(subscription) }
    let line = subscription.line(method, params())
    guard line.count <= limits.line, socket.waiting + line.count <= limits.waiting || socket.waiting == 0 else {
      return miss(subscription)
    }
    send(line)
  }

  func end(_ subscription: Subscription, _ method: String, _ params: Fields) {
    guard subscriptions[subscription.number] != nil else { return }
    tellMissed(subscription)
    send(subscription.line(method, params))
    _ = unsubscribe(subscription.number)
  }

  func notify(
    _ subscription: Subscription, _ method: String, _ params: Fields, with file: consuming Descriptor
  ) {
    guard socket.isOpen, !isGone else { return }
    socket.add(subscription.line(method, params), with: file)
    socket.planFlush()
  }

  /// Whether fewer than `count` sent files are unread.
  private func hasTakenFiles(butFor count: Int) -> Bool {
    socket.isOpen && socket.filesUnderWay < count
  }

  func hasCaughtUp(butFor count: Int) -> Bool { waiting == 0 && hasTakenFiles(butFor: count) }

  func requireFilesTaken() throws(RPCError) {
    guard hasTakenFiles(butFor: limits.files) else {
      throw RPCError(
        .rateLimited, "\(limits.files) pictures are sent and not read yet", hint: "read the pending answers first")
    }
  }

  func miss(_ subscription: Subscription) {
    subscription.missed += 1
    server.status.missed += 1
    if socket.waiting <= limits.waiting / 2 { socket.planFlush() }
  }

  /// Reports gaps once half of the queue is free again.
  func tellMissed() {
    guard socket.waiting <= limits.waiting / 2, !isGone else { return }
    for subscription in subscriptions.values.sorted(by: { $0.number < $1.number }) { tellMissed(subscription) }
  }

  private func tellMissed(_ subscription: Subscription) {
    guard subscription.missed > 0, socket.isOpen, !isGone else { return }
    socket.add(subscription.line("events.missed", ["missed": .int(Int64(clamping: subscription.missed))]))
    subscription.missed = 0
  }

  func endSubscriptions() {
    let all = subscriptions.values
    subscriptions = [:]
    for subscription in all { subscription.end() }
  }
}
