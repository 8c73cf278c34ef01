/// The use of one resource by the whole daemon, agents and helper processes included, as the kernel counts it.
package struct BoardMeasurement: Sendable, Hashable {
  /// The kernel's source of the figure.
  package enum Meter: String, Sendable, Hashable {
    /// The daemon's own control group: all of its processes.
    case group = "cgroup"
    /// The proportional set sizes of daemon and guardian (proc_pid_smaps(5)).
    case pss = "PSS"
    /// The daemon, and its children that have ended (getrusage(2)).
    case process = "getrusage"
  }

  /// `cpu` or `memory`.
  package var resource: Resource
  /// The amount in `resource.unit`: CPU time within the budget's window, or current memory.
  package var amount: Int64
  /// The source of `amount`.
  package var meter: Meter
  /// The kernel's own limit, in `resource.unit`; nil where it sets none.
  package var kernelLimit: Int64?
  /// How strictly the board's budget is enforced.
  package var enforcement: Enforcement
  /// The part of `amount` that was charged to agents, in `resource.unit`.
  package var agents: Int64 = 0

  /// - Parameters:
  ///   - amount: in `resource.unit`.
  ///   - meter: the source of `amount`.
  ///   - kernelLimit: in `resource.unit`; nil where the kernel sets none.
  ///   - enforcement: how strictly the board's budget is enforced.
  package init(
    _ resource: Resource, _ amount: Int64, by meter: Meter, kernelLimit: Int64? = nil,
    enforcement: Enforcement = .enforced
  ) {
    self.resource = resource
    self.amount = amount
    self.meter = meter
    self.kernelLimit = kernelLimit
    self.enforcement = enforcement
  }
}
