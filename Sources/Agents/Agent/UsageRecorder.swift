/// A host that charges an agent for CPU time that its driver measures beside activations. `MemoryLimiter` is the same for
/// memory.
package protocol UsageRecorder: AnyObject {
  /// Charges CPU time, in nanoseconds.
  func used(cpu nanoseconds: UInt64)
}
