import Model
import Testing

@testable import CommandLine

struct ConsoleTests {
  @Test(arguments: [
    "status\rps\r", "status\nps\n", "status\r\nps\r\n", "statux\u{8}s\r\nps\n", "sta\u{1}tus\rp\u{7F}ps\r",
  ])
  func linesEndWithCROrLFOrBoth(_ typed: String) {
    for size in 1...typed.utf8.count {
      var assembler = LineAssembler()
      var inputs: [LineAssembler.Input] = []
      var rest = Array(typed.utf8)[...]
      while !rest.isEmpty {
        inputs += assembler.take(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      #expect(inputs == [.line("status"), .line("ps")])
      #expect(!assembler.hasBegun)
    }
  }

  @Test func emptyLinesCountButCRLFIsOneEnd() {
    var assembler = LineAssembler()
    #expect(assembler.take(Array("\r\n\r\n\n\n".utf8)) == [.line(""), .line(""), .line(""), .line("")])
  }

  @Test func backspaceTakesBackWholeCharacters() {
    var assembler = LineAssembler()
    #expect(assembler.take(Array("aä\u{7F}b\u{7F}\u{7F}\u{7F}c\r".utf8)) == [.line("c")])
  }

  @Test func anEndlessLineIsRefusedWithBoundedMemory() {
    var assembler = LineAssembler()
    #expect(assembler.take([UInt8](repeating: 0x61, count: 100_000)).isEmpty)
    #expect(assembler.hasBegun)
    #expect(assembler.take(Array("\rstatus\r".utf8)) == [.tooLong, .line("status")])
  }

  @Test func wordsAreKeptTogetherByQuotes() {
    #expect(Words.split("  read   temperature ") == ["read", "temperature"])
    #expect(
      Words.split(#"emit a:b text="two words" 'it''s' "a\"b\\" c\ d"#) == [
        "emit", "a:b", "text=two words", "its", #"a"b\"#, "c d",
      ])
    #expect(Words.split(#""" x"#) == ["", "x"])
    #expect(Words.split("") == [])
    #expect(Words.split("set 'fan") == nil)
    #expect(Words.split(#"set fan\"#) == nil)
  }

  @Test func theGreetingSummarisesTheStatus() {
    let status: Value = ["devices": 12, "agents": ["registered": 3, "running": 2], "rules": 4]
    #expect(Console.summary(status) == "12 devices, 2 of 3 agents running, 4 rules")
    #expect(Console.summary([:]) == "- devices, - of - agents running, - rules")
  }
}

/// Commands that write files need a shell.
struct ConsoleCommandTests {
  @Test func theDoctorWorksInTheConsoleAndItsArchiveDoesNot() {
    #expect(!Console.isForShells(["doctor", "--json"]))
    #expect(Console.isForShells(["doctor", "--bundle=x.tar"]))
    #expect(Console.isForShells(["snapshot", "cam0"]))
  }
}
