/// What the daemon uses of one thing as a whole, its agents and helpers included, as the kernel counts it.
public struct BoardMeasurement: Sendable, Hashable {
  /// Who has counted it.
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
  /// How much, in `resource.unit`: of processor time in the budget's window, of memory at present.
  public var amount: Int64
  /// Who has counted it.
  public var meter: Meter
  /// How much the kernel lets it have; nil where it sets no limit.
  public var kernelLimit: Int64?
  /// How far the board's budget is held.
  public var enforcement: Enforcement
  /// What of it agents were charged.
  public var agents: Int64 = 0

  /// A measurement.
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
