#if !hasFeature(Embedded)
  import Companion
#endif

extension GuardianMessage: PacketMessage {
  private static let header = PacketHeader(mark: (0x4F, 0x47), layout: 1)

  private var kind: UInt8 {
    switch self {
    case .page: 1
    case .protect: 2
    case .withdraw: 3
    case .charge: 4
    case .end: 5
    case .watch: 6
    case .lapse: 7
    case .leave: 8
    case .hello: 16
    case .discard: 17
    case .take: 18
    case .report: 32
    case .kept: 33
    case .discarded: 34
    case .refused: 35
    case .overruled: 48
    case .ready: 49
    }
  }

  /// The message as one packet.
  package var bytes: [UInt8] {
    Self.header.message(kind) { writer in
      switch self {
      case .page, .charge, .end, .hello, .take, .ready: break
      case .leave(let staying): writer.byte(staying ? 1 : 0)
      case .protect(let record): writer.record(record)
      case .withdraw(let device), .discard(let device): writer.text(device)
      case .report(let report):
        writer.integer(report.pid)
        writer.integer(report.died)
        writer.integer(report.settled)
        writer.integer(report.outputs)
        writer.byte(report.wasLeft ? 1 : 0)
      case .kept(let output):
        writer.record(output.record)
        writer.byte(output.outcome.rawValue)
        writer.integer(output.errno)
        writer.byte(output.hold == nil ? 0 : 1)
        if let hold = output.hold { writer.hold(hold) }
      case .discarded(let device, let errno):
        writer.text(device)
        writer.integer(errno)
      case .refused(let pid): writer.integer(pid)
      case .watch(let deadline): writer.integer(deadline)
      case .lapse(let device, let steps):
        writer.text(device)
        writer.steps(steps)
      case .overruled(let output):
        writer.text(output.device)
        writer.hold(output.hold)
        writer.integer(output.time)
        writer.integer(output.errno)
      }
    }
  }

  /// Reads a packet.
  /// - Returns: nil for a malformed or truncated packet, or an unknown kind. A record is within its limits, except for
  ///   the number of descriptors, which the caller must check with `GuardianRecord.isSound`.
  package init?(_ bytes: [UInt8]) {
    guard let (kind, start) = Self.header.open(bytes, longest: Self.longest) else { return nil }
    var reader = start
    switch kind {
    case 1: self = .page
    case 2:
      guard let record = reader.record() else { return nil }
      self = .protect(record)
    case 3:
      guard let device = reader.text() else { return nil }
      self = .withdraw(device: device)
    case 4: self = .charge
    case 5: self = .end
    case 6:
      guard let deadline: UInt64 = reader.integer() else { return nil }
      self = .watch(deadline: deadline)
    case 7:
      guard let device = reader.text(), let steps = reader.steps() else { return nil }
      self = .lapse(device: device, steps: steps)
    // Earlier daemons do not send `staying`.
    case 8: self = .leave(staying: reader.byte() == 1)
    case 16: self = .hello
    case 17:
      guard let device = reader.text() else { return nil }
      self = .discard(device: device)
    case 18: self = .take
    case 32:
      guard let pid: Int32 = reader.integer(), let died: UInt64 = reader.integer(),
        let settled: UInt64 = reader.integer(), let outputs: UInt32 = reader.integer()
      else { return nil }
      // Earlier guardians do not send `wasLeft`.
      let wasLeft = reader.byte() == 1
      self = .report(GuardianReport(pid: pid, died: died, settled: settled, outputs: outputs, wasLeft: wasLeft))
    case 33:
      guard let record = reader.record(), let number = reader.byte(),
        let outcome = KeptOutput.Outcome(rawValue: number), let errno: Int32 = reader.integer(),
        let isHeld = reader.byte()
      else { return nil }
      var hold: OutputHold?
      if isHeld == 1 {
        guard let read = reader.hold() else { return nil }
        hold = read
      }
      self = .kept(KeptOutput(record: record, outcome: outcome, errno: errno, hold: hold))
    case 34:
      guard let device = reader.text(), let errno: Int32 = reader.integer() else { return nil }
      self = .discarded(device: device, errno: errno)
    case 35:
      guard let pid: Int32 = reader.integer() else { return nil }
      self = .refused(pid: pid)
    case 49: self = .ready
    case 48:
      guard let device = reader.text(), let hold = reader.hold(), let time: UInt64 = reader.integer(),
        let errno: Int32 = reader.integer()
      else { return nil }
      self = .overruled(OverruledOutput(device: device, hold: hold, time: time, errno: errno))
    default: return nil
    }
  }
}

extension ByteWriter {
  mutating func record(_ record: GuardianRecord) {
    text(record.device)
    text(record.identity)
    integer(record.slot)
    byte(record.policy.rawValue)
    steps(record.steps)
  }

  mutating func steps(_ steps: [GuardianStep]) {
    byte(UInt8(truncatingIfNeeded: steps.count))
    for step in steps {
      byte(step.descriptor)
      switch step.action {
      case .drive(let active):
        byte(1)
        text([active ? 1 : 0])
      case .configure(let flags):
        byte(2)
        byte(8)
        integer(flags)
      case .write(let contents):
        byte(3)
        text(contents)
      case .transfer(let address, let contents):
        byte(4)
        text([address] + contents)
      }
    }
  }

  mutating func hold(_ hold: OutputHold) {
    integer(hold.level.bitPattern)
    integer(hold.deadline)
    integer(hold.since)
    byte(hold.isCutByMaxOn ? 1 : 0)
    text(hold.holder)
  }
}

extension ByteReader {
  mutating func record() -> GuardianRecord? {
    guard let device = text(), let identity = text(), let slot: UInt32 = integer(), let number = byte(),
      let policy = GuardianRecord.Policy(rawValue: number), let steps = steps()
    else { return nil }
    let record = GuardianRecord(device: device, identity: identity, slot: slot, policy: policy, steps: steps)
    return record.isSound(descriptors: GuardianRecord.mostDescriptors) ? record : nil
  }

  mutating func steps() -> [GuardianStep]? {
    guard let count = byte(), count <= GuardianRecord.mostSteps else { return nil }
    var steps: [GuardianStep] = []
    for _ in 0..<count {
      guard let step = step() else { return nil }
      steps.append(step)
    }
    return steps
  }

  private mutating func step() -> GuardianStep? {
    guard let descriptor = byte(), let kind = byte(), let operand = text() else { return nil }
    switch kind {
    case 1:
      guard operand.count == 1, operand[0] <= 1 else { return nil }
      return GuardianStep(descriptor, .drive(active: operand[0] == 1))
    case 2:
      var flags = ByteReader(operand)
      guard operand.count == 8, let value: UInt64 = flags.integer() else { return nil }
      return GuardianStep(descriptor, .configure(flags: value))
    case 3: return GuardianStep(descriptor, .write(operand))
    case 4:
      guard let address = operand.first else { return nil }
      return GuardianStep(descriptor, .transfer(address: address, Array(operand.dropFirst())))
    default: return nil
    }
  }

  mutating func hold() -> OutputHold? {
    guard let level: UInt64 = integer(), let deadline: UInt64 = integer(), let since: UInt64 = integer(),
      let isCut = byte(), let holder = text(), holder.count <= OutputHold.longestHolder
    else { return nil }
    let value = Double(bitPattern: level)
    guard value >= 0, value <= 1 else { return nil }
    return OutputHold(level: value, deadline: deadline, since: since, isCutByMaxOn: isCut == 1, holder: holder)
  }
}
