import Glibc
import Guardian
import Linux
import Testing
import Wire

@testable import GuardianClient

/// What a new daemon receives from the guardian of the one before.
@Suite struct PredecessorTests {
  private func kept(_ name: String) -> KeptOutput {
    let record = GuardianRecord(
      device: Array(name.utf8), identity: [], slot: 0, policy: .safe, steps: [GuardianStep(0, .write([0x30]))])
    return KeptOutput(record: record, outcome: .done, errno: 0, hold: nil)
  }

  /// The kernel drops descriptors for which the receiver has no room. The others are still taken over at once.
  @Test func outputsWhoseDescriptorsAreMissingAreLeftOut() throws {
    let (ours, theirs) = try UnixSocket.pair(packets: true)
    let daemon = GuardianSocket(Descriptor(owning: ours), peer: "guardian", patience: 20_000)
    let guardian = GuardianSocket(Descriptor(owning: theirs), peer: "guardian", patience: 20_000)
    let file = try System.open("/dev/null", O_RDWR)
    try guardian.send(.kept(kept("lost")))
    try guardian.send(.kept(kept("fan")), [file.number])
    try guardian.send(.kept(kept("fan")), [file.number])
    let report = GuardianReport(pid: 1, died: 0, settled: 0, outputs: 3)
    let (outputs, descriptors) = try Predecessor.outputs(of: report, from: daemon)
    defer { for number in descriptors.values.joined() { close(number) } }
    #expect(outputs.map(\.record.device) == [Array("fan".utf8)])
    #expect(descriptors.mapValues(\.count) == [Array("fan".utf8): 1])
  }
}
