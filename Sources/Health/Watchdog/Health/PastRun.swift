import Model

/// An earlier run of the daemon, from its crash record.
package struct PastRun: Sendable, Hashable {
  /// The stages of a run.
  package enum Stage: UInt32, Sendable {
    /// It reads its configuration and opens the registry and the hardware.
    case starting = 1
    case serving = 2
    case stopping = 3
    /// It has ended in good order.
    case ended = 4
  }

  /// The purpose of a call of an agent's code.
  package enum Phase: UInt32, Sendable {
    /// To start an instance.
    case start = 1
    case activation = 2
    case snapshot = 3
    /// To end an instance.
    case end = 4
  }

  /// A call of an agent's code on the loop.
  package struct Activity: Sendable, Hashable {
    /// The purpose of the call.
    package var phase: Phase
    /// The agent.
    package var agent: AgentID
    /// The id of the handled event; nil outside of an activation.
    package var event: ULID?
    /// The name of the handled event; empty outside of an activation.
    package var type: String
    /// When the call began.
    package var began: Instant

    /// A call that began at `began`.
    package init(phase: Phase, agent: AgentID, event: ULID?, type: String, began: Instant) {
      self.phase = phase
      self.agent = agent
      self.event = event
      self.type = type
      self.began = began
    }
  }

  /// A fatal signal, as the signal handler recorded it.
  package struct Fault: Sendable, Hashable {
    /// The signal's number (signal(7)).
    package var signal: Int32
    /// `si_code` of sigaction(2): positive from the kernel, otherwise from a process.
    package var code: Int32
    /// The id of the sending process; 0 for the kernel.
    package var sender: Int32
    /// Whether the loop's thread received it.
    package var onLoop: Bool
    /// The faulting address (`si_addr`).
    package var address: UInt64
    /// The file of the code that ran, e.g. `/usr/bin/openstarryd`; empty if unknown.
    package var object: String
    /// The instruction's offset from the object's start, as addr2line(1) takes it.
    package var offset: UInt64
    /// The function; nil if the object has no symbols.
    package var symbol: String?
    /// When the signal arrived.
    package var time: Instant
    /// The CPU time of the thread until then.
    package var cpu: Duration
    /// The time for which the thread had waited for a CPU until then; nil if the kernel does not count it.
    package var delay: Duration?

    /// A fault; by default on the loop's thread and from the kernel.
    package init(
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

  /// The last beat of the loop.
  package struct Beat: Sendable, Hashable {
    /// The time of the beat.
    package var time: Instant
    /// The CPU time of the loop's thread until then.
    package var cpu: Duration
    /// The time for which the loop's thread had waited for a CPU until then.
    package var delay: Duration

    /// A beat at `time`.
    package init(time: Instant, cpu: Duration, delay: Duration) {
      self.time = time
      self.cpu = cpu
      self.delay = delay
    }
  }

  /// The kernel's id of its boot (/proc/sys/kernel/random/boot_id).
  package var boot: String
  /// Its process id.
  package var pid: Int32
  /// When it began.
  package var started: Instant
  /// The last stage it reached.
  package var stage: Stage
  /// The agent's code that ran on the loop; nil for none.
  package var activity: Activity?
  /// The signal that ended it; nil when none was recorded.
  package var fault: Fault?
  /// The last beat of its loop; nil before the first.
  package var beat: Beat?

  /// A run; by default without activity, fault and beat.
  package init(
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
