import Linux
import TestKit
import Testing

@testable import Daemon

@Suite struct ArgumentsTests {
  private func refusal(_ words: String...) -> String? {
    do throws(ArgumentError) {
      _ = try Arguments(words)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func allOfThem() throws {
    let arguments = try Arguments([
      "--config", "c.yaml", "--board=b.yaml", "--home", "h", "--socket", "s", "--for", "90s", "--story", "--safe-mode",
    ])
    #expect(arguments.config == "c.yaml" && arguments.board == "b.yaml" && arguments.home == "h")
    #expect(arguments.socket == "s" && arguments.runFor == .seconds(90) && arguments.story && arguments.safeMode)
    #expect(try Arguments([]) == Arguments(["--"].filter { _ in false }))
  }

  @Test func aSimulatedBoard() throws {
    let arguments = try Arguments(["--simulate", "--board", "b.yaml", "--safe-mode"])
    #expect(arguments.simulates && arguments.board == "b.yaml" && arguments.safeMode)
    #expect(try !Arguments([]).simulates)
    #expect(
      refusal("--simulate", "--make-safe")
        == "--make-safe drives the outputs of a real board, and --simulate has none: leave one out")
    #expect(refusal("--make-safe", "--simulate") == refusal("--simulate", "--make-safe"))
  }

  @Test func whatMakesNoSense() {
    #expect(refusal("--confg", "x") == "unknown option '--confg' (did you mean '--config'?)")
    #expect(refusal("--config") == "--config needs a value")
    #expect(refusal("--for", "soon") == "--for soon: expected a time such as 10s or 5m")
    #expect(refusal("board.yaml") == "unknown option 'board.yaml'")
  }

  @Test func theManualHasEveryOption() throws {
    let manual = String(decoding: try Repository.read("systemd/openstarryd.8"), as: UTF8.self)
    let words = Arguments.help.split { !$0.isLetter && $0 != "-" }
    let options = Set(words.filter { $0.hasPrefix("--") })
    #expect(options.count >= 9)
    for option in options {
      // A hyphen is written \- in a manual page.
      let escaped = option.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "\\-")
      #expect(manual.contains(escaped), "\(option)")
    }
  }
}
