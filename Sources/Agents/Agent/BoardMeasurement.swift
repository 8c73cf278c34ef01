/// The use of one resource by the whole daemon, agents and helper processes included, as the kernel counts it.
public struct BoardMeasurement: Sendable, Hashable {
  /// The kernel's source of the figure.
  public enum Meter: String, Sendable, Hashable {
    /// The daemon's own control group: all of its processes.
    case group = "cgroup"
    /// The proportional set sizes of daemon and guardian (proc_pid_smaps(5)).
    case pss = "PSS"
    /// The daemon, and its children that have ended (getrusage(2)).
    case process = "getrusage"
  }

  /// `cpu` or `memory`.
  public var resource: Resource
  /// The amount in `resource.unit`: CPU time within the budget's window, or current memory.
  public var amount: Int64
  /// The source of `amount`.
  public var meter: Meter
  /// The kernel's own limit, in `resource.unit`; nil where it sets none.
  public var kernelLimit: Int64?
  /// How strictly the board's budget is enforced.
  public var enforcement: Enforcement
  /// The part of `amount` that was charged to agents, in `resource.unit`.
  public var agents: Int64 = 0

  /// - Parameters:
  ///   - amount: in `resource.unit`.
  ///   - meter: the source of `amount`.
  ///   - kernelLimit: in `resource.unit`; nil where the kernel sets none.
  ///   - enforcement: how strictly the board's budget is enforced.
  public init(
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
