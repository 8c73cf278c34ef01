import Guardian
import GuardianTestKit
import TestKit
import Testing

@Suite struct MessageTests {
  private func record(_ random: inout SeededGenerator) -> GuardianRecord {
    GuardianRecord(
      device: random.bytes(1...GuardianRecord.longestDevice),
      identity: random.bytes(0...GuardianRecord.longestIdentity),
      slot: UInt32.random(in: 0...2000, using: &random),
      policy: [.safe, .hold, .input].randomElement(using: &random)!,
      steps: (0..<Int.random(in: 0...GuardianRecord.mostSteps, using: &random)).map { _ in .random(&random) })
  }

  private func hold(_ random: inout SeededGenerator) -> OutputHold {
    OutputHold(
      level: Double.random(in: 0...1, using: &random), deadline: random.next(), since: random.next(),
      isCutByMaxOn: Bool.random(using: &random), holder: random.bytes(0...OutputHold.longestHolder))
  }

  private func message(_ random: inout SeededGenerator) -> GuardianMessage {
    switch Int.random(in: 0..<17, using: &random) {
    case 0: .page
    case 1: .protect(record(&random))
    case 2: .withdraw(device: random.bytes(0...64))
    case 3: .charge
    case 4: .end
    case 5: .hello
    case 16: .ready
    case 15: .leave(staying: Bool.random(using: &random))
    case 6: .discard(device: random.bytes(0...64))
    case 7: .take
    case 8:
      .report(
        GuardianReport(
          pid: Int32.random(in: 0 ... .max, using: &random), died: random.next(), settled: random.next(),
          outputs: UInt32.random(in: 0 ... .max, using: &random), wasLeft: Bool.random(using: &random)))
    case 9:
      .kept(
        KeptOutput(
          record: record(&random), outcome: [.done, .held, .failed].randomElement(using: &random)!,
          errno: Int32.random(in: 0...200, using: &random),
          hold: Bool.random(using: &random) ? hold(&random) : nil))
    case 10: .discarded(device: random.bytes(0...64), errno: Int32.random(in: 0...200, using: &random))
    case 11: .watch(deadline: random.next())
    case 12:
      .lapse(
        device: random.bytes(0...64),
        steps: (0..<Int.random(in: 0...GuardianRecord.mostSteps, using: &random)).map { _ in .random(&random) })
    case 13:
      .overruled(
        OverruledOutput(
          device: random.bytes(0...64), hold: hold(&random), time: random.next(),
          errno: Int32.random(in: 0...200, using: &random)))
    default: .refused(pid: Int32.random(in: 0 ... .max, using: &random))
    }
  }

  @Test func everyMessageSurvivesARoundTrip() {
    var random = SeededGenerator(1)
    for _ in 0..<5000 {
      let message = message(&random)
      let bytes = message.bytes
      #expect(bytes.count <= GuardianMessage.longest)
      #expect(GuardianMessage(bytes) == message)
    }
  }

  @Test func aTruncatedMessageIsRejected() {
    var random = SeededGenerator(2)
    for _ in 0..<500 {
      let whole = message(&random)
      // The last field of these was added later and may be missing.
      switch whole {
      case .report, .leave: continue
      default: break
      }
      let bytes = whole.bytes
      for count in 0..<bytes.count {
        #expect(GuardianMessage(Array(bytes.prefix(count))) == nil)
        // Nor with a matching length.
        var cut = Array(bytes.prefix(count))
        guard count >= 8, count > 8 || bytes.count > 8 else { continue }
        for index in 0..<4 { cut[4 + index] = UInt8(truncatingIfNeeded: count >> (index * 8)) }
        #expect(GuardianMessage(cut) == nil, "\(count) of \(bytes)")
      }
    }
  }

  @Test func aLaterVersionMayAddFields() {
    var random = SeededGenerator(3)
    for _ in 0..<500 {
      let message = message(&random)
      var bytes = message.bytes + random.bytes(1...16)
      bytes[2] = UInt8.random(in: 1...255, using: &random)
      for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: bytes.count >> (index * 8)) }
      #expect(GuardianMessage(bytes) == message)
    }
  }

  @Test func anUnknownKindIsRejected() {
    for kind in [UInt8](0...255) {
      let bytes: [UInt8] = [0x4F, 0x47, 1, kind, 8, 0, 0, 0]
      let isKnown = [1, 4, 5, 8, 16, 18, 49].contains(kind)
      #expect((GuardianMessage(bytes) != nil) == isKnown)
    }
  }

  /// Messages cross a process boundary: any bytes may arrive, and every accepted record is within its limits.
  @Test(arguments: [UInt64](1...8)) func corruptPacketsAreHarmless(_ seed: UInt64) {
    var random = SeededGenerator(seed)
    for _ in 0..<4000 {
      var bytes: [UInt8]
      if Bool.random(using: &random) {
        bytes = message(&random).bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          bytes[place] = UInt8.random(in: 0...255, using: &random)
        }
      } else {
        bytes = [0x4F, 0x47, 1] + random.bytes(1...200)
        if bytes.count >= 8 {
          for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: bytes.count >> (index * 8)) }
        }
      }
      guard let message = GuardianMessage(bytes) else { continue }
      switch message {
      case .protect(let record): #expect(record.isSound(descriptors: GuardianRecord.mostDescriptors))
      case .kept(let output):
        #expect(output.record.isSound(descriptors: GuardianRecord.mostDescriptors))
        if let hold = output.hold { #expect((0...1).contains(hold.level)) }
      case .overruled(let output): #expect((0...1).contains(output.hold.level))
      case .lapse(_, let steps): #expect(steps.count <= GuardianRecord.mostSteps)
      default: break
      }
      #expect(GuardianMessage(message.bytes) == message)
    }
  }

  @Test func aRecordNeedsItsDescriptors() {
    let record = GuardianRecord(
      device: [0x61], identity: [], slot: 0, policy: .safe, steps: [GuardianStep(1, .drive(active: false))])
    #expect(!record.isSound(descriptors: 1))
    #expect(record.isSound(descriptors: 2))
    #expect(!record.isSound(descriptors: 5))
  }

  @Test func quickOutputsComeFirst() {
    func rank(_ actions: GuardianStep.Action...) -> Int {
      GuardianRecord(
        device: [1], identity: [], slot: 0, policy: .safe, steps: actions.map { GuardianStep(0, $0) }
      ).rank
    }
    #expect(rank(.drive(active: true)) < rank(.write([0x30])))
    #expect(rank(.write([0x30])) < rank(.transfer(address: 0x40, [6, 0])))
    #expect(rank(.drive(active: true), .transfer(address: 0x40, [6, 0])) == rank(.transfer(address: 0x40, [6, 0])))
  }

  @Test func holdNeedsALeaseInForce() {
    let hold = OutputHold(level: 1, deadline: 1000, since: 0, isCutByMaxOn: false, holder: [])
    #expect(GuardianVerdict.of(.safe, hold, now: 10) == .act)
    #expect(GuardianVerdict.of(.input, hold, now: 10) == .act)
    #expect(GuardianVerdict.of(.hold, hold, now: 10) == .keep(until: 1000))
    #expect(GuardianVerdict.of(.hold, hold, now: 1000) == .act)
    #expect(GuardianVerdict.of(.hold, nil, now: 10) == .act)
  }
}
