import Model

extension Hardware {
  /// Ends a lease early and makes the actuator safe. Without a lease the safe state is written all the same.
  /// - Parameters:
  ///   - holder: the lease's holder.
  ///   - reason: for the `device:changed` event, e.g. `released`, `holder-ended`.
  ///   - cause: nil takes the command that began the lease.
  /// - Returns: whether there was a lease.
  /// - Throws: `notFound`, or `busy` when another holder has the lease.
  @discardableResult
  package func release(
    _ id: DeviceID, holder: String, reason: String, cause: Cause? = nil
  ) throws(HALError) -> Bool {
    guard case .actuator(let channel) = channels[id] else { throw notFound(id, "actuator") }
    onRelease(id, holder)
    guard let lease = channel.lease else {
      channel.goSafe(reason, holder: holder, cause, clock.now)
      return false
    }
    guard lease.holder == holder else { throw .busy(id, holder: lease.holder, until: lease.deadline) }
    channel.release(holder: holder, reason: reason, cause: cause)
    return true
  }
}
