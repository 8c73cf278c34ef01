/// What daemon and guardian say to each other, a message a packet (unix(7), SOCK_SEQPACKET).
///
/// The layout is fixed, so that a daemon understands the guardian that another version has left behind: a header of
/// mark `OG`, layout, kind and length, then the fields in the order in which they stand here, integers little-endian,
/// texts behind a byte with their length. Later layouts add fields at the end and new kinds; a reader leaves out what it
/// does not know.
public enum GuardianMessage: Equatable, Sendable {
  // The daemon to its guardian.

  /// The shared page, whose memory file comes along.
  case page
  /// Keep this record, with the descriptors that come along; it takes the place of the device's earlier one.
  case protect(GuardianRecord)
  /// Forget a device and close its descriptors.
  case withdraw(device: [UInt8])
  /// From now on you answer for the outputs. Before this, the daemon's death is not the guardian's business.
  case charge
  /// The daemon ends in order and has left the outputs as they are to be: end too.
  case end
  /// Something is held until this time, on the monotonic clock, in nanoseconds: look at all that is held when it is over,
  /// as `LeaseWatch` says. A guardian that does not know this leaves leases to the daemon for as long as it lives.
  case watch(deadline: UInt64)
  /// What makes a device safe when its lease has run out while the daemon does not answer, with the record's descriptors;
  /// follows a `protect` whose own steps let go of the output.
  case lapse(device: [UInt8], steps: [GuardianStep])
  /// The daemon ends in order, and what has not been withdrawn is the guardian's from now on, until it is as it is to be
  /// or a new daemon takes it over; with `staying`, until a new daemon takes it over. A guardian that does not know this
  /// takes the daemon's end for its death, and does the same, but for ending.
  case leave(staying: Bool)

  // A guardian to its daemon.

  /// It is up and listens. Before this nobody can say that the program which was started is a guardian at all.
  case ready
  /// A lease has run out and the daemon has done nothing about it: the device was made safe.
  case overruled(OverruledOutput)

  // A new daemon to the guardian of one that has died.

  /// What happened, and what do you have?
  case hello
  /// Make a device safe, let go of it, and say `discarded`.
  case discard(device: [UInt8])
  /// Everything is in other hands: end.
  case take

  // A guardian to a new daemon.

  /// The answer to `hello`; as many `kept` follow as it says.
  case report(GuardianReport)
  /// One output, with its descriptors.
  case kept(KeptOutput)
  /// A device is safe, or `errno` says why it is not; in either case its descriptors are closed.
  case discarded(device: [UInt8], errno: Int32)
  /// Nothing is handed over: the daemon with this process id lives.
  case refused(pid: Int32)

  /// No message is longer, in bytes.
  public static let longest = 1024
  /// No guardian keeps more records.
  public static let mostRecords = 1024
}

/// What a guardian says of its daemon's end.
public struct GuardianReport: Equatable, Sendable {
  /// The daemon's process.
  public var pid: Int32
  /// When its end was noticed, on the monotonic clock, in nanoseconds.
  public var died: UInt64
  /// When the last output had been dealt with.
  public var settled: UInt64
  /// How many outputs there are.
  public var outputs: UInt32
  /// Whether the daemon has ended in order, and left what refused.
  public var wasLeft: Bool

  /// Puts a report together.
  public init(pid: Int32, died: UInt64, settled: UInt64, outputs: UInt32, wasLeft: Bool = false) {
    self.pid = pid
    self.died = died
    self.settled = settled
    self.outputs = outputs
    self.wasLeft = wasLeft
  }
}

/// A lease that the guardian has ended, since the daemon did not.
public struct OverruledOutput: Equatable, Sendable {
  /// The output's id on the board.
  public var device: [UInt8]
  /// What the lease was.
  public var hold: OutputHold
  /// When it was made safe, on the monotonic clock, in nanoseconds.
  public var time: UInt64
  /// Why the hardware refused; 0 when it did not.
  public var errno: Int32

  /// Puts one together.
  public init(device: [UInt8], hold: OutputHold, time: UInt64, errno: Int32) {
    self.device = device
    self.hold = hold
    self.time = time
    self.errno = errno
  }
}

/// What became of one output.
public struct KeptOutput: Equatable, Sendable {
  /// As the dead daemon had given it.
  public var record: GuardianRecord
  /// What was done.
  public var outcome: Outcome
  /// Why it failed; 0 when it did not.
  public var errno: Int32
  /// Who held it at that moment; nil for nobody.
  public var hold: OutputHold?

  /// Puts an output together.
  public init(record: GuardianRecord, outcome: Outcome, errno: Int32, hold: OutputHold?) {
    self.record = record
    self.outcome = outcome
    self.errno = errno
    self.hold = hold
  }

  /// What a guardian can have done.
  public enum Outcome: UInt8, Sendable {
    /// Its steps were carried out.
    case done = 0
    /// It is held as it was, until its lease ends.
    case held = 1
    /// The hardware refused; it is tried again.
    case failed = 2
  }
}
