import Model

extension Hardware {
  /// Ends a lease before its time: the actuator goes to its safe state. It is told so, too, when nobody holds it.
  /// - Parameters:
  ///   - holder: who gives it up.
  ///   - reason: as it stands in the `device:changed` event, e.g. `released`, `holder-ended`.
  ///   - cause: nil takes the command that the lease came from.
  /// - Returns: whether there was a lease.
  /// - Throws: `notFound`, or `busy` when somebody else holds it.
  @discardableResult
  public func release(
    _ id: DeviceID, holder: String, reason: String, cause: Cause? = nil
  ) throws(HALError) -> Bool {
    guard case .actuator(let channel) = channels[id] else { throw notFound(id, "actuator") }
    guard let lease = channel.lease else {
      channel.goSafe(reason, holder: holder, cause, clock.now)
      return false
    }
    guard lease.holder == holder else { throw .busy(id, holder: lease.holder, until: lease.deadline) }
    channel.release(holder: holder, reason: reason, cause: cause)
    return true
  }
}
