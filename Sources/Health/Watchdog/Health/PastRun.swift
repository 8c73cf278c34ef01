import Model

/// What an earlier run of the daemon left in its crash record.
public struct PastRun: Sendable, Hashable {
  /// How far a run has come.
  public enum Stage: UInt32, Sendable {
    /// Reads its configuration, opens the registry and the hardware.
    case starting = 1
    case serving = 2
    case stopping = 3
    /// Has ended in good order.
    case ended = 4
  }

  /// What an agent's code was called for.
  public enum Phase: UInt32, Sendable {
    /// The instance was being made.
    case start = 1
    case activation = 2
    case snapshot = 3
    /// The instance was being let go.
    case end = 4
  }

  /// An agent's code that ran on the loop.
  public struct Activity: Sendable, Hashable {
    /// What its code was called for.
    public var phase: Phase
    /// Whose code.
    public var agent: AgentID
    /// The event it was handed; nil outside of an activation.
    public var event: ULID?
    /// The event's type; empty outside of an activation.
    public var type: String
    /// When it was called.
    public var began: Instant

    /// Puts it together.
    public init(phase: Phase, agent: AgentID, event: ULID?, type: String, began: Instant) {
      self.phase = phase
      self.agent = agent
      self.event = event
      self.type = type
      self.began = began
    }
  }

  /// What the signal handler saw.
  public struct Fault: Sendable, Hashable {
    /// signal(7).
    public var signal: Int32
    /// `si_code` of sigaction(2): positive from the kernel, else from a process.
    public var code: Int32
    /// The process that sent it; 0 where the kernel did.
    public var sender: Int32
    /// Whether the loop's thread got it.
    public var onLoop: Bool
    /// The address that could not be used.
    public var address: UInt64
    /// The file whose code ran, e.g. `/usr/bin/openstarryd`; empty when unknown.
    public var object: String
    /// The instruction, counted from where the object begins, as addr2line(1) takes it.
    public var offset: UInt64
    /// The function, where the object has names.
    public var symbol: String?
    /// When the signal came.
    public var time: Instant
    /// CPU time of the thread until then.
    public var cpu: Duration
    /// How long the thread has waited for a CPU until then; nil where the kernel does not say.
    public var delay: Duration?

    /// Puts it together.
    public init(
      signal: Int32, code: Int32, sender: Int32 = 0, onLoop: Bool = true, address: UInt64 = 0, object: String = "",
      offset: UInt64 = 0, symbol: String? = nil, time: Instant, cpu: Duration = .zero, delay: Duration? = nil
    ) {
      self.signal = signal
      self.code = code
      self.sender = sender
      self.onLoop = onLoop
      self.address = address
      self.object = object
      self.offset = offset
      self.symbol = symbol
      self.time = time
      self.cpu = cpu
      self.delay = delay
    }
  }

  /// The loop's last sign of life.
  public struct Beat: Sendable, Hashable {
    /// When it beat.
    public var time: Instant
    /// CPU time of the loop's thread until then.
    public var cpu: Duration
    /// How long the loop's thread has waited for a CPU until then.
    public var delay: Duration

    /// Puts it together.
    public init(time: Instant, cpu: Duration, delay: Duration) {
      self.time = time
      self.cpu = cpu
      self.delay = delay
    }
  }

  /// The kernel's id of the boot it ran in (/proc/sys/kernel/random/boot_id).
  public var boot: String
  /// Its process id then.
  public var pid: Int32
  /// When it began.
  public var started: Instant
  /// How far it had come.
  public var stage: Stage
  /// Which agent's code ran on the loop; nil when none did.
  public var activity: Activity?
  /// The signal that ended it; nil when none was noted.
  public var fault: Fault?
  /// nil when it never beat.
  public var beat: Beat?

  /// Puts a run together.
  public init(
    boot: String, pid: Int32, started: Instant, stage: Stage, activity: Activity? = nil, fault: Fault? = nil,
    beat: Beat? = nil
  ) {
    self.boot = boot
    self.pid = pid
    self.started = started
    self.stage = stage
    self.activity = activity
    self.fault = fault
    self.beat = beat
  }
}
