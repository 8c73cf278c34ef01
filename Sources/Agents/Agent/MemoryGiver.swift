import Model

/// A host that knows how much memory the budgets of an agent's parents leave for it. A driver that can refuse memory asks
/// it before the agent may take more.
public protocol MemoryGiver: AnyObject {
  /// Counts what an instance holds from now on, and says how much that may become.
  /// - Parameter held: in bytes.
  /// - Returns: nil where no parent has a budget of memory.
  func memory(holding held: Int64) -> MemoryRoom?
}

/// How much memory an instance may have beside what others of the same parent have.
public struct MemoryRoom: Sendable, Hashable {
  /// In bytes, what it holds included.
  public var bytes: Int64
  /// Whose budget leaves so much.
  public var parent: AgentID

  /// Room within a parent's budget.
  public init(bytes: Int64, parent: AgentID) {
    self.bytes = bytes
    self.parent = parent
  }
}
