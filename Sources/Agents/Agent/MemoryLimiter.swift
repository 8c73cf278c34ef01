import Model

/// A host that shares out the memory budgets of an agent's parents. A driver that can refuse memory asks it before the
/// agent's memory grows.
package protocol MemoryLimiter: AnyObject {
  /// Records the memory that an instance holds, and returns its limit.
  /// - Parameter held: current memory of the instance, in bytes.
  /// - Returns: the limit that a parent's budget sets; nil where no parent has a memory budget.
  func memory(holding held: Int64) -> MemoryRoom?
}

/// The memory limit of an instance within its parent's budget.
package struct MemoryRoom: Sendable, Hashable {
  /// The limit in bytes, including the memory that the instance already holds.
  package var bytes: Int64
  /// The parent whose budget sets the limit.
  package var parent: AgentID

  /// - Parameter bytes: includes the memory that the instance already holds.
  package init(bytes: Int64, parent: AgentID) {
    self.bytes = bytes
    self.parent = parent
  }
}
