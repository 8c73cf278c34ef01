import EventLoop
import EventLoopTestKit
import Glibc
import Linux
import Model
import Testing

@testable import AgentProcess

/// The log of a program.
@Suite struct AgentOutputTests {
  /// Runs a loop for some time while a program writes `text` whenever its log is empty, and so never has 64 KiB in it.
  /// - Returns: the bytes and lines that were read, and the CPU time charged.
  private func pour(_ text: [UInt8], for time: Duration) throws -> (bytes: Int, lines: Int, most: Int, charged: UInt64)
  {
    let loop = try EventLoop()
    let log = try AgentOutput.open()
    let writing = Descriptor(owning: log.program)
    var (lines, charged): (Int, UInt64) = (0, 0)
    let output = AgentOutput(Descriptor(owning: log.daemon), on: loop, charge: { charged += $0 }) { _ in lines += 1 }
    try System.setNonBlocking(writing.number)
    try output.start()
    let begin = loop.now
    while loop.now < begin + time {
      var waiting: Int32 = 0
      _ = unsafe ioctl(log.daemon, UInt(FIONREAD), &waiting)
      // SAFETY: the array is valid for its count.
      if waiting == 0 { _ = unsafe write(writing.number, text, text.count) }
      loop.turn(wait: false)
    }
    let most = AgentOutput.most(within: loop.now - begin)
    output.finish()
    return (output.received, lines, most, charged)
  }

  @Test func pausesOfTheProgramRaiseNoLimit() throws {
    let line = [UInt8](repeating: 0x79, count: 8000) + [0x0A]
    let poured = try pour(line, for: .milliseconds(700))
    #expect(poured.bytes > 0 && poured.bytes <= poured.most, "\(poured)")
    #expect(poured.charged > 0)
  }

  @Test func shortLinesCountForWhatTheyCost() throws {
    let poured = try pour(Array(repeating: [0x61, 0x0A], count: 2000).flatMap { $0 }, for: .milliseconds(700))
    // 2 bytes, and 64 for the line; one piece may be beyond it.
    #expect(poured.lines > 0 && poured.lines * 66 <= poured.most + 16_384 * 33, "\(poured)")
  }
}
