/// The protocol between daemon and guardian, one message per packet (unix(7), SOCK_SEQPACKET).
///
/// The layout is fixed, so that a daemon understands a guardian of another release. A header has the mark `OG`, layout,
/// kind and length; the fields follow in the order of their declaration, integers little-endian, texts after a byte
/// with their length. Later layouts only append fields and add kinds; readers ignore fields and kinds that they do not
/// know.
package enum GuardianMessage: Equatable, Sendable {
  // From the daemon to its guardian.

  /// The shared page; the descriptor of its memory file is sent with it.
  case page
  /// Add this record with its descriptors, or replace the device's earlier one.
  case protect(GuardianRecord)
  /// Forget a device and close its descriptors.
  case withdraw(device: [UInt8])
  /// Take charge of the outputs. Without this, the guardian exits when the daemon dies.
  case charge
  /// The daemon exits in order and has left the outputs in their final state: exit too.
  case end
  /// A lease ends at this time, in nanoseconds of the monotonic clock: check all leases after it, according to
  /// `LeaseWatch`. A guardian that does not know this message leaves leases to the living daemon.
  case watch(deadline: UInt64)
  /// The steps that make a device safe when its lease ends while the daemon hangs, with the record's descriptors.
  /// Follows a `protect` whose own steps release the output.
  case lapse(device: [UInt8], steps: [GuardianStep])
  /// The daemon exits in order and leaves the outputs that have not been withdrawn to the guardian, until they are safe
  /// or a new daemon takes them over; with `staying`, only until a new daemon takes them over. A guardian that does not
  /// know this message takes the exit for a death and acts in the same way, but does not exit.
  case leave(staying: Bool)

  // From a guardian to its daemon.

  /// The guardian is up and listens. Only this proves that the started program is a guardian.
  case ready
  /// An overdue lease of a hanging daemon was ended: the device was made safe.
  case overruled(OverruledOutput)

  // From a new daemon to the guardian of a dead one.

  /// Request for a `report`.
  case hello
  /// Make a device safe, release it, and answer `discarded`.
  case discard(device: [UInt8])
  /// Everything has been taken over: exit.
  case take

  // From a guardian to a new daemon.

  /// The answer to `hello`, followed by its number of `kept` messages.
  case report(GuardianReport)
  /// One output, with its descriptors.
  case kept(KeptOutput)
  /// A device is safe (`errno` 0), or `errno` says why it is not; in either case its descriptors are closed.
  case discarded(device: [UInt8], errno: Int32)
  /// Nothing is handed over: the daemon with this process id lives.
  case refused(pid: Int32)

  /// The longest message, in bytes.
  package static let longest = 1024
  /// The largest number of records of a guardian.
  package static let mostRecords = 1024
}

/// A guardian's report of its daemon's end. Times are nanoseconds of the monotonic clock.
package struct GuardianReport: Equatable, Sendable {
  /// The daemon's process id.
  package var pid: Int32
  /// When its end was noticed.
  package var died: UInt64
  /// When the steps of the last output had been tried.
  package var settled: UInt64
  /// The number of outputs.
  package var outputs: UInt32
  /// Whether the daemon exited in order and left outputs to the guardian; false when it died.
  package var wasLeft: Bool

  /// By default the daemon has died.
  package init(pid: Int32, died: UInt64, settled: UInt64, outputs: UInt32, wasLeft: Bool = false) {
    self.pid = pid
    self.died = died
    self.settled = settled
    self.outputs = outputs
    self.wasLeft = wasLeft
  }
}

/// An overdue lease that the guardian has ended because the daemon hung.
package struct OverruledOutput: Equatable, Sendable {
  /// The output's id on the board, in UTF-8.
  package var device: [UInt8]
  /// The lease.
  package var hold: OutputHold
  /// When the output was made safe, in nanoseconds of the monotonic clock.
  package var time: UInt64
  /// Why the hardware refused; 0 when it obeyed.
  package var errno: Int32

  /// - Parameter time: in nanoseconds of the monotonic clock.
  package init(device: [UInt8], hold: OutputHold, time: UInt64, errno: Int32) {
    self.device = device
    self.hold = hold
    self.time = time
    self.errno = errno
  }
}

/// The state of one output after its daemon's death.
package struct KeptOutput: Equatable, Sendable {
  /// The record of the dead daemon.
  package var record: GuardianRecord
  /// The result of its steps.
  package var outcome: Outcome
  /// Why a step failed; 0 when none did. EINPROGRESS means that they have not been tried yet.
  package var errno: Int32
  /// The lease at the daemon's death; nil without one.
  package var hold: OutputHold?

  /// - Parameter errno: 0 unless `outcome` is `failed`.
  package init(record: GuardianRecord, outcome: Outcome, errno: Int32, hold: OutputHold?) {
    self.record = record
    self.outcome = outcome
    self.errno = errno
    self.hold = hold
  }

  /// The result of an output's steps.
  package enum Outcome: UInt8, Sendable {
    /// They were carried out.
    case done = 0
    /// They wait for the end of the lease.
    case held = 1
    /// The hardware refused, or they have not been tried yet; unless the hardware has gone (ENODEV), they are retried.
    case failed = 2
  }
}
