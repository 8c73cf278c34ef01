import Testing

@testable import Linux

/// The folder of the running program, which may have been replaced.
@Suite struct CompanionProgramTests {
  @Test(arguments: [
    ("/usr/bin/openstarryd", "/usr/bin"), ("/usr/bin/openstarryd (deleted)", "/usr/bin"), ("/openstarryd", "/"),
  ]) func folderOfAProgram(_ path: String, _ folder: String) {
    #expect(CompanionProgram.folder(ofProgram: path) == folder)
  }

  @Test func neverTheWorkingDirectory() { #expect(CompanionProgram.folder(ofProgram: "(unreachable)/x") == nil) }

  @Test func whatIsInNoneOfThemIsNotFound() { #expect(CompanionProgram.find("no-such-companion") == nil) }
}
