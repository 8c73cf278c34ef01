import KernelTestKit
import Model

/// All tests, in the order in which they run.
enum RingTests {
  static var all: [RingTest] {
    board + lines + edges + actuators + guardian + wires + chips + busFaults + kernelSensors + watchdogs + cameras
      + wholePath + twins
  }

  private static var board: [RingTest] {
    [
      RingTest("board: the file fits this machine") { ring in
        try expect(ring.board.backend, is: .linux, "backend of \(ring.board.file)")
        try expect(!ring.board.devices.isEmpty, "\(ring.board.file) declares no devices")
        _ = try Wire.all(of: ring.board)
      }
    ]
  }
}
