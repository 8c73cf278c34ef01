import CLinux
import Guardian
import Linux
import TestKit
import Testing

@testable import openstarry_guardian

/// The guardian's back-off for outputs that refuse.
@Suite struct RetryTests {
  private let folder: TemporaryFolder
  private let output: Int32

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("output", "")
    output = try System.open("\(folder.path)/output", O_RDONLY).release()
  }

  /// Makes writes to the output fail (EBADF), or succeed.
  private func refuse(_ isRefused: Bool) throws {
    let file = try System.open("\(folder.path)/output", isRefused ? O_RDONLY : O_WRONLY)
    #expect(dup2(file.number, output) == output)
  }

  private func fails(_ tested: inout Output, after milliseconds: [UInt64], from start: UInt64) -> UInt64 {
    var now = start
    for pause in milliseconds {
      if !tested.isDue(now) { tested.begin(now: now) }
      let isThrough = tested.advance(now: now)
      #expect(isThrough)
      #expect(tested.outcome == .failed && tested.due == now + pause * 1_000_000)
      now = tested.due ?? now
    }
    return now
  }

  @Test func aSuccessResetsTheBackOff() throws {
    let record = GuardianRecord(
      device: Array("fan".utf8), identity: [], slot: 0, policy: .safe, steps: [GuardianStep(0, .write([0x30]))])
    var tested = Output(record, [output])
    defer { tested.close() }
    var now: UInt64 = 1_000_000_000
    now = fails(
      &tested, after: [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_000, 10_000], from: now)
    try refuse(false)
    let isThrough = tested.advance(now: now)
    #expect(isThrough)
    #expect(tested.outcome == .done && tested.due == nil)
    #expect(try Files.read("\(folder.path)/output") == [0x30])
    try refuse(true)
    now = fails(&tested, after: [10, 20, 40], from: now)
    // Returned to the living daemon.
    tested.giveBack()
    #expect(tested.due == nil)
    now = fails(&tested, after: [10, 20], from: now)
  }
}
