import Config
import Glibc
import GuardianTestKit
import KernelTestKit
import Linux
import Model

// The kernel ring: tests of the daemon's parts on the kernel's own devices. One program without XCTest, so that the same
// file runs in the virtual test-bed and on a board.

// Tests of the guardian run this program again, as the process that they kill.
if CommandLine.arguments.dropFirst().first == "--ward" { Ward.run(Array(CommandLine.arguments.dropFirst(2))) }

let arguments: RingArguments
let board: Board
do {
  arguments = try RingArguments(Array(CommandLine.arguments.dropFirst()), environment: Environment.current())
  let (checked, warnings) = try ConfigText.board(try Files.read(arguments.board), file: arguments.board)
  for warning in warnings { say("\(warning)") }
  board = checked
} catch {
  say("kernel-ring: \(error)")
  exit(2)
}
Interrupt.ignoreBrokenPipes()

if arguments.isBenchmark {
  do {
    try PathBenchmark(board: board, rounds: arguments.rounds).run()
    try GuardianBenchmark(board: board).run(max(1, arguments.rounds / 10))
    exit(0)
  } catch let skip as Skip {
    say("kernel-ring: nothing to measure: \(skip.reason)")
    exit(0)
  } catch {
    say("kernel-ring: \(error)")
    exit(1)
  }
}

let ring = Ring(board: board, edgeSeconds: arguments.edgeSeconds)
exit(ring.run(RingTests.all, arguments) ? 0 : 1)
